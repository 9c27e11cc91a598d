"""How many coupons a partner issued, or records it has, by status and time, without counting them.

Whole days (UTC) are tallied, and what was appended since is added; what lies in the days at the
ends of a filter is counted row by row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from wire.times import next_second

COUPON, RECORD = "coupon", "record"
_YEAR_MAX = 9990  # days near the last one are left to whoever counts rows

_TALLIED = """
    SELECT coalesce(sum(number), 0) FROM (
        SELECT partner_id, counted, status, made_on, gone_on, number FROM tallies
        UNION ALL
        SELECT partner_id, counted, status, made_on, gone_on, by FROM tally_changes
    ) t
    WHERE partner_id = :partner AND counted = :counted
"""
_ROWS = {
    COUPON: ("coupons", "created_at", "least(ended_at, expire_at)", "quota_id IS NOT NULL"),
    RECORD: ("coupon_records", "at", "'infinity'", "TRUE"),
}
_STATUS = {COUPON: "status", RECORD: "CASE result WHEN '0' THEN 0 ELSE -1 END"}


@dataclass(frozen=True, slots=True)
class Listed:
    """Those of some statuses, or of any, that were made and are gone within these bounds."""

    statuses: Sequence[int] | None = None
    made_from: datetime | None = None  # this instant included
    made_before: datetime | None = None
    gone_after: datetime | None = None
    gone_until: datetime | None = None  # this instant included

    @property
    def is_tallied(self) -> bool:
        """Whether the bounds are such that days can be reckoned with."""
        bounds = (self.made_from, self.made_before, self.gone_after, self.gone_until)
        return all(at is None or 1 < at.year < _YEAR_MAX for at in bounds)


def between_wholly(begin: datetime | None, end: datetime | None) -> Listed:
    """Those made between two instants of the wire, as `chassis.pages.between` has it."""
    return Listed(made_from=None if begin is None else next_second(begin), made_before=end)


async def count_listed(session: AsyncSession, counted: str, partner_id: str, wanted: Listed) -> int:
    """`counted`: coupon or record."""
    known: dict[str, Any] = {"partner": partner_id}
    _, made, gone, _ = _ROWS[counted]
    rows, days, edges = [], [], []
    if wanted.statuses is not None:
        known["statuses"] = list(wanted.statuses)
        days.append("status = ANY(:statuses)")
        rows.append(f"{_STATUS[counted]} = ANY(:statuses)")
    for name, at, column, day_column, is_lower, is_whole in (
        ("made_from", wanted.made_from, made, "made_on", True, True),
        ("made_before", wanted.made_before, made, "made_on", False, True),
        ("gone_after", wanted.gone_after, gone, "gone_on", True, False),
        ("gone_until", wanted.gone_until, gone, "gone_on", False, False),
    ):
        if at is None:
            continue
        midnight = _midnight(at)
        if is_lower and (not is_whole or midnight != at):
            midnight += timedelta(days=1)  # the first whole day
        known |= {name: at, f"{name}_day": midnight.date(), f"{name}_edge": midnight}
        days.append(f"{day_column} {'>=' if is_lower else '<'} :{name}_day")
        sign = {"made_from": ">=", "made_before": "<", "gone_after": ">", "gone_until": "<="}[name]
        rows.append(f"{column} {sign} :{name}")
        edges.append(f"{column} {'<' if is_lower else '>='} :{name}_edge")
    total = await session.scalar(
        text(" AND ".join([_TALLIED, *days])), known | {"counted": counted}
    )
    if edges:
        total = int(total or 0) + await _count_rows(session, counted, rows, edges, known)
    return int(total or 0)


async def _count_rows(
    session: AsyncSession, counted: str, rows: list[str], edges: list[str], known: dict[str, Any]
) -> int:
    """Edge by edge, each by its index; what lies in two of them counts for the first."""
    table, _, _, always = _ROWS[counted]
    parts = []
    for number, edge in enumerate(edges):
        others = [f"NOT ({before})" for before in edges[:number]]
        where = " AND ".join([f"partner_id = :partner AND {always}", *rows, edge, *others])
        parts.append(f"(SELECT count(*) FROM {table} WHERE {where})")
    asked = {name: value for name, value in known.items() if not name.endswith("_day")}
    return int(await session.scalar(text(f"SELECT {' + '.join(parts)}"), asked) or 0)


def _midnight(at: datetime) -> datetime:
    """At or before."""
    return datetime.combine(at.astimezone(UTC).date(), time(), UTC)
