"""The coupons that somebody holds: a customer its own, a partner those given to itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, false, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.pages import between, counted_page, equal
from chassis.tenancy import acted_for
from voucher.copies import Partner
from voucher.coupons.coupon_lists import (
    ELECTRONIC,
    ISSUED_ONLINE,
    is_no_card,
    issuer,
    not_long_ended,
    paying_for,
    shown_to_holder,
    status_at,
    use_limits,
)
from voucher.coupons.models import Coupon
from wire.json import known
from wire.types import Instant, WireQuery
from wire.vocabulary import YUAN

COUPON_VERSION = 2  # reusable until the balance is 0 (docs/domain/coupons.md B.7)


class ListSubCustomerCoupons(WireQuery, operation="list_sub_customer_coupons"):
    """The query; `source_id` is the partner that issued."""

    coupon_id: str | None = None
    order_id: str | None = None
    promotion_plan_id: str | None = None
    coupon_type: int | None = None
    status: int | None = None
    active_start_time: Instant | None = None
    active_end_time: Instant | None = None
    offset: int = 0
    limit: int = 10
    source_id: str | None = None
    indirect_partner_id: str | None = None


async def list_sub_customer_coupons(
    session: AsyncSession, principal: Principal, wanted: ListSubCustomerCoupons, now: datetime
) -> dict[str, Any]:
    """The newest first. What its issuer took back is gone for its holder, unless the vendor did.

    See docs/domain/coupons.md F15, H.17.
    """
    holder_id = principal.id
    if not principal.is_customer:
        holder_id = await acted_for(session, principal, wanted.indirect_partner_id, Partner)
    status = status_at(now)
    same = {
        Coupon.id: wanted.coupon_id,
        Coupon.coupon_type: wanted.coupon_type,
        issuer(): wanted.source_id,
        status: wanted.status,
    }
    query = (
        select(
            Coupon.id, status.label("status"), Coupon.customer_id, Coupon.coupon_type,
            Coupon.face_value, Coupon.effective_at, Coupon.expire_at, Coupon.order_id,
            Coupon.limits, Coupon.last_used_at, Coupon.created_at, Coupon.balance,
            Coupon.lock_order_id, Coupon.is_frozen, Coupon.currency, issuer().label("issuer"),
        )
        .where(Coupon.customer_id == holder_id, shown_to_holder(), is_no_card())
        .where(not_long_ended(now), *equal(same))
        .where(*between(Coupon.created_at, wanted.active_start_time, wanted.active_end_time))
        .order_by(Coupon.created_at.desc(), Coupon.id.desc())
    )  # fmt: skip
    if wanted.order_id is not None:
        query = query.where(paying_for(wanted.order_id))
    if wanted.promotion_plan_id is not None:
        query = query.where(false())  # partner coupons belong to no promotion plan
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    return {"count": total, "user_coupons": [_coupon(row) for row in rows]}


def _coupon(row: Row[Any]) -> dict[str, Any]:
    return known(
        {
            "coupon_id": row.id,
            "coupon_code": row.id,
            "status": row.status,
            "customer_id": row.customer_id,
            "coupon_type": row.coupon_type,
            "measure_id": YUAN,
            "face_value": row.face_value,
            "valid_time": row.effective_at,
            "expire_time": row.expire_at,
            "order_id": row.order_id,
            "media_type": ELECTRONIC,
            "fetch_method": ISSUED_ONLINE,
            "use_limits": use_limits(row.limits, row.id),
            "active_time": row.created_at,
            "reserve_time": row.last_used_at,
            "create_time": row.created_at,
            "coupon_version": COUPON_VERSION,
            "balance": row.balance,
            "lock_order_id": row.lock_order_id,
            "is_frozen": "1" if row.is_frozen else "0",
            "currency": row.currency,
            "source_id": row.issuer,
        }
    )
