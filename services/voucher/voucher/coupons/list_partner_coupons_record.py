"""What a partner did with coupons: issued, reclaimed, lost by unlinking or expiry; and refusals."""

from dataclasses import replace
from typing import Any

from pydantic import Field
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.pages import between, counted_page, equal
from chassis.tenancy import acted_for
from voucher.copies import Partner
from voucher.coupons.models import CouponRecord
from voucher.tallies.count_listed import RECORD, between_wholly, count_listed
from wire.json import known
from wire.types import Instant, WireQuery

RESULTS = ("0", "-1")


class ListPartnerCouponsRecord(WireQuery, operation="list_partner_coupons_record"):
    """The query; a `result` that does not exist does not filter (the SDK's own words)."""

    operation_types: list[str] = Field(default_factory=list)
    quota_id: str | None = None
    quota_type: int | None = None
    coupon_ids: list[str] = Field(default_factory=list)
    customer_id: str | None = None
    operation_time_begin: Instant | None = None
    operation_time_end: Instant | None = None
    result: str | None = None
    offset: int = 0
    limit: int = 10
    indirect_partner_id: str | None = None


async def list_partner_coupons_record(
    session: AsyncSession, principal: Principal, wanted: ListPartnerCouponsRecord
) -> dict[str, Any]:
    """The newest first."""
    partner_id = await acted_for(session, principal, wanted.indirect_partner_id, Partner)
    same = {
        CouponRecord.quota_id: wanted.quota_id,
        CouponRecord.quota_type: wanted.quota_type,
        CouponRecord.customer_id: wanted.customer_id,
        CouponRecord.result: wanted.result if wanted.result in RESULTS else None,
    }
    begin, end = wanted.operation_time_begin, wanted.operation_time_end
    query = (
        select(*CouponRecord.__table__.columns)
        .where(CouponRecord.partner_id == partner_id, *equal(same))
        .where(*between(CouponRecord.at, begin, end))
        .order_by(CouponRecord.at.desc(), CouponRecord.id.desc())
    )
    if wanted.operation_types:
        query = query.where(CouponRecord.operation_type.in_(wanted.operation_types))
    if wanted.coupon_ids:
        query = query.where(CouponRecord.coupon_id.in_(wanted.coupon_ids))
    listed = between_wholly(begin, end)
    if not _is_tallied(wanted) or not listed.is_tallied:
        total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
        return {"total_count": total, "records": [_record(row) for row in rows]}
    if wanted.result in RESULTS:
        listed = replace(listed, statuses=[int(wanted.result)])
    total = await count_listed(session, RECORD, partner_id, listed)
    rows = (await session.execute(query.limit(wanted.limit).offset(wanted.offset))).all()
    return {"total_count": total, "records": [_record(row) for row in rows]}


def _is_tallied(wanted: ListPartnerCouponsRecord) -> bool:
    """Whether nothing but time and result is asked for, which is counted without the rows."""
    return not any(
        (wanted.operation_types, wanted.coupon_ids, wanted.quota_id is not None,
         wanted.quota_type is not None, wanted.customer_id is not None)
    )  # fmt: skip


def _record(row: Row[Any]) -> dict[str, Any]:
    return known(
        {
            "id": row.id,
            "operation_type": row.operation_type,
            "quota_id": row.quota_id,
            "quota_type": row.quota_type,
            "coupon_id": row.coupon_id,
            "customer_id": row.customer_id,
            "operation_amount": row.amount,
            "operation_time": row.at,
            "result": row.result,
            "remark": row.remark,
        }
    )
