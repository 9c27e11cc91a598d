"""On which side of an association a caller stands, and who may speak for it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from customer_sync.association.models import BY_CUSTOMER, BY_PARTNER
from customer_sync.customers.find_customer import find_customer
from customer_sync.customers.models import Customer


def side_of(principal: Principal) -> str:
    """Partner or customer.

    Raises:
        WrongPrincipalError: an operator without the administrator's role, a partner with its
            customer's credentials, or neither side.

    """
    if principal.is_customer and principal.acting_for_partner is None:
        return BY_CUSTOMER
    if not principal.is_partner:
        raise WrongPrincipalError("the customer itself or its partner only")
    if not principal.is_whole_account:
        raise WrongPrincipalError("the partner's administrator only")
    return BY_PARTNER


async def find_party(
    session: AsyncSession, principal: Principal, side: str, customer_id: str
) -> Customer:
    """The customer, locked until the transaction ends: the caller's own, or the caller itself.

    Raises:
        NotFoundError: no such customer, or another's.

    """
    if side == BY_PARTNER:
        return await find_customer(session, principal, customer_id)
    if customer_id != principal.id:
        raise NotFoundError
    wanted = select(Customer).where(Customer.id == customer_id).with_for_update()
    found = await session.scalar(wanted.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError
    return found
