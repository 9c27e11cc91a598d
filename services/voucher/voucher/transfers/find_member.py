"""The calling enterprise master, and those of its organisation."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import until
from chassis.identity import Principal, WrongPrincipalError
from voucher.copies import Customer
from voucher.transfers.models import NotMemberError


async def require_master(session: AsyncSession, principal: Principal) -> None:
    """Raise WrongPrincipalError unless it is an enterprise master itself.

    The copy may lag behind: it is waited for, and who has a member is a master as well.
    """
    if not principal.is_customer or principal.acting_for_partner is not None:
        raise WrongPrincipalError

    async def look(asked: AsyncSession) -> Customer | None:
        found = await asked.get(Customer, principal.id, populate_existing=True)
        if found is None or found.is_enterprise_master:
            return found
        return found if await _member_of(asked, principal.id) is not None else None

    if await until(session, look) is None:
        raise WrongPrincipalError("an enterprise master only")


async def find_member(session: AsyncSession, master_id: str, member_id: str) -> Customer:
    """The master's own member, after up to two seconds for the event that makes it one.

    Raises:
        NotMemberError: unknown, or not the master's: the answer and its time are the same.

    """

    async def look(asked: AsyncSession) -> Customer | None:
        found = await asked.get(Customer, member_id, populate_existing=True)
        own = found is not None and found.enterprise_master_id == master_id
        return found if own else None

    found = await until(session, look)
    if found is None:
        raise NotMemberError
    return found


async def _member_of(session: AsyncSession, master_id: str) -> str | None:
    found: str | None = await session.scalar(
        select(Customer.customer_id).where(Customer.enterprise_master_id == master_id).limit(1)
    )
    return found
