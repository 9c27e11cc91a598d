"""Whether a customer lets its partner act for it (docs/domain/acting-on-behalf.md F6)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from chassis.errors import RefusedError
from order.copies import Authorization, Customer

ACTIVE = "active"


class NotAuthorizedError(RefusedError):
    """The customer has granted its partner nothing, or ended the grant."""

    code = "CHB.1001"


async def hold_authorization(session: AsyncSession, customer: Customer) -> None:
    """Refuse unless the grant is active now; it stays so until the transaction ends."""
    granted = select(Authorization.authorization_id).where(
        Authorization.customer_id == customer.customer_id,
        Authorization.partner_id == customer.partner_id,
        Authorization.status == ACTIVE,
    )
    if await session.scalar(granted.limit(1).with_for_update(read=True)) is None:
        raise NotAuthorizedError


async def require_authorization(session: AsyncSession, customer: Customer) -> None:
    """Refuse unless the customer's grant to its present partner is active.

    A grant made a moment ago may still be under way here, so it is waited for as long as for any
    copy (decision 0008).
    """
    granted = select(Authorization.authorization_id).where(
        Authorization.customer_id == customer.customer_id,
        Authorization.partner_id == customer.partner_id,
        Authorization.status == ACTIVE,
    )
    if await copies.until(session, lambda asked: asked.scalar(granted.limit(1))) is None:
        raise NotAuthorizedError
