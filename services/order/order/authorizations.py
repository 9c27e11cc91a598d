"""Whether a customer lets its partner act for it (docs/domain/acting-on-behalf.md F6)."""

from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from chassis.errors import RefusedError
from chassis.identity import Principal
from order.copies import Authorization, Customer

ACTIVE = "active"


def acting_for(principal: Principal, customer: Customer) -> Principal:
    """The customer, as a partner that exchanged its credential acts for it."""
    return replace(
        principal,
        id=customer.customer_id,
        kind="customer",
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        acting_for_partner=principal.id if principal.is_partner else None,
    )


class NotAuthorizedError(RefusedError):
    """The customer has granted its partner nothing, or ended the grant."""

    code = "CHB.1001"


# Made once: each order on behalf asks for both.
_GRANTED = (
    select(Authorization.authorization_id)
    .where(
        Authorization.customer_id == bindparam("customer_id"),
        Authorization.partner_id == bindparam("partner_id"),
        Authorization.status == ACTIVE,
    )
    .limit(1)
)
_HELD = _GRANTED.with_for_update(read=True)


async def hold_authorization(session: AsyncSession, customer: Customer) -> None:
    """Refuse unless the grant is active now; it stays so until the transaction ends."""
    if await session.scalar(_HELD, _to_its_partner(customer)) is None:
        raise NotAuthorizedError


async def require_authorization(session: AsyncSession, customer: Customer) -> None:
    """Refuse unless the customer's grant to its present partner is active.

    A grant made a moment ago may still be under way here, so it is waited for as long as for any
    copy (decision 0008).
    """
    named = _to_its_partner(customer)
    if await copies.until(session, lambda asked: asked.scalar(_GRANTED, named)) is None:
        raise NotAuthorizedError


def _to_its_partner(customer: Customer) -> dict[str, Any]:
    return {"customer_id": customer.customer_id, "partner_id": customer.partner_id}
