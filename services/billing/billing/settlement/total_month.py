"""A matched month is summed up, and its bill stated."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.settlement.facts import bill_published, bill_settled
from billing.settlement.models import (
    PUBLISHED,
    SETTLED,
    TOTALLING,
    ZERO,
    Settlement,
    SettlementVoucher,
)
from chassis import outbox
from chassis.crash import crash_point

_SUM_UP = text("""
    INSERT INTO settlement_sums (settlement_id, number, partner_id, distributor_id, cycle,
        bill_number, currency, customer_id,
        association_type, account_manager_id, service_type_code, charging_mode, settlement_type,
        lines, customer_amount, settlement_amount, voucher_amount, forfeited_amount, due_amount,
        performance_amount)
    SELECT :name, row_number() OVER (ORDER BY partner_id COLLATE "C", customer_id COLLATE "C",
               association_type, account_manager_id COLLATE "C" NULLS FIRST,
               service_type_code COLLATE "C", charging_mode, settlement_type),
           partner_id, min(distributor_id), CAST(:cycle AS text), CAST(:bill AS bigint),
           CAST(:currency AS text), customer_id, association_type, account_manager_id,
           service_type_code, charging_mode, settlement_type, count(*), sum(customer_amount),
           sum(settlement_amount), sum(voucher_amount), sum(forfeited_amount), sum(due_amount),
           sum(performance_amount)
    FROM settled_lines WHERE settlement_id = :name
    GROUP BY partner_id, customer_id, association_type, account_manager_id, service_type_code,
             charging_mode, settlement_type
""")
_TOTALS = text("""
    SELECT coalesce(sum(lines), 0) AS lines, coalesce(sum(customer_amount), 0) AS customer_amount,
           coalesce(sum(settlement_amount) FILTER (WHERE settlement_type <> 'adjustment'), 0)
               AS settlement_amount,
           coalesce(sum(settlement_amount) FILTER (WHERE settlement_type = 'adjustment'), 0)
               AS adjustment_amount,
           coalesce(sum(voucher_amount), 0) AS voucher_amount,
           coalesce(sum(forfeited_amount), 0) AS forfeited_amount,
           coalesce(sum(due_amount), 0) AS due_amount,
           coalesce(sum(performance_amount), 0) AS performance_amount
    FROM settlement_sums WHERE settlement_id = :name
""")


class BillDoesNotAddUpError(Exception):
    """The sums of a settlement are not those of its lines and vouchers: nothing is stated."""


async def total_month(session: AsyncSession, settlement: Settlement, now: datetime) -> None:
    """Sum up, make it the month's current bill, and state it; published where no voucher moves.

    Raises:
        BillDoesNotAddUpError: see there.

    """
    assert settlement.state == TOTALLING
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    name = {"name": settlement.settlement_id}
    bill = {"cycle": settlement.cycle, "bill": settlement.number, "currency": settlement.currency}
    await session.execute(_SUM_UP, name | bill)
    totals = (await session.execute(_TOTALS, name)).mappings().one()
    vouchers = await _vouchers(session, settlement)
    _prove(settlement, dict(totals), vouchers)
    for field, amount in totals.items():
        if field != "lines":
            setattr(settlement, field, amount)
    crash_point("billing.settlement_totalled")
    await session.execute(
        update(Settlement)
        .where(Settlement.settlement_id == settlement.corrects)
        .values(is_current=False)
    )
    for voucher in vouchers:
        voucher.awaited = bool(voucher.moved) + bool(voucher.lapsing)
    settlement.state, settlement.settled_at, settlement.is_current = SETTLED, now, True
    settlement.version += 1
    outbox.publish(session, bill_settled(settlement, vouchers, now))
    if not any(voucher.awaited for voucher in vouchers):
        publish_bill(session, settlement, now)


def publish_bill(session: AsyncSession, settlement: Settlement, now: datetime) -> None:
    """The vouchers have paid what it says, if any do."""
    settlement.state, settlement.published_at = PUBLISHED, now
    settlement.version += 1
    outbox.publish(session, bill_published(settlement, now))


async def _vouchers(session: AsyncSession, settlement: Settlement) -> list[SettlementVoucher]:
    """Those that pay, got back, or did so in the version before."""
    found = await session.scalars(
        select(SettlementVoucher)
        .where(SettlementVoucher.settlement_id == settlement.settlement_id)
        .order_by(SettlementVoucher.voucher_id)
    )
    return [
        one
        for one in found
        if one.paid_amount or one.restored_amount or one.taken_before or one.lapsed_before
    ]


def _prove(
    settlement: Settlement, totals: dict[str, Any], vouchers: list[SettlementVoucher]
) -> None:
    """Lines, vouchers and due say the same."""
    paid = sum((one.paid_amount - one.restored_amount for one in vouchers), ZERO)
    due = totals["settlement_amount"] + totals["adjustment_amount"] - totals["voucher_amount"]
    wrong = {
        "lines": (totals["lines"], settlement.lines_done, settlement.lines_total),
        "vouchers": (totals["voucher_amount"], paid),
        "due": (totals["due_amount"], due + totals["forfeited_amount"]),
    }
    for what, (said, *others) in wrong.items():
        if any(said != other for other in others):
            raise BillDoesNotAddUpError(f"{what}: {said}, not {others}")
