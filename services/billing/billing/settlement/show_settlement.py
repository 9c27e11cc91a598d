"""How far a settlement is, and in what a correction differs from the version before."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.settlement.models import (
    PUBLISHED,
    SETTLED,
    Settlement,
    SettlementNotFoundError,
    SettlementVoucher,
)
from chassis.identity import Principal
from wire.native import Money, NativeAnswer

AMOUNTS = (
    "customer_amount", "settlement_amount", "adjustment_amount", "voucher_amount",
    "forfeited_amount", "due_amount", "performance_amount",
)  # fmt: skip


class VoucherAnswer(NativeAnswer):
    """What a voucher paid of the bill, and got back."""

    voucher_id: str
    currency: str
    paid_amount: Money
    restored_amount: Money
    lapsed_amount: Money
    is_moved: bool  # voucher has moved its balance so


class BillTotals(NativeAnswer):
    """Due is settlement + adjustments - vouchers + forfeited."""

    currency: str
    customer_amount: Money  # what customers are charged
    settlement_amount: Money  # the same at the partner's prices
    adjustment_amount: Money
    voucher_amount: Money  # paid by vouchers, less what was restored
    forfeited_amount: Money  # refunded, and neither money nor restored
    due_amount: Money
    performance_amount: Money


class SettlementAnswer(NativeAnswer):
    """A settlement: where it stands, and its totals once it is settled."""

    settlement_id: str
    partner_id: str
    bill_cycle: str  # YYYY-MM, Beijing
    number: int  # of the month's bill, from 1; a later one is a correction
    corrects: str | None
    reason: str | None
    # requested, reading, matching, totalling, settled, published, failed
    state: str
    failed_at: str | None  # the state in which it goes on
    failed_because: str | None
    lines: int | None  # of the month; null until they are counted
    lines_done: int
    per_cent: int
    digest: str | None  # SHA-256 over the settled lines, portion by portion
    totals: BillTotals | None
    differences: BillTotals | None  # of a correction: this version less the one before
    vouchers: list[VoucherAnswer]
    requested_at: datetime
    settled_at: datetime | None
    published_at: datetime | None


async def show_settlement(
    session: AsyncSession, principal: Principal, settlement_id: str
) -> SettlementAnswer:
    """The administrator any, a partner its own.

    Raises:
        SettlementNotFoundError: see there.

    """
    settlement = await session.get(Settlement, settlement_id)
    if settlement is None or (
        principal.is_partner and settlement.partner_id != principal.partner_id
    ):
        raise SettlementNotFoundError
    return await native_settlement(session, settlement)


async def native_settlement(session: AsyncSession, settlement: Settlement) -> SettlementAnswer:
    """As it stands."""
    is_settled = settlement.state in (SETTLED, PUBLISHED)
    before = None
    if is_settled and settlement.corrects:
        before = await session.get_one(Settlement, settlement.corrects)
    return SettlementAnswer.of(
        settlement,
        bill_cycle=settlement.cycle,
        lines=settlement.lines_total,
        digest=settlement.digest if is_settled else None,
        totals=BillTotals.of(settlement) if is_settled else None,
        differences=_differences(settlement, before) if before else None,
        vouchers=await _vouchers(session, settlement) if is_settled else [],
    )


def _differences(settlement: Settlement, before: Settlement) -> BillTotals:
    less = {name: getattr(settlement, name) - getattr(before, name) for name in AMOUNTS}
    return BillTotals(currency=settlement.currency, **less)


async def _vouchers(session: AsyncSession, settlement: Settlement) -> list[VoucherAnswer]:
    table = SettlementVoucher
    found = await session.scalars(
        select(table)
        .where(
            table.settlement_id == settlement.settlement_id,
            (table.paid_amount > 0) | (table.restored_amount > 0),
        )
        .order_by(table.voucher_id)
    )
    return [
        VoucherAnswer.of(one, currency=settlement.currency, is_moved=one.awaited == 0)
        for one in found
    ]
