"""The coupons a partner issued, with those it took back."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.pages import between, counted_page, equal
from chassis.tenancy import acted_for
from voucher.copies import Partner
from voucher.coupons.coupon_lists import (
    ELECTRONIC,
    ENDED_VISIBLE_DAYS,
    ISSUED_ONLINE,
    not_long_ended,
    paying_for,
    status_at,
    use_limits,
)
from voucher.coupons.models import EXPIRED, NOT_ACTIVATED, USABLE, Coupon
from voucher.tallies.count_listed import COUPON, Listed, between_wholly, count_listed
from wire.json import known
from wire.types import Instant, WireQuery
from wire.vocabulary import YUAN

_TALLIED = {
    "status", "create_time_begin", "create_time_end", "offset", "limit", "indirect_partner_id",
}  # fmt: skip


class ListIssuedPartnerCoupons(WireQuery, operation="list_issued_partner_coupons"):
    """The query; an empty `customer_id` is a filter that nothing passes."""

    coupon_id: str | None = None
    customer_id: str | None = None
    order_id: str | None = None
    coupon_type: int | None = None
    status: int | None = None
    create_time_begin: Instant | None = None
    create_time_end: Instant | None = None
    effective_time_begin: Instant | None = None
    effective_time_end: Instant | None = None
    expire_time_begin: Instant | None = None
    expire_time_end: Instant | None = None
    offset: int = 0
    limit: int = 10
    indirect_partner_id: str | None = None


async def list_issued_partner_coupons(
    session: AsyncSession, principal: Principal, wanted: ListIssuedPartnerCoupons, now: datetime
) -> dict[str, Any]:
    """The newest first; ended ones for twelve months."""
    partner_id = await acted_for(session, principal, wanted.indirect_partner_id, Partner)
    status = status_at(now)
    same = {
        Coupon.id: wanted.coupon_id,
        Coupon.customer_id: wanted.customer_id,
        Coupon.coupon_type: wanted.coupon_type,
        status: wanted.status,
    }
    query = (
        select(
            Coupon.id, status.label("status"), Coupon.customer_id, Coupon.coupon_type,
            Coupon.face_value, Coupon.effective_at, Coupon.expire_at, Coupon.order_id,
            Coupon.limits, Coupon.last_used_at, Coupon.created_at, Coupon.balance,
            Coupon.lock_order_id, Coupon.is_frozen,
        )
        .where(Coupon.partner_id == partner_id, Coupon.quota_id.is_not(None))
        .where(not_long_ended(now), *equal(same))
        .where(*between(Coupon.created_at, wanted.create_time_begin, wanted.create_time_end))
        .where(
            *between(Coupon.effective_at, wanted.effective_time_begin, wanted.effective_time_end)
        )
        .where(*between(Coupon.expire_at, wanted.expire_time_begin, wanted.expire_time_end))
        .order_by(Coupon.created_at.desc(), Coupon.id.desc())
    )  # fmt: skip
    if wanted.order_id is not None:
        query = query.where(paying_for(wanted.order_id))
    if not _is_tallied(wanted):
        total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
        return {"total_count": total, "user_coupons": [_coupon(row) for row in rows]}
    total = 0
    for each in _shown(wanted, now):
        total += await count_listed(session, COUPON, partner_id, each)
    page = await session.execute(query.limit(wanted.limit).offset(wanted.offset))
    return {"total_count": total, "user_coupons": [_coupon(row) for row in page]}


def _is_tallied(wanted: ListIssuedPartnerCoupons) -> bool:
    """Whether nothing but status and creation is asked for, which is counted without the rows."""
    asked = {name for name in wanted.model_fields_set if getattr(wanted, name) is not None}
    created = between_wholly(wanted.create_time_begin, wanted.create_time_end)
    return asked <= _TALLIED and created.is_tallied


def _shown(wanted: ListIssuedPartnerCoupons, now: datetime) -> list[Listed]:
    """What the list shows, as tallies know it: by the stored status, and when it is gone."""
    made = between_wholly(wanted.create_time_begin, wanted.create_time_end)
    since = now - timedelta(days=ENDED_VISIBLE_DAYS)
    active = (NOT_ACTIVATED, USABLE)
    if wanted.status is None:
        return [replace(made, gone_after=since)]
    if wanted.status in active:
        return [replace(made, statuses=[wanted.status], gone_after=now)]
    stored = replace(made, statuses=[wanted.status], gone_after=since)
    if wanted.status != EXPIRED:
        return [stored]
    return [stored, replace(made, statuses=active, gone_after=since, gone_until=now)]


def _coupon(row: Row[Any]) -> dict[str, Any]:
    return known(
        {
            "coupon_id": row.id,
            "status": row.status,
            "customer_id": row.customer_id,
            "coupon_type": row.coupon_type,
            "measure_id": YUAN,
            "face_value": row.face_value,
            "effective_time": row.effective_at,
            "expire_time": row.expire_at,
            "order_id": row.order_id,
            "media_type": ELECTRONIC,
            "fetch_method": ISSUED_ONLINE,
            "use_limits": use_limits(row.limits, row.id),
            "active_time": row.created_at,
            "last_used_time": row.last_used_at,
            "create_time": row.created_at,
            "balance": row.balance,
            "lock_order_id": row.lock_order_id,
            "is_frozen": "1" if row.is_frozen else "0",
        }
    )
