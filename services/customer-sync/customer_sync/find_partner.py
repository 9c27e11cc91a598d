"""On which partner account a caller acts: its own, or that of one of its resellers."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from chassis.errors import OutsideError
from chassis.identity import Principal
from chassis.tenancy import find_reseller
from customer_sync.copies import Partner


async def find_partner(
    session: AsyncSession, principal: Principal, indirect_partner_id: str | None
) -> Partner:
    """The account acted on.

    Raises:
        NotOwnResellerError: the reseller is not the caller's.
        OutsideError: the caller's own account has not arrived here yet.

    """
    reseller = await find_reseller(session, principal, indirect_partner_id, Partner)
    if reseller is not None:
        return reseller
    own = await copies.find(session, Partner, principal.id)
    if own is None:
        raise OutsideError("the partner account is not known here yet")
    return own
