"""Who acts and upon whom: the partner that a caller stands for, and a customer of its own."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import AccountMissingError
from billing.copies import ASSOCIATED, RESALE_TYPES, Customer, Partner
from chassis import copies
from chassis.errors import RefusedError
from chassis.identity import Principal, WrongPrincipalError


class NotOwnResellerError(RefusedError):
    """The reseller is not below the calling distributor."""

    code = "CBC.99000037"


class NotOwnCustomerError(RefusedError):
    """Not a customer of the partner, or not any more; the same whether or not it exists."""

    code = "CBC.99000035"


class NotResaleError(RefusedError):
    """A partner's funds reach resale customers only (docs/domain/accounts.md B.10)."""

    code = "CBC.5023"


async def acting_partner_id(
    session: AsyncSession,
    principal: Principal,
    indirect_partner_id: str | None,
    *,
    waiting: bool = False,
) -> str:
    """The partner account that the call is about (docs/domain/partners.md B.1).

    A distributor may name one of its resellers; for everybody else the field is ignored.

    Raises:
        WrongPrincipalError: the caller is no partner.
        NotOwnResellerError: no such reseller below the distributor.

    """
    if not principal.is_partner:
        raise WrongPrincipalError
    if not indirect_partner_id or principal.kind != "distributor":
        return principal.partner_id
    if waiting:
        reseller = await copies.find(session, Partner, indirect_partner_id)
    else:
        reseller = await session.get(Partner, indirect_partner_id)
    if reseller is None or reseller.distributor_id != principal.partner_id:
        raise NotOwnResellerError
    return reseller.partner_id


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
