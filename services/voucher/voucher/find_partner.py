"""Which partner a request acts for: the caller, or a reseller that it names.

See docs/domain/partners.md B.1.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import find
from chassis.errors import RefusedError
from chassis.identity import Principal
from chassis.tenancy import acted_for
from voucher.copies import Partner


class PartnerBarredError(RefusedError):
    """The partner, or the distributor above it, may not issue coupons as it stands."""

    code = "CBC.50010085"


async def find_issuing_partner(
    session: AsyncSession, principal: Principal, indirect_partner_id: str | None
) -> str:
    """The partner account that a command is about; it must be in good standing.

    Raises:
        PartnerBarredError: restricted, delisted, a test account, or in the mode in which the
            partner uses vouchers itself.

    """
    acted = await acted_for(session, principal, indirect_partner_id, Partner)
    partner = await find(session, Partner, acted)
    if partner is None:
        raise PartnerBarredError("unknown partner account", code="CBC.0155")
    if acted != principal.partner_id:
        above = await find(session, Partner, principal.partner_id)
        _refuse_distributor(above)
    if partner.status != "active":
        raise PartnerBarredError
    if partner.is_test_account:
        raise PartnerBarredError(code="CBC.99005035")
    if partner.coupon_mode == "use_vouchers":
        raise PartnerBarredError(code="CBC.50000010")
    return acted


def _refuse_distributor(distributor: Partner | None) -> None:
    if distributor is not None and distributor.status == "restricted":
        raise PartnerBarredError(code="CBC.50010086")
    if distributor is not None and distributor.status == "delisted":
        raise PartnerBarredError(code="CBC.50010065")
