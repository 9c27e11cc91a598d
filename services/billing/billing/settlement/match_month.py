"""Match the lines of a month: read by one cursor, written in portions that each commit.

A process that dies leaves whole portions; who goes on begins behind the last one, with what is
left of the vouchers then. A portion ends at the same lines, whoever writes it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.prices.catalogue import Catalogue
from billing.settlement.lines import LineReader, chained, rows_of, settled_before, write_lines
from billing.settlement.match_lines import MatchedRow, Month
from billing.settlement.models import (
    MATCHING,
    TOTALLING,
    ZERO,
    Settlement,
    SettlementVoucher,
)
from billing.settlement.pin_inputs import month_rules, vouchers_as_left
from billing.settlement.settlement_prices import SettlementPrices
from chassis.crash import crash_point
from chassis.database import Database

PORTION_LINES = 5_000


class OvertakenError(Exception):
    """Somebody else has gone on with this settlement: nothing of the portion is written."""


async def match_month(
    database: Database,
    reading: AsyncSession,
    settlement: Settlement,
    prices: SettlementPrices,
    catalogue: Catalogue,
) -> None:
    """From where it stands to the last line. `reading` holds the partner's lock meanwhile.

    Raises:
        OvertakenError, NoSettlementPriceError: see there.

    """
    rules = await month_rules(reading, settlement, prices, catalogue)
    month = Month(rules, await vouchers_as_left(reading, settlement.settlement_id))
    reader = LineReader(reading, settlement)
    while rows := await reader.read(PORTION_LINES):
        async with database.transaction() as session:
            refunded = {row.refund_of for row in rows if row.refund_of is not None}
            before = await settled_before(session, settlement, refunded)
            matched = await asyncio.to_thread(month.take, rows, before)
            await _write_portion(session, settlement, matched)
            crash_point("billing.settlement_portion")
        _advance(settlement, matched)
    async with database.transaction() as session:
        await _step(session, settlement, {"state": TOTALLING})


async def _write_portion(
    session: AsyncSession, settlement: Settlement, matched: Sequence[MatchedRow]
) -> None:
    rows = await asyncio.to_thread(rows_of, settlement, settlement.lines_done, matched)
    digest = await asyncio.to_thread(chained, settlement.digest, rows)
    last = matched[-1].row
    place = {
        "lines_done": settlement.lines_done + len(rows),
        "last_trade_time": last.trade_time,
        "last_is_refund": last.customer_amount < 0,
        "last_line_id": last.line_id,
        "digest": digest,
    }
    await _step(session, settlement, place)
    await write_lines(session, rows)
    await _move_vouchers(session, settlement.settlement_id, matched)
    settlement.digest = digest


async def _step(session: AsyncSession, settlement: Settlement, values: dict[str, object]) -> None:
    """Move the settlement on from where it was found, or not at all."""
    moved = await session.execute(
        update(Settlement)
        .where(
            Settlement.settlement_id == settlement.settlement_id,
            Settlement.state == MATCHING,
            Settlement.lines_done == settlement.lines_done,
        )
        .values(**values, version=Settlement.version + 1)
        .returning(Settlement.version)
    )
    if moved.first() is None:
        raise OvertakenError(settlement.settlement_id)


def _advance(settlement: Settlement, matched: Sequence[MatchedRow]) -> None:
    """As the row is now; the object is no session's."""
    settlement.lines_done += len(matched)


async def _move_vouchers(
    session: AsyncSession, settlement_id: str, matched: Sequence[MatchedRow]
) -> None:
    paid: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    restored: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    lapsed: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in matched:
        for part in one.matched.allocations:
            paid[part.voucher_id] += part.amount
        for back in one.matched.restored:
            restored[back.voucher_id] += back.amount
            if back.expired:
                lapsed[back.voucher_id] += back.amount
    moved = sorted(paid.keys() | restored.keys())
    if not moved:
        return
    table = SettlementVoucher
    statement = (
        update(table)
        .where(table.settlement_id == settlement_id, table.voucher_id == bindparam("of"))
        .values(
            paid_amount=table.paid_amount + bindparam("paid"),
            restored_amount=table.restored_amount + bindparam("restored"),
            lapsed_amount=table.lapsed_amount + bindparam("lapsed"),
            left_amount=table.left_amount + bindparam("left"),
        )
        .execution_options(synchronize_session=False)
    )
    values = [
        {
            "of": name,
            "paid": paid[name],
            "restored": restored[name],
            "lapsed": lapsed[name],
            "left": restored[name] - lapsed[name] - paid[name],
        }
        for name in moved
    ]
    connection = await session.connection()
    await connection.execute(statement, values)
