"""Codes that prove a new member's phone: each serves the master that asked for it only."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from customer_sync.codes.verification_codes import ENTERPRISE_MEMBER, issue_code, try_code, use_code
from customer_sync.customers.models import Customer

Keys = dict[str, bytes]


def _receiver(master: Customer, mobile: str) -> str:
    """The table tells partners apart; two masters of one may ask for the same phone."""
    return f"{master.id}/{mobile}"


async def issue_member_code(
    session: AsyncSession,
    keys: Keys,
    master: Customer,
    mobile: str,
    expires_at: datetime,
    now: datetime,
) -> str:
    """A new code; the one before it is void."""
    receiver = _receiver(master, mobile)
    return await issue_code(
        session, keys, master.partner_id, ENTERPRISE_MEMBER, receiver, expires_at, now
    )


async def try_member_code(
    session: AsyncSession, keys: Keys, master: Customer, mobile: str, code: str, now: datetime
) -> RefusedError | None:
    """As `try_code`."""
    receiver = _receiver(master, mobile)
    return await try_code(
        session, keys, master.partner_id, receiver, code, now, scene=ENTERPRISE_MEMBER
    )


async def use_member_code(
    session: AsyncSession, keys: Keys, master: Customer, mobile: str, code: str, now: datetime
) -> None:
    """As `use_code`."""
    receiver = _receiver(master, mobile)
    await use_code(session, keys, master.partner_id, receiver, code, now, scene=ENTERPRISE_MEMBER)
