"""What a distributor handed out to its resellers and took back; and refusals."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.pages import between, counted_page, equal
from chassis.tenancy import find_reseller
from voucher.copies import Partner
from voucher.quotas.models import HAND_OUT, TAKE_BACK, QuotaRecord
from wire.json import known
from wire.types import Instant, WireQuery

OPERATION_TYPES = (HAND_OUT, TAKE_BACK)


class ListCouponQuotasRecords(WireQuery, operation="list_coupon_quotas_records"):
    """The query; an `operation_type` that does not exist does not filter (H.14)."""

    indirect_partner_id: str | None = None
    quota_id: str | None = None
    operation_time_begin: Instant | None = None
    operation_time_end: Instant | None = None
    parent_quota_id: str | None = None
    operation_type: str | None = None
    offset: int = 0
    limit: int = 10


async def list_coupon_quotas_records(
    session: AsyncSession, principal: Principal, wanted: ListCouponQuotasRecords
) -> dict[str, Any]:
    """The newest first."""
    await find_reseller(session, principal, wanted.indirect_partner_id, Partner)
    is_type = wanted.operation_type in OPERATION_TYPES
    same = {
        QuotaRecord.indirect_partner_id: wanted.indirect_partner_id,
        QuotaRecord.quota_id: wanted.quota_id,
        QuotaRecord.parent_quota_id: wanted.parent_quota_id,
        QuotaRecord.operation_type: wanted.operation_type if is_type else None,
    }
    query = (
        select(*QuotaRecord.__table__.columns, Partner.name, Partner.account_name)
        .outerjoin(Partner, Partner.partner_id == QuotaRecord.indirect_partner_id)
        .where(QuotaRecord.partner_id == principal.partner_id, *equal(same))
        .where(*between(QuotaRecord.at, wanted.operation_time_begin, wanted.operation_time_end))
        .order_by(QuotaRecord.at.desc(), QuotaRecord.id.desc())
    )
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    return {"total_count": total, "records": [_record(row) for row in rows]}


def _record(row: Row[Any]) -> dict[str, Any]:
    return known(
        {
            "id": row.id,
            "operator": row.operator,
            "operation_type": row.operation_type,
            "quota_id": row.quota_id,
            "parent_quota_id": row.parent_quota_id,
            "amount": row.amount,
            "operation_time": row.at,
            "result": row.result,
            "indirect_partner_account_name": row.account_name,
            "indirect_partner_id": row.indirect_partner_id,
            "indirect_partner_name": row.name,
            "remark": row.remark,
        }
    )
