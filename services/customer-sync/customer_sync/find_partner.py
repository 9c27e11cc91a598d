"""On which partner account a caller acts: its own, or that of one of its resellers."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal, WrongPrincipalError
from customer_sync.copies import Partner

DISTRIBUTOR = "distributor"


class ResellerNotYoursError(RefusedError):
    """There is no such reseller, or another distributor stands above it."""

    code = "CBC.99000037"


async def find_partner(
    session: AsyncSession, principal: Principal, indirect_partner_id: str | None
) -> Partner:
    """The account acted on: `indirect_partner_id` counts for distributors only.

    See docs/domain/partners.md B.1.

    Raises:
        WrongPrincipalError: the caller is no partner.
        ResellerNotYoursError: the reseller is not the caller's.
        OutsideError: the caller's own account has not arrived here yet.

    """
    if not principal.is_partner:
        raise WrongPrincipalError
    if principal.kind == DISTRIBUTOR and indirect_partner_id:
        return await _find_reseller(session, principal, indirect_partner_id)
    own = await copies.find(session, Partner, principal.id)
    if own is None:
        raise OutsideError("the partner account is not known here yet")
    return own


async def find_owner(
    session: AsyncSession, principal: Principal, indirect_partner_id: str | None
) -> str:
    """Whose customers a list shows: without a reseller's id the caller's own only.

    Raises:
        WrongPrincipalError: the caller is no partner.
        ResellerNotYoursError: the reseller is not the caller's.

    """
    if not principal.is_partner:
        raise WrongPrincipalError
    if principal.kind == DISTRIBUTOR and indirect_partner_id:
        return (await _find_reseller(session, principal, indirect_partner_id)).id
    return principal.id


async def _find_reseller(session: AsyncSession, principal: Principal, reseller: str) -> Partner:
    """The caller's own, waiting as for any copy.

    Somebody else's is waited for as well: were it refused at once, the clock would tell of it.
    """
    own = select(Partner).where(Partner.id == reseller, Partner.distributor_id == principal.id)
    found = await copies.until(session, lambda asked: asked.scalar(own))
    if found is None:
        raise ResellerNotYoursError
    return found
