"""Whose money an attempt to pay an order is to hold."""

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import NotOwnCustomerError, known_partner
from billing.copies import Customer, Partner
from chassis import copies

_CUSTOMER = (
    select(Customer)
    .where(Customer.customer_id == bindparam("customer_id"))
    .execution_options(populate_existing=True)
)
_HELD = _CUSTOMER.with_for_update(read=True)


async def lock_payer(
    session: AsyncSession, customer_id: str, payer_partner_id: str | None
) -> Customer | Partner:
    """The customer, or the partner of the customer that pays in its place; waited for.

    A customer that pays is locked as the end of its association locks it: before any account.

    Raises:
        NotOwnCustomerError: there is no such customer, or it is not the paying partner's.
        AccountMissingError: there is no such partner.

    """
    wanted = _HELD if payer_partner_id is None else _CUSTOMER

    async def look(asked: AsyncSession) -> Customer | None:
        found: Customer | None = await asked.scalar(wanted, {"customer_id": customer_id})
        return found

    customer = await copies.until(session, look)
    if customer is None:
        raise NotOwnCustomerError(customer_id)
    if payer_partner_id is None:
        return customer
    if customer.partner_id != payer_partner_id:
        raise NotOwnCustomerError(customer_id)
    return await known_partner(session, payer_partner_id)
