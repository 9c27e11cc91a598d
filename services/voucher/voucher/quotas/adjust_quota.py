"""The administrator raises or lowers the value of a quota that is being adjusted."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError
from chassis.identity import Principal
from voucher.ledger.post_movements import post_adjustment
from voucher.quotas.facts import quota_changed
from voucher.quotas.find_quota import lock_quota
from voucher.quotas.models import ADJUSTING, Quota, QuotaStateError
from voucher.quotas.take_back import lock_with_parents, take_back
from wire.types import WireRequest, read_amount

REASON_CHARACTERS_MAX = 200
SIGNED_PATTERN = r"^-?\d{1,11}(\.\d{1,2})?$"


def _read_signed(value: Any) -> Decimal:
    """An amount above or below zero: -1.5, "-1.50"."""
    if isinstance(value, str) and value.startswith("-"):
        return -read_amount(value[1:])
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value < 0:
        return -read_amount(-value)
    return read_amount(value)


SignedAmount = Annotated[
    Decimal,
    PlainValidator(_read_signed),
    WithJsonSchema({"type": "string", "pattern": SIGNED_PATTERN}),
]


class AdjustQuota(WireRequest):
    """The body of POST /api/quotas/{quota_id}/adjustments; a negative amount lowers the value."""

    model_config = ConfigDict(extra="forbid")

    currency: str | None = Field(default=None, description="the quota's, when given")
    amount: SignedAmount
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


async def adjust_quota(
    session: AsyncSession, principal: Principal, quota_id: str, wanted: AdjustQuota, now: datetime
) -> Quota:
    """Move the value, never below what is out; a reseller's comes from its parent and goes there.

    Raises:
        NotFoundError: no such quota.
        QuotaStateError: it is not being adjusted, or its time is over.
        QuotaInsufficientError: less is left, of it or of its parent.
        BadFieldError: another currency.

    """
    quota = await lock_quota(session, quota_id)
    if wanted.currency not in (None, quota.currency):
        raise BadFieldError("currency", f"the quota's is {quota.currency}")
    if quota.quota_status != ADJUSTING or quota.expire_at <= now:
        raise QuotaStateError(f"status {quota.status_at(now)}")
    quota.adjust(wanted.amount, now)
    parent_id = quota.parent_quota_id
    post_adjustment(session, quota.posted_for, parent_id, wanted.amount, now)
    if parent_id is not None:
        await _move_parent(session, parent_id, wanted.amount, now)
    outbox.publish(session, quota_changed(quota, now))
    about = {"amount": str(wanted.amount), "reason": wanted.reason}
    audit.record(session, principal, "quota.adjust", quota.id, now, **about)
    return quota


async def _move_parent(
    session: AsyncSession, parent_id: str, amount: Decimal, now: datetime
) -> None:
    """The parent is older than its child, so it is locked after it."""
    locked = await lock_with_parents(session, [parent_id])
    parent = locked[parent_id]
    if amount > 0:
        parent.take(amount, now)
    else:
        await take_back(session, locked, parent, -amount, now)
    outbox.publish(session, quota_changed(parent, now))
