"""The calling enterprise master, and the units and members that are its own."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import Principal, WrongPrincipalError
from customer_sync.customers.models import Customer
from customer_sync.enterprise.models import Organization


class ForeignOrganizationError(RefusedError):
    """There is no such unit, or it is another master's."""

    code = "CBC.0150"


async def find_master(
    session: AsyncSession, principal: Principal, *, lock: bool = False
) -> Customer:
    """The caller's own account; locked, it makes and loses no member beside this transaction.

    Raises:
        WrongPrincipalError: no customer, a partner that acts for one, or no enterprise master.

    """
    if not principal.is_customer or principal.acting_for_partner is not None:
        raise WrongPrincipalError
    wanted = select(Customer).where(Customer.id == principal.id, Customer.is_enterprise_master)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found = await session.scalar(wanted)
    if found is None:
        raise WrongPrincipalError("an enterprise master only")
    return found


async def find_organization(
    session: AsyncSession, master: Customer, organization_id: str | None
) -> Organization:
    """One of the master's units; its root where none is named.

    Raises:
        ForeignOrganizationError

    """
    wanted = select(Organization).where(Organization.master_id == master.id)
    if organization_id is None:
        wanted = wanted.where(Organization.parent_id.is_(None))
    else:
        wanted = wanted.where(Organization.id == organization_id)
    found = await session.scalar(wanted)
    if found is None:
        raise ForeignOrganizationError
    return found
