"""A partner's quotas, or one of its resellers'."""

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Row, case, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.pages import between, counted_page
from chassis.tenancy import acted_for
from voucher.copies import Partner
from voucher.quotas.limit_words import limit_infos
from voucher.quotas.models import INVALID, NORMAL, RECLAIMED, Quota
from wire.types import Instant, WireRequest
from wire.vocabulary import YUAN


class ListQuotaCoupons(WireRequest, operation="list_quota_coupons"):
    """The body; without `quota_type` cash coupon quotas are meant."""

    quota_ids: list[str] = Field(default_factory=list)
    quota_status_list: list[int] = Field(default_factory=list)
    quota_type: int = 0
    create_time_begin: Instant | None = None
    create_time_end: Instant | None = None
    effective_time_begin: Instant | None = None
    effective_time_end: Instant | None = None
    expire_time_begin: Instant | None = None
    expire_time_end: Instant | None = None
    offset: int = 0
    limit: int = 10
    indirect_partner_id: str | None = None


async def list_quota_coupons(
    session: AsyncSession, principal: Principal, wanted: ListQuotaCoupons, now: datetime
) -> dict[str, Any]:
    """The newest first; a quota whose time is over shows status 3, a reclaimed one is left out."""
    partner_id = await acted_for(session, principal, wanted.indirect_partner_id, Partner)
    over = (Quota.quota_status == NORMAL) & (Quota.expire_at <= now)
    status = case((over, INVALID), else_=Quota.quota_status)
    query = (
        select(
            Quota.id, Quota.quota_type, Quota.created_at, Quota.updated_at, Quota.quota_value,
            status.label("status"), Quota.balance, Quota.currency, Quota.effective_at,
            Quota.expire_at, Quota.limits,
        )
        .where(Quota.partner_id == partner_id, Quota.quota_type == wanted.quota_type)
        .where(Quota.quota_status != RECLAIMED)
        .where(*between(Quota.created_at, wanted.create_time_begin, wanted.create_time_end))
        .where(
            *between(Quota.effective_at, wanted.effective_time_begin, wanted.effective_time_end)
        )
        .where(*between(Quota.expire_at, wanted.expire_time_begin, wanted.expire_time_end))
        .order_by(Quota.created_at.desc(), Quota.id.desc())
    )  # fmt: skip
    if wanted.quota_ids:
        query = query.where(Quota.id.in_(wanted.quota_ids))
    if wanted.quota_status_list:
        query = query.where(status.in_(wanted.quota_status_list))
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    return {"total_count": total, "quotas": [_quota(row) for row in rows]}


def _quota(row: Row[Any]) -> dict[str, Any]:
    return {
        "quota_id": row.id,
        "quota_type": row.quota_type,
        "create_time": row.created_at,
        "last_update_time": row.updated_at,
        "quota_value": row.quota_value,
        "quota_status": row.status,
        "balance": row.balance,
        "measure_id": YUAN,
        "currency": row.currency,
        "effective_time": row.effective_at,
        "expire_time": row.expire_at,
        "limit_infos": limit_infos(row.limits),
    }
