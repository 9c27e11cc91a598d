"""The quotas that a distributor handed out to its resellers, reclaimed ones among them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.pages import counted_page, equal
from chassis.tenancy import find_reseller
from voucher.copies import Partner
from voucher.quotas.limit_words import limit_infos
from voucher.quotas.models import INVALID, NORMAL, Quota
from wire.json import known
from wire.types import WireQuery
from wire.vocabulary import YUAN


class ListIssuedCouponQuotas(WireQuery, operation="list_issued_coupon_quotas"):
    """The query; an empty `parent_quota_id` is a filter that nothing passes."""

    quota_id: str | None = None
    indirect_partner_id: str | None = None
    parent_quota_id: str | None = None
    offset: int = 0
    limit: int = 10


async def list_issued_coupon_quotas(
    session: AsyncSession, principal: Principal, wanted: ListIssuedCouponQuotas, now: datetime
) -> dict[str, Any]:
    """The newest first; a quota whose time is over shows status 3."""
    await find_reseller(session, principal, wanted.indirect_partner_id, Partner)
    over = (Quota.quota_status == NORMAL) & (Quota.expire_at <= now)
    same = {
        Quota.id: wanted.quota_id,
        Quota.partner_id: wanted.indirect_partner_id,
        Quota.parent_quota_id: wanted.parent_quota_id,
    }
    query = (
        select(
            Quota.id, Quota.quota_type, Quota.created_at, Quota.updated_at, Quota.quota_value,
            case((over, INVALID), else_=Quota.quota_status).label("status"), Quota.balance,
            Quota.currency, Quota.effective_at, Quota.expire_at, Quota.limits, Quota.partner_id,
            Quota.parent_quota_id, Partner.name, Partner.account_name,
        )
        .outerjoin(Partner, Partner.partner_id == Quota.partner_id)
        .where(Quota.distributor_id == principal.partner_id, Quota.parent_quota_id.is_not(None))
        .where(*equal(same))
        .order_by(Quota.created_at.desc(), Quota.id.desc())
    )  # fmt: skip
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    return {"total_count": total, "quotas": [_quota(row) for row in rows]}


def _quota(row: Row[Any]) -> dict[str, Any]:
    return known(
        {
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
            "indirect_partner_id": row.partner_id,
            "indirect_partner_account_name": row.account_name,
            "indirect_partner_name": row.name,
            "parent_quota_id": row.parent_quota_id,
        }
    )
