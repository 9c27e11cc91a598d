"""Which partner a request acts for: the caller, or a reseller that it names.

See docs/domain/partners.md B.1.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import find
from chassis.errors import RefusedError
from chassis.identity import Principal, WrongPrincipalError
from voucher.copies import PartnerCopy


class NotOwnResellerError(RefusedError):
    """The reseller is not the distributor's."""

    code = "CBC.99000037"


class PartnerBarredError(RefusedError):
    """The partner, or the distributor above it, may not issue coupons as it stands."""

    code = "CBC.50010085"


async def find_acted_partner(
    session: AsyncSession, principal: Principal, indirect_partner_id: str | None
) -> str:
    """The id of the partner whose things are meant.

    `indirect_partner_id` counts for distributors only, for others it is ignored.

    Raises:
        WrongPrincipalError: no partner asks.
        NotOwnResellerError: the named reseller is not the caller's.

    """
    if not principal.is_partner:
        raise WrongPrincipalError
    if indirect_partner_id is None or principal.kind != "distributor":
        return principal.partner_id
    reseller = await find(session, PartnerCopy, indirect_partner_id)
    if reseller is None or reseller.distributor_id != principal.partner_id:
        raise NotOwnResellerError
    return indirect_partner_id


async def find_issuing_partner(
    session: AsyncSession, principal: Principal, indirect_partner_id: str | None
) -> str:
    """As `find_acted_partner`, for a command: the account must be in good standing.

    Raises:
        PartnerBarredError: restricted, delisted, a test account, or in the mode in which the
            partner uses vouchers itself.

    """
    acted = await find_acted_partner(session, principal, indirect_partner_id)
    partner = await find(session, PartnerCopy, acted)
    if partner is None:
        raise PartnerBarredError("unknown partner account", code="CBC.0155")
    if acted != principal.partner_id:
        above = await find(session, PartnerCopy, principal.partner_id)
        _refuse_distributor(above)
    if partner.status != "active":
        raise PartnerBarredError
    if partner.is_test_account:
        raise PartnerBarredError(code="CBC.99005035")
    if partner.coupon_mode == "use_vouchers":
        raise PartnerBarredError(code="CBC.50000010")
    return acted


def _refuse_distributor(distributor: PartnerCopy | None) -> None:
    if distributor is not None and distributor.status == "restricted":
        raise PartnerBarredError(code="CBC.50010086")
    if distributor is not None and distributor.status == "delisted":
        raise PartnerBarredError(code="CBC.50010065")
