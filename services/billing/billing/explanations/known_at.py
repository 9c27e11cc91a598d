"""Lines as they were known at an instant: which there were, and how they were paid then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.explanations.native_answers import BillLineAnswer
from billing.lines.models import BillLine, LineVersion

PAYMENTS = (
    "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount", "bonus_amount",
    "cash_amount", "credit_amount", "debt_amount", "writeoff_amount",
)  # fmt: skip
AMOUNTS = ("official_amount", "official_discount_amount", "erase_amount", "payment_amount")
SUMMED = (*AMOUNTS, *PAYMENTS)
# The use's end stands in a column of another name.
SHOWN = (*(name for name in BillLineAnswer.model_fields if name != "used_until"), "consume_time")


def known_lines(conditions: Sequence[ColumnElement[bool]], at: datetime | None) -> Select[Any]:
    """All columns of the lines, with the payment of that instant; None: as it is now."""
    columns: dict[str, ColumnElement[Any]] = {name: getattr(BillLine, name) for name in SHOWN}
    if at is None:
        return select(*columns.values()).where(*conditions)
    version = (
        select(LineVersion)
        .where(LineVersion.line_id == BillLine.line_id, LineVersion.until > at)
        .order_by(LineVersion.version)
        .limit(1)
        .lateral("version")
    )
    for name in (*PAYMENTS, "version"):
        now = getattr(BillLine, name)
        columns[name] = func.coalesce(version.c[name], now).label(name)
    return (
        select(*columns.values())
        .select_from(BillLine)
        .outerjoin(version, version.c.line_id == BillLine.line_id)
        .where(BillLine.known_at <= at, *conditions)
    )


async def sum_known(
    session: AsyncSession, conditions: Sequence[ColumnElement[bool]], at: datetime | None
) -> Mapping[str, Decimal | int]:
    """What the lines add up to, and how many there are."""
    lines = known_lines(conditions, at).subquery()
    sums = [func.coalesce(func.sum(lines.c[name]), 0).label(name) for name in SUMMED]
    found = await session.execute(select(func.count().label("lines"), *sums).select_from(lines))
    return found.mappings().one()  # type: ignore[return-value]
