"""A distributor takes back quotas that it handed out: what is left of them.

See docs/domain/coupons.md H.16.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from voucher.quotas.facts import quota_changed
from voucher.quotas.models import RECLAIMED, Quota
from voucher.quotas.take_back import give_up, hand_on, lock_with_parents
from wire.codes import code as code_of
from wire.types import WireRequest

QUOTAS_MAX = 10
NOT_RECLAIMABLE = "CBC.99000012"
NOTHING_LEFT = Decimal("0.00")


class ReclaimCouponQuotas(WireRequest, operation="reclaim_coupon_quotas"):
    """The body; there is no amount: parts cannot be taken back."""

    quota_ids: list[str] = Field(max_length=QUOTAS_MAX)
    remark: str | None = None


class NothingReclaimedError(RefusedError):
    """Each of the quotas is unknown, another's, not handed out, or reclaimed already."""

    code = NOT_RECLAIMABLE


@dataclass(slots=True)
class TakenBack:
    """What came out, quota by quota in the order asked."""

    quota_ids: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, language: str) -> dict[str, Any]:
        """The wire's answer; both lists are always there."""
        text = code_of(NOT_RECLAIMABLE).text(language)
        return {
            "simple_quota_infos": [
                {"quota_id": quota_id, "quota_balance": NOTHING_LEFT} for quota_id in self.quota_ids
            ],
            "error_details": [
                {"id": quota_id, "error_code": NOT_RECLAIMABLE, "error_msg": text}
                for quota_id in self.refused
            ],
        }


async def reclaim_coupon_quotas(
    session: AsyncSession, principal: Principal, wanted: ReclaimCouponQuotas, now: datetime
) -> TakenBack:
    """The rest of each goes to its parent. What is out in coupons stays out, and follows later.

    Raises:
        NothingReclaimedError: of none of them.

    """
    ids = wanted.quota_ids
    if len(set(ids)) != len(ids):
        raise BadFieldError("quota_ids", "a quota is named twice")
    parents = await _handed_out(session, principal, ids)
    locked = await lock_with_parents(session, {*parents, *parents.values()})
    done = TakenBack()
    for quota_id in ids:
        child = locked[quota_id] if quota_id in parents else None
        if child is None or child.quota_status == RECLAIMED:
            done.refused.append(quota_id)
            continue
        await _reclaim(session, principal, locked, child, wanted.remark, now)
        done.quota_ids.append(quota_id)
    if not done.quota_ids:
        raise NothingReclaimedError
    for parent_id in {parents[quota_id] for quota_id in done.quota_ids}:
        outbox.publish(session, quota_changed(locked[parent_id], now))
    return done


async def _handed_out(
    session: AsyncSession, principal: Principal, ids: list[str]
) -> dict[str, str]:
    """Child → parent, of the caller's own hand-outs among those named."""
    found = await session.execute(
        select(Quota.id, Quota.parent_quota_id).where(
            Quota.id.in_(ids),
            Quota.distributor_id == principal.partner_id,
            Quota.parent_quota_id.is_not(None),
        )
    )
    return {row.id: str(row.parent_quota_id) for row in found}


async def _reclaim(
    session: AsyncSession,
    principal: Principal,
    locked: dict[str, Quota],
    child: Quota,
    remark: str | None,
    now: datetime,
) -> None:
    """End it; a parent that is reclaimed itself hands on what it gets."""
    amount = child.balance
    child.end(RECLAIMED, now)
    parent = locked[str(child.parent_quota_id)]
    operator = principal.login_name or principal.id
    give_up(session, child, parent, operator, remark, now)
    await hand_on(session, locked, parent, now)
    audit.record(
        session, principal, "quota.reclaim", child.id, now, amount=str(amount), remark=remark
    )
