"""Lines in and out of a settlement, by the driver itself: there are millions of them.

Read by one cursor, so that they are sorted once; written by COPY, a portion at a time.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from billing.settlement.match_lines import Before, BillRow, MatchedRow, paid_of
from billing.settlement.models import Settlement
from billing.settlement.settlement_prices import Price

SORT_MEMORY = "64MB"
ZERO = Decimal("0.00")
_OWN = "bill_cycle = $1 AND (partner_id = $2 OR distributor_id = $2)"
# By trade time; a refund after what was bought then; then by id, as its characters stand.
_PLACE = 'trade_time, payment_amount < 0, line_id COLLATE "C"'
# What is sold settles it, also where it is shown as a part of its instance.
_READ = f"""
    SELECT line_id, trade_time, payment_amount, customer_id,
           coalesce(sub_service_type_code, service_type_code), product_id,
           region_code, charging_mode, bill_type, corrects, refund_case, partner_id,
           distributor_id, association_type, account_manager_id, payer_id,
           cash_amount + writeoff_amount
    FROM bill_lines WHERE {_OWN} %s ORDER BY {_PLACE}
"""
_BEHIND = f'AND ({_PLACE}) > ($3::timestamptz, $4::boolean, $5::text COLLATE "C")'
COLUMNS = (
    "settlement_id", "position", "line_id", "partner_id", "distributor_id", "customer_id",
    "account_id", "association_type", "account_manager_id", "trade_time", "service_type_code",
    "charging_mode", "bill_type", "customer_amount", "settlement_type", "settlement_discount",
    "settlement_amount", "voucher_amount", "forfeited_amount", "due_amount",
    "performance_amount", "refund_of", "refund_case", "vouchers",
)  # fmt: skip
_NOT_IN_DIGEST = 1  # the settlement's own id: two settlements of the same lines agree
# Of this settlement, and of the current bills of months before.
_SETTLED_BEFORE = """
    SELECT l.line_id, l.refund_of, l.settlement_type, l.settlement_discount, l.due_amount,
           l.vouchers
    FROM settled_lines l JOIN settlements s ON s.settlement_id = l.settlement_id
    WHERE (l.line_id = ANY($1) OR l.refund_of = ANY($1)) AND s.partner_id = $2
      AND (s.settlement_id = $3 OR (s.is_current AND s.cycle < $4))
    ORDER BY s.cycle, l.position
"""


async def driver_of(session: AsyncSession) -> asyncpg.Connection:
    """The driver's own connection, in the session's transaction."""
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection


async def count_lines(session: AsyncSession, settlement: Settlement) -> int:
    """How many lines the month has."""
    driver = await driver_of(session)
    count = f"SELECT count(*) FROM bill_lines WHERE {_OWN}"
    return int(await driver.fetchval(count, settlement.cycle, settlement.partner_id))


class LineReader:
    """The lines behind the last one that was matched, sorted once for the whole pass."""

    def __init__(self, session: AsyncSession, settlement: Settlement):
        self._session, self._settlement = session, settlement
        self._cursor: Any = None

    async def read(self, limit: int) -> list[BillRow]:
        """The next ones; an empty list behind the last."""
        if self._cursor is None:
            await self._open()
        return [BillRow(*row) for row in await self._cursor.fetch(limit)]

    async def _open(self) -> None:
        driver, done = await driver_of(self._session), self._settlement
        await driver.execute(f"SET LOCAL work_mem = '{SORT_MEMORY}'")
        await driver.execute("SET LOCAL statement_timeout = 0")
        await driver.execute("SET LOCAL cursor_tuple_fraction = 1")
        place = (done.last_trade_time, done.last_is_refund, done.last_line_id)
        behind = place if done.lines_done else ()
        read = _READ % (_BEHIND if behind else "")
        self._cursor = await driver.cursor(read, done.cycle, done.partner_id, *behind)


async def settled_before(
    session: AsyncSession, settlement: Settlement, refunded: Collection[str]
) -> dict[str, Before]:
    """How those lines were settled that are refunded now, after the refunds of before."""
    if not refunded:
        return {}
    driver = await driver_of(session)
    rows = await driver.fetch(
        _SETTLED_BEFORE, list(refunded), settlement.partner_id, settlement.settlement_id,
        settlement.cycle,
    )  # fmt: skip
    prices: dict[str, Price] = {}
    money: dict[str, Decimal] = {}
    parts: dict[str, list[tuple[str, Decimal]]] = {}
    for line_id, refund_of, settlement_type, ratio, due, vouchers in rows:
        name = refund_of if refund_of in refunded else line_id
        if name == line_id:
            prices[name] = Price(settlement_type, ratio)
        money[name] = money.get(name, ZERO) + due
        told = [(one[0], Decimal(one[1])) for one in vouchers or []]
        parts.setdefault(name, []).extend(told)
    return {
        name: Before(price, paid_of(money[name], parts[name])) for name, price in prices.items()
    }


def rows_of(settlement: Settlement, done: int, matched: Sequence[MatchedRow]) -> list[Any]:
    """As the table has them."""
    name = settlement.settlement_id
    return [_row(name, done + number, one) for number, one in enumerate(matched, 1)]


def _row(settlement_id: str, position: int, one: MatchedRow) -> tuple[Any, ...]:
    row, matched = one.row, one.matched
    has_vouchers = matched.allocations or matched.restored
    return (
        settlement_id, position, row.line_id, row.partner_id, row.distributor_id, row.customer_id,
        one.account_id, row.association_type, row.account_manager_id, row.trade_time,
        row.service_type_code, row.charging_mode, row.bill_type, row.customer_amount,
        one.price.settlement_type, one.price.ratio, one.settlement_amount,
        one.voucher_amount if has_vouchers else ZERO, matched.forfeited, matched.due,
        one.performance_amount, row.refund_of, row.refund_case,
        _vouchers(one) if has_vouchers else None,
    )  # fmt: skip


def _vouchers(one: MatchedRow) -> str:
    paid = [[part.voucher_id, f"{part.amount:f}", False] for part in one.matched.allocations]
    back = [[part.voucher_id, f"{-part.amount:f}", part.expired] for part in one.matched.restored]
    return json.dumps(paid + back)


async def write_lines(session: AsyncSession, rows: Sequence[Any]) -> None:
    """All of them, by one COPY."""
    driver = await driver_of(session)
    await driver.copy_records_to_table("settled_lines", records=rows, columns=COLUMNS)


def chained(digest: str, rows: Sequence[Any]) -> str:
    """The digest of all lines up to these: the same inputs have the same."""
    told = "\n".join(map(str, (row[_NOT_IN_DIGEST:] for row in rows)))
    return hashlib.sha256(f"{digest}\n{told}".encode()).hexdigest()
