"""A distributor hands out a part of its quota to resellers: one quota for each, out of its own.

See docs/domain/coupons.md H.16.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, copies, outbox
from chassis.crash import crash_point
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.tenancy import NotOwnResellerError
from voucher.copies import Customer, Partner
from voucher.find_customers import find_customers
from voucher.find_partner import find_issuing_partner
from voucher.ledger.post_movements import post_hand_out
from voucher.quotas.facts import quota_changed, quota_granted
from voucher.quotas.models import HAND_OUT, NORMAL, Quota, QuotaRecord
from wire.codes import code as code_of
from wire.types import Amount, WireRequest
from wire.vocabulary import QuotaType

RESELLERS_MAX = 100
DELISTED = "delisted"
LEAVING = "CBC.50010105"


class UpdateCouponQuotas(WireRequest, operation="update_coupon_quotas"):
    """The body; each reseller gets `quota_amount`, in the quota's currency."""

    quota_id: str
    indirect_partner_ids: list[str] = Field(max_length=RESELLERS_MAX)
    quota_amount: Amount


class HandOutRefusedError(RefusedError):
    """The whole request is refused; its code says why."""


@dataclass(slots=True)
class HandedOut:
    """What came out, reseller by reseller in the order asked."""

    quotas: list[Quota] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # who is leaving

    def answer(self, language: str) -> dict[str, Any]:
        """The wire's answer; both lists are always there."""
        text = code_of(LEAVING).text(language)
        return {
            "simple_quota_infos": [
                {"id": child.partner_id, "quota_id": child.id} for child in self.quotas
            ],
            "error_details": [
                {"id": reseller_id, "error_code": LEAVING, "error_msg": text}
                for reseller_id in self.refused
            ],
        }


async def update_coupon_quotas(
    session: AsyncSession, principal: Principal, wanted: UpdateCouponQuotas, now: datetime
) -> HandedOut:
    """One child for each reseller, under the parent's lock: never more than it has.

    Raises:
        HandOutRefusedError: the quota, or another hand-out of it, forbids the whole request.
        NotOwnResellerError: somebody named is not the caller's.
        PartnerBarredError: the caller may hand out nothing as it stands.

    """
    await find_issuing_partner(session, principal, None)
    ids = wanted.indirect_partner_ids
    if len(set(ids)) != len(ids):
        raise BadFieldError("indirect_partner_ids", "a reseller is named twice")
    seen = await session.get(Quota, wanted.quota_id)
    _refuse_unless_own(seen, principal)
    resellers = await _resellers(session, principal, ids)
    named = seen.rules.customer_ids if seen is not None else []
    customers = await find_customers(session, named) if named else {}
    await _refuse_beside_another(session, wanted.quota_id)
    parent = await session.get_one(
        Quota, wanted.quota_id, with_for_update=True, populate_existing=True
    )
    _refuse_as_it_stands(parent, wanted.quota_amount * len(ids), now)
    if len(resellers) != len(ids):
        raise NotOwnResellerError
    _refuse_foreign_customers(parent, ids, customers)
    done = HandedOut()
    for reseller_id in ids:
        if resellers[reseller_id].status == DELISTED:
            done.refused.append(reseller_id)
            _record(session, principal, parent, wanted, reseller_id, None, now)
        else:
            child = _hand_out(session, parent, resellers[reseller_id], wanted, now)
            done.quotas.append(child)
            _record(session, principal, parent, wanted, reseller_id, child.id, now)
    if done.quotas:
        outbox.publish(session, quota_changed(parent, now))
    audit.record(
        session, principal, "quota.hand_out", parent.id, now, amount=str(wanted.quota_amount),
        quotas=[child.id for child in done.quotas], refused=done.refused,
    )  # fmt: skip
    await session.flush()
    crash_point("voucher.handed_out")
    return done


def _refuse_unless_own(quota: Quota | None, principal: Principal) -> None:
    is_own = quota is not None and quota.partner_id == principal.partner_id
    if quota is None or not is_own or quota.quota_type != QuotaType.CASH:
        raise HandOutRefusedError(code="CBC.99000012")


async def _resellers(
    session: AsyncSession, principal: Principal, ids: Sequence[str]
) -> dict[str, Partner]:
    """The caller's own of those named; all are waited for together, as for any copy."""

    async def look(asked: AsyncSession) -> dict[str, Partner] | None:
        found = await _own_resellers(asked, principal, ids)
        return found if len(found) == len(ids) else None

    return await copies.until(session, look) or await _own_resellers(session, principal, ids)


async def _own_resellers(
    session: AsyncSession, principal: Principal, ids: Sequence[str]
) -> dict[str, Partner]:
    rows = await session.scalars(
        select(Partner)
        .where(Partner.partner_id.in_(ids), Partner.distributor_id == principal.partner_id)
        .execution_options(populate_existing=True)
    )
    return {partner.partner_id: partner for partner in rows}


async def _refuse_beside_another(session: AsyncSession, quota_id: str) -> None:
    """One hand-out of a quota at a time; issues from it may go on beside."""
    key = func.hashtextextended(f"voucher.hand_out {quota_id}", 0)
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(key))):
        raise HandOutRefusedError(code="CBC.50000045")


def _refuse_as_it_stands(parent: Quota, total: Decimal, now: datetime) -> None:
    if parent.quota_status != NORMAL and not parent.is_over_by_time(now):
        raise HandOutRefusedError(code="CBC.99000015")
    if not parent.effective_at <= now < parent.expire_at:
        raise HandOutRefusedError(code="CBC.99000017")
    if total > parent.balance:
        raise HandOutRefusedError(code="CBC.99000013")


def _refuse_foreign_customers(
    parent: Quota, reseller_ids: Sequence[str], customers: dict[str, Customer]
) -> None:
    """Each customer that the quota names is each reseller's own: so there is one reseller."""
    named = parent.rules.customer_ids
    owners = {customers[one].partner_id if one in customers else None for one in named}
    if named and any(owners != {reseller_id} for reseller_id in reseller_ids):
        raise HandOutRefusedError(code="CBC.50000021")


def _hand_out(
    session: AsyncSession, parent: Quota, reseller: Partner, wanted: UpdateCouponQuotas,
    now: datetime,
) -> Quota:  # fmt: skip
    """One child with the parent's limits and window; its movement and its fact."""
    child = Quota(
        id=new_id(),
        partner_id=reseller.partner_id,
        distributor_id=parent.partner_id,
        parent_quota_id=parent.id,
        quota_type=parent.quota_type,
        quota_status=NORMAL,
        site=parent.site,
        currency=parent.currency,
        quota_value=wanted.quota_amount,
        balance=wanted.quota_amount,
        returned_amount=Decimal(0),
        effective_at=parent.effective_at,
        expire_at=parent.expire_at,
        limits=parent.limits,
        created_at=now,
        updated_at=now,
        version=1,
    )
    session.add(child)
    parent.take(wanted.quota_amount, now)
    post_hand_out(session, child.posted_for, parent.id, wanted.quota_amount, now)
    outbox.publish(session, quota_granted(child, now))
    return child


def _record(
    session: AsyncSession,
    principal: Principal,
    parent: Quota,
    wanted: UpdateCouponQuotas,
    reseller_id: str,
    child_id: str | None,
    now: datetime,
) -> None:
    """Done when there is a child, else refused."""
    session.add(
        QuotaRecord(
            id=new_id(),
            partner_id=parent.partner_id,
            distributor_id=parent.distributor_id,
            operator=principal.login_name or principal.id,
            operation_type=HAND_OUT,
            quota_id=child_id,
            parent_quota_id=parent.id,
            indirect_partner_id=reseller_id,
            amount=wanted.quota_amount,
            at=now,
            result="-1" if child_id is None else "0",
            remark=None,
        )
    )
