"""The administrator changes a quota's status, limits or end."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError
from chassis.identity import Principal
from voucher.quotas.facts import quota_changed
from voucher.quotas.find_quota import lock_quota
from voucher.quotas.grant_quota import LimitsWanted, refuse_bad_limits
from voucher.quotas.models import INVALID, RECLAIMED, Quota, QuotaStateError
from wire.types import Instant, WireRequest


class ChangeQuota(WireRequest):
    """The body of PATCH /api/quotas/{quota_id}; what is not given stays.

    `limits` are replaced as a whole. Coupons and children that are out keep what they have.
    """

    model_config = ConfigDict(extra="forbid")

    quota_status: Literal[0, 3, 4, 5] | None = None  # 0 normal, 3 invalid, 4 adjusting, 5 frozen
    limits: LimitsWanted | None = None
    expire_at: Instant | None = None


async def change_quota(
    session: AsyncSession, principal: Principal, quota_id: str, wanted: ChangeQuota, now: datetime
) -> Quota:
    """Change it and state it; a status that it has already changes nothing.

    Raises:
        NotFoundError: no such quota.
        QuotaStateError: it has ended, or no way leads to that status.
        BadFieldError: nothing to change, bad limits, or the end is out of order or past.

    """
    if wanted == ChangeQuota():
        raise BadFieldError("body", "nothing to change")
    quota = await lock_quota(session, quota_id)
    before = quota.quota_status, quota.limits, quota.expire_at
    if wanted.limits is not None or wanted.expire_at is not None:
        _refuse_ended(quota, now)
    if wanted.limits is not None:
        refuse_bad_limits(wanted.limits, quota.quota_type, quota.currency)
        quota.limits = wanted.limits.kept()
    if wanted.expire_at is not None:
        _set_end(quota, wanted.expire_at, now)
    if wanted.quota_status not in (None, quota.status_at(now)):
        quota.change_status(int(wanted.quota_status), now)
    if (quota.quota_status, quota.limits, quota.expire_at) != before:
        quota.touch(now)
        outbox.publish(session, quota_changed(quota, now))
    audit.record(session, principal, "quota.change", quota.id, now, **_told(wanted))
    return quota


def _refuse_ended(quota: Quota, now: datetime) -> None:
    if quota.status_at(now) in (INVALID, RECLAIMED):
        raise QuotaStateError(f"status {quota.status_at(now)}")


def _set_end(quota: Quota, expire_at: datetime, now: datetime) -> None:
    if expire_at <= quota.effective_at:
        raise BadFieldError("expire_at", "not after effective_at")
    if expire_at <= now:
        raise BadFieldError("expire_at", "in the past")
    quota.expire_at = expire_at


def _told(wanted: ChangeQuota) -> dict[str, Any]:
    told = wanted.model_dump(exclude_none=True, exclude={"limits"}, mode="json")
    return told if wanted.limits is None else {**told, "limits": wanted.limits.kept()}
