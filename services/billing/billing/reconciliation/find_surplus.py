"""What one bill has more often than the other, found in one pass over both.

Whatever is equal on both sides is taken away as often as it is there on both; what is left is
little, and is looked at row by row (`name_differences`). A file that does not say which charge a
row is of is compared by sums. All is asked as the owner, by the partner's id and not by row-level
security, below which such a question would be a loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.reconciliation.models import Reconciliation

SECONDS_MAX = 900  # of one statement; a month of a million lines takes some seconds
MEMORY = "128MB"  # of one table of groups
LEFT_OVER_MAX = 200_000  # rows of a side; with more it is another bill

# What a row says, by the column of the file that says it; absent columns are not compared.
_SAID_BY = {
    "customer_id": "customer_id",
    "trade_id": "trade_id",
    "product_id": "product_id",
    "trade_time": "trade_time",
    "currency": "payment_amount",
    "official": "official_amount",
    "discount": "official_discount_amount",
    "payment": "payment_amount",
}
_GROUP_BY = {
    "customer_id": "customer_id",
    "product_id": "product_id",
    "region_code": "region_code",
    "charging_mode": "charging_mode",
    "currency": "payment_amount",
}
_THEIRS: Mapping[str, str] = {
    "trade_time": "coalesce(v.trade_time, 'epoch'::timestamptz)",
    "official": "coalesce(v.official, 0)",
    "discount": "coalesce(v.discount, 0)",
}
_OURS: Mapping[str, str] = {
    "trade_time": "date_trunc('second', l.trade_time)",
    "official": "l.official_amount",
    "discount": "l.official_discount_amount",
    "payment": "l.payment_amount",
    # The vendor's file has a coding of its own (docs/domain/files.md J).
    "charging_mode": "CASE l.charging_mode WHEN 1 THEN '0' WHEN 3 THEN '1' ELSE '' END",
}
_FROM_THEIRS = "FROM vendor_rows v WHERE v.reconciliation_id = :id"
_FROM_OURS = "FROM bill_lines l WHERE l.partner_id = :partner AND l.bill_cycle = :cycle"
OUR_FIELDS = (
    "line_id", "customer_id", "payer_id", "bill_cycle", "bill_type", "charging_mode", "trade_id",
    "trade_time", "product_id", "region_code", "resource_id", "currency", "official_amount",
    "official_discount_amount", "erase_amount", "payment_amount", "coupon_amount",
    "flexipurchase_coupon_amount", "known_at", "late_for",
)  # fmt: skip
OUR_COLUMNS = ", ".join(f"l.{name}" for name in OUR_FIELDS)
_SUMS = """
    count(*) AS rows, coalesce(sum({official}), 0) AS official,
    coalesce(sum({discount}), 0) AS discount, coalesce(sum({payment}), 0) AS payment
"""


@dataclass(frozen=True, slots=True)
class LeftOver:
    """Rows and lines that the other side has not, or less often."""

    theirs: Sequence[Row[Any]]
    ours: Sequence[Row[Any]]


class TooDifferentError(Exception):
    """Hardly anything is equal."""


def compared(columns: frozenset[str]) -> list[str]:
    """What makes a row and a line the same, as far as the file says it."""
    return [name for name, field in _SAID_BY.items() if field in columns]


async def find_surplus(
    session: AsyncSession, found: Reconciliation, columns: frozenset[str]
) -> LeftOver:
    """The rows that are too many on their side, and the lines on ours.

    Raises:
        TooDifferentError

    """
    names = compared(columns)
    listed = ", ".join(names)
    theirs = ", ".join(f"{_THEIRS.get(name, f'v.{name}')} AS {name}" for name in names)
    ours = ", ".join(f"{_OURS.get(name, f'l.{name}')} AS {name}" for name in names)
    asked = _asked(found)
    await session.execute(
        text(f"""
            CREATE TEMP TABLE surplus ON COMMIT DROP AS
            SELECT {listed}, count(*) FILTER (WHERE side > 0) AS theirs,
                   count(*) FILTER (WHERE side < 0) AS ours
            FROM (SELECT {theirs}, 1 AS side {_FROM_THEIRS}
                  UNION ALL SELECT {ours}, -1 {_FROM_OURS}) AS both_sides
            GROUP BY {listed} HAVING sum(side) <> 0
        """),
        asked,
    )
    await session.execute(text("ANALYZE surplus"))
    equal = {
        side: " AND ".join(f"s.{name} = {said.get(name, f'{side}.{name}')}" for name in names)
        for side, said in (("v", _THEIRS), ("l", _OURS))
    }
    rows = await session.execute(
        text(f"""
            SELECT * FROM (
                SELECT v.*, s.ours AS copies, s.theirs - s.ours AS extra, row_number() OVER (
                    PARTITION BY {_of("s", names)} ORDER BY v.number DESC) AS nth
                FROM vendor_rows v JOIN surplus s ON {equal["v"]}
                WHERE v.reconciliation_id = :id AND s.theirs > s.ours) AS numbered
            WHERE nth <= extra ORDER BY number LIMIT {LEFT_OVER_MAX + 1}
        """),
        asked,
    )
    lines = await session.execute(
        text(f"""
            SELECT * FROM (
                SELECT {OUR_COLUMNS}, s.theirs AS copies, s.ours - s.theirs AS extra,
                    row_number() OVER (
                        PARTITION BY {_of("s", names)} ORDER BY l.line_id DESC) AS nth
                FROM bill_lines l JOIN surplus s ON {equal["l"]}
                WHERE l.partner_id = :partner AND l.bill_cycle = :cycle AND s.ours > s.theirs
                ) AS numbered
            WHERE nth <= extra ORDER BY line_id LIMIT {LEFT_OVER_MAX + 1}
        """),
        asked,
    )
    left = LeftOver(rows.all(), lines.all())
    if max(len(left.theirs), len(left.ours)) > LEFT_OVER_MAX:
        raise TooDifferentError
    return left


async def compare_sums(
    session: AsyncSession, found: Reconciliation, columns: frozenset[str]
) -> Sequence[Row[Any]]:
    """The groups whose sums differ, for a file that says of no row which charge it is of."""
    names = [name for name, field in _GROUP_BY.items() if field in columns]
    listed = ", ".join(names)
    theirs = ", ".join(f"v.{name}" for name in names)
    ours = ", ".join(f"{_OURS.get(name, f'l.{name}')} AS {name}" for name in names)
    differs = " OR ".join(
        f"t.{name} IS DISTINCT FROM o.{name}"
        for name in ("official", "discount", "payment")
        if _SAID_BY[name] in columns
    )
    rows = await session.execute(
        text(f"""
            SELECT {listed}, t.rows AS their_rows, t.official AS their_official,
                   t.discount AS their_discount, t.payment AS their_payment,
                   o.rows AS our_rows, o.official AS our_official,
                   o.discount AS our_discount, o.payment AS our_payment
            FROM (SELECT {theirs}, {_sums("v")} {_FROM_THEIRS} GROUP BY {listed}) AS t
            FULL JOIN (SELECT * FROM (SELECT {ours}, {_sums("l")} {_FROM_OURS}
                       GROUP BY {", ".join(str(n) for n in range(1, len(names) + 1))}) AS grouped
                      ) AS o USING ({listed})
            WHERE {differs} ORDER BY {listed} LIMIT {LEFT_OVER_MAX}
        """),
        _asked(found),
    )
    return rows.all()


async def totals_of(session: AsyncSession, found: Reconciliation) -> dict[str, dict[str, str]]:
    """Counts and sums of each side by currency."""
    totals: dict[str, dict[str, str]] = {}
    for side, source in (("v", _FROM_THEIRS), ("l", _FROM_OURS)):
        rows = await session.execute(
            text(f"SELECT {side}.currency, {_sums(side)} {source} GROUP BY 1 ORDER BY 1"),
            _asked(found),
        )
        for row in rows:
            whose = "theirs" if side == "v" else "ours"
            totals[f"{whose}.{row.currency}"] = {
                "rows": str(row.rows),
                "official": f"{row.official:f}",
                "discount": f"{row.discount:f}",
                "payment": f"{row.payment:f}",
            }
    return totals


def _sums(side: str) -> str:
    if side == "v":
        return _SUMS.format(official="v.official", discount="v.discount", payment="v.payment")
    return _SUMS.format(
        official="l.official_amount",
        discount="l.official_discount_amount",
        payment="l.payment_amount",
    )


def _of(table: str, names: Sequence[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


def _asked(found: Reconciliation) -> dict[str, Any]:
    return {
        "id": found.reconciliation_id, "partner": found.partner_id, "cycle": found.cycle,
    }  # fmt: skip
