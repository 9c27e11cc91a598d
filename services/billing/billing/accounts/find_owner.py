"""Whose account an administrator names: a partner's or a customer's."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import AccountMissingError
from billing.copies import Customer, Partner
from chassis import copies


async def find_owner(session: AsyncSession, owner_id: str) -> Partner | Customer:
    """The owner, waiting for the event that makes its copy; AccountMissingError when none comes."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + copies.WAIT_SECONDS
    while True:
        if partner := await session.get(Partner, owner_id):
            return partner
        if customer := await session.get(Customer, owner_id):
            return customer
        if loop.time() >= deadline:
            raise AccountMissingError(owner_id)
        await asyncio.sleep(copies.WAIT_STEP_SECONDS)
