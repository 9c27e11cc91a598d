"""Whose account an administrator names: a partner's or a customer's."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import AccountMissingError
from billing.copies import Customer, Partner
from chassis import copies


async def find_owner(session: AsyncSession, owner_id: str) -> Partner | Customer:
    """The owner, waiting for the event that makes its copy; AccountMissingError when none comes."""

    async def look(asked: AsyncSession) -> Partner | Customer | None:
        owner: Partner | Customer | None = await asked.get(Partner, owner_id)
        if owner is None:
            owner = await asked.get(Customer, owner_id)
        return owner

    owner: Partner | Customer | None = await copies.until(session, look)
    if owner is None:
        raise AccountMissingError(owner_id)
    return owner
