"""The lines that cost something in a month: its own, and those of periods that reach it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from billing.bills.bill_types import REFUNDS
from billing.costs.amortise import ZERO, Period
from billing.lines.account_of import Split
from billing.lines.models import BillLine
from wire.times import beijing_day, cycle_bounds

PERIOD_YEARS_MAX = 5  # the longest period that is sold, and so how far back a month's lines lie
USAGE = 5  # bill type


def is_spread() -> ColumnElement[bool]:
    """Whether a line's months share it: what was paid, beforehand, for a period."""
    return and_(
        BillLine.period_end_at.is_not(None),
        BillLine.bill_type != USAGE,
        BillLine.payment_amount > 0,
    )


def refunded_at() -> ColumnElement[Any]:
    """When something of the line was given back first; none: not at all."""
    refund = aliased(BillLine)
    return (
        select(func.min(refund.trade_time))
        .where(refund.corrects == BillLine.line_id, refund.bill_type.in_(REFUNDS))
        .correlate(BillLine)
        .scalar_subquery()
    )


def oldest_of(month: str) -> str:
    """The first cycle of which a line can still cost something in that month."""
    return f"{int(month[:4]) - PERIOD_YEARS_MAX:04}{month[4:]}"


def costing(accounts: Sequence[str], split: Split, month: str) -> list[ColumnElement[bool]]:
    """The conditions; cycles of before are looked into for periods alone."""
    begin, _ = cycle_bounds(month)
    oldest = oldest_of(month)
    ended = refunded_at()
    return [
        split.of(accounts),
        or_(
            and_(BillLine.bill_cycle == month, ~is_spread()),
            and_(
                BillLine.bill_cycle.between(oldest, month),
                is_spread(),
                BillLine.period_end_at >= begin,
                or_(ended.is_(None), ended >= begin),
            ),
        ),
    ]


def period_of(row: Any) -> Period | None:
    """How a line is spread; None: it is its own month's. `ended_at` is its first refund's time."""
    end = row["period_end_at"]
    if end is None or row["bill_type"] == USAGE or row["payment_amount"] <= ZERO:
        return None
    begins_on = beijing_day(row["trade_time"])
    ended = row["ended_at"]
    return Period(
        amount=Decimal(row["payment_amount"]),
        begins_on=begins_on,
        last_day=max(beijing_day(end), begins_on),
        ends_on=None if ended is None else max(beijing_day(ended), begins_on),
    )
