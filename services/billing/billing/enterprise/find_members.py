"""The calling enterprise master, and the members that are its own."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer
from billing.enterprise.models import NotOwnMemberError
from chassis import copies
from chassis.identity import Principal, WrongPrincipalError


async def find_master(session: AsyncSession, principal: Principal) -> Customer:
    """The caller's own account, waiting while nobody has said that it is a master.

    Raises:
        WrongPrincipalError: no customer, a partner that acts for one, or no enterprise master.

    """
    if not principal.is_customer or principal.acting_for_partner is not None:
        raise WrongPrincipalError

    async def look(asked: AsyncSession) -> Customer | None:
        known = await asked.get(Customer, principal.id, populate_existing=True)
        return known if known is not None and known.is_enterprise_master else None

    master = await copies.until(session, look)
    if master is None:
        raise WrongPrincipalError("an enterprise master only")
    return master


async def own_member(session: AsyncSession, master: Customer, member_id: str) -> Customer:
    """A member of the master's, which does not leave it before the transaction ends.

    Raises:
        NotOwnMemberError: somebody else's, one that left, or not there; waited for alike.

    """

    master_id = master.customer_id

    async def look(asked: AsyncSession) -> Customer | None:
        known = await asked.get(Customer, member_id, populate_existing=True)
        return known if known is not None and known.enterprise_master_id == master_id else None

    await copies.until(session, look)
    member = await session.get(
        Customer, member_id, with_for_update={"read": True}, populate_existing=True
    )
    if member is None or member.enterprise_master_id != master_id:
        raise NotOwnMemberError
    return member
