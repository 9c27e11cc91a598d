"""The customer that an application is about: an associated one of the caller's own."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from customer_sync.customers.models import ASSOCIATED, Customer
from customer_sync.customers.send_verification_code import NotYourCustomerError


async def find_applicant(session: AsyncSession, principal: Principal, customer_id: str) -> Customer:
    """The customer, locked until the transaction ends.

    Raises:
        WrongPrincipalError: the caller is no partner.
        NotYourCustomerError: no such customer, not associated, or another's, a reseller's included.

    """
    found = await session.scalar(
        select(Customer)
        .where(
            Customer.id == customer_id,
            Customer.partner_id == principal.id,
            Customer.association_status == ASSOCIATED,
        )
        .with_for_update()
    )
    if found is None:
        raise NotYourCustomerError
    return found
