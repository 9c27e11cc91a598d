"""Who acts and upon whom: the partner that a caller stands for, and a customer of its own."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import AccountMissingError
from billing.copies import ASSOCIATED, Customer, Partner
from chassis import copies
from chassis.errors import RefusedError
from wire.vocabulary import RESALE_TYPES


class NotOwnCustomerError(RefusedError):
    """Not a customer of the partner, or not any more; the same whether or not it exists."""

    code = "CBC.99000035"


class NotResaleError(RefusedError):
    """A partner's funds reach resale customers only (docs/domain/accounts.md B.10)."""

    code = "CBC.5023"


async def known_partner(session: AsyncSession, partner_id: str) -> Partner:
    """The partner, waiting for the event that makes its copy; AccountMissingError."""
    partner = await copies.find(session, Partner, partner_id)
    if partner is None:
        raise AccountMissingError(partner_id)
    return partner


async def resale_customer(session: AsyncSession, partner_id: str, customer_id: str) -> Customer:
    """The partner's resale customer, waiting while it is unknown or its association pending.

    Raises:
        NotOwnCustomerError: somebody else's, unlinked, or not there.
        NotResaleError: associated otherwise.

    """

    async def look(asked: AsyncSession) -> Customer | None:
        known = await asked.get(Customer, customer_id, populate_existing=True)
        return None if known is None or known.association_status == "pending" else known

    await copies.until(session, look)
    # Locked against its own unlinking, which would leave the money with a stranger.
    customer = await session.get(
        Customer, customer_id, with_for_update={"read": True}, populate_existing=True
    )
    if customer is None or customer.partner_id != partner_id:
        raise NotOwnCustomerError(customer_id)
    if customer.association_status != ASSOCIATED:
        raise NotOwnCustomerError(customer_id)
    if customer.association_type not in RESALE_TYPES:
        raise NotResaleError(customer_id)
    return customer
