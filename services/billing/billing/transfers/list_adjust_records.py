"""Transfers and reclaims of a partner (list_partner_adjust_records)."""

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Movement
from billing.accounts.post_movement import RECLAIM, TRANSFER, UNLINK
from billing.copies import Customer, Partner
from chassis.identity import Principal
from chassis.tenancy import acted_for
from wire.json import known
from wire.times import next_second
from wire.types import Instant, WireQuery
from wire.vocabulary import YUAN


class ListAdjustRecords(WireQuery, operation="list_partner_adjust_records"):
    """The query; both ends of the time are included."""

    customer_id: str | None = None
    operation_type: str | None = None
    operation_time_begin: Instant | None = None
    operation_time_end: Instant | None = None
    trans_id: str | None = None
    indirect_partner_id: str | None = None
    limit: int = 10
    offset: int = 0


async def list_adjust_records(
    session: AsyncSession, principal: Principal, query: ListAdjustRecords
) -> dict[str, Any]:
    """The newest first.

    Raises:
        NotOwnResellerError

    """
    partner_id = await acted_for(session, principal, query.indirect_partner_id, Partner)
    mine = [Movement.partner_id == partner_id, *_filters(query)]
    total = await session.scalar(select(func.count()).select_from(Movement).where(*mine)) or 0
    found = await session.execute(
        select(
            Movement.customer_id,
            func.coalesce(Customer.customer_name, Partner.name).label("customer_name"),
            Movement.reason.label("operation_type"),
            Movement.amount,
            Movement.currency,
            Movement.at.label("operation_time"),
            Movement.movement_id.label("trans_id"),
            Movement.memo,
        )
        .outerjoin(Customer, Customer.customer_id == Movement.customer_id)
        .outerjoin(Partner, Partner.partner_id == Movement.customer_id)  # a reseller
        .where(*mine)
        .order_by(Movement.at.desc(), Movement.movement_id.desc())
        .limit(query.limit)
        .offset(query.offset)
    )
    return {"total_count": total, "records": [_record(dict(row)) for row in found.mappings()]}


def _filters(query: ListAdjustRecords) -> list[ColumnElement[bool]]:
    kinds = (TRANSFER, RECLAIM, UNLINK)
    wanted = [Movement.reason == query.operation_type if query.operation_type else
              Movement.reason.in_(kinds)]  # fmt: skip
    if query.customer_id:
        wanted.append(Movement.customer_id == query.customer_id)
    if query.trans_id:
        wanted.append(Movement.movement_id == query.trans_id)
    if query.operation_time_begin:
        wanted.append(Movement.at >= query.operation_time_begin)
    if query.operation_time_end:
        wanted.append(Movement.at < next_second(query.operation_time_end))
    return wanted


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """As the SDK's AdjustRecordV3: the amount is a text here."""
    row["amount"] = f"{row['amount']:f}"
    row["measure_id"] = YUAN
    return known(row)
