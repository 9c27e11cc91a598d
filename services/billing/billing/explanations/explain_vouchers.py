"""What a partner owes of a line, which voucher took how much of it, and why the others did not."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.explanations.native_answers import LineSettlement, VoucherTold
from billing.settlement.match_lines import ADJUSTMENTS
from billing.settlement.models import (
    PUBLISHED,
    SETTLED,
    SettledLine,
    Settlement,
    SettlementVoucher,
)
from billing.settlement.pin_inputs import pinned_voucher
from chassis.identity import Principal
from matching import Line, Reason, Voucher

PAID, GOT_BACK, LAPSED, NO_VOUCHER_LINE = "paid", "got_back", "lapsed", "no_voucher_line"


async def explain_settlement(
    session: AsyncSession, principal: Principal, row: Any
) -> LineSettlement | None:
    """By the current bill of the month; None before it, and for whoever does not owe it."""
    wanted = (
        select(SettledLine, Settlement)
        .join(Settlement, Settlement.settlement_id == SettledLine.settlement_id)
        .where(
            SettledLine.line_id == row["line_id"],
            Settlement.is_current,
            Settlement.state.in_((SETTLED, PUBLISHED)),
        )
    )
    if not principal.is_administrator:
        if not principal.is_partner:
            return None
        wanted = wanted.where(Settlement.partner_id == principal.partner_id)
    found = (await session.execute(wanted)).first()
    if found is None:
        return None
    settled, bill = found
    vouchers = await session.scalars(
        select(SettlementVoucher).where(SettlementVoucher.settlement_id == bill.settlement_id)
    )
    pinned = [pinned_voucher(one) for one in vouchers]
    return LineSettlement(
        settlement_id=bill.settlement_id,
        number=bill.number,
        currency=bill.currency,
        settlement_type=settled.settlement_type,
        settlement_discount=settled.settlement_discount,
        settlement_amount=settled.settlement_amount,
        voucher_amount=settled.voucher_amount,
        forfeited_amount=settled.forfeited_amount,
        due_amount=settled.due_amount,
        vouchers=_told(settled, row, sorted(pinned, key=lambda one: one.rank), bill.currency),
    )


def _told(
    settled: SettledLine, row: Any, vouchers: list[Voucher], currency: str
) -> list[VoucherTold]:
    """In the order in which they would have paid; those that did come first, as they did."""
    parts = [(name, amount, lapsed) for name, amount, lapsed in settled.vouchers or []]
    told = [
        VoucherTold(
            voucher_id=name,
            currency=currency,
            amount=amount,
            why=LAPSED if lapsed else GOT_BACK if amount.startswith("-") else PAID,
        )
        for name, amount, lapsed in parts
    ]
    paid = {name for name, _, _ in parts}
    told += [
        VoucherTold(
            voucher_id=one.voucher_id, currency=currency, amount="0.00", why=_why(settled, row, one)
        )
        for one in vouchers
        if one.voucher_id not in paid
    ]
    return told


def _why(settled: SettledLine, row: Any, voucher: Voucher) -> str:
    """What settling found: the voucher's limits and time first, then whether anything was left."""
    if settled.bill_type in ADJUSTMENTS or settled.settlement_amount <= 0:
        return NO_VOUCHER_LINE
    line = Line(
        settled.line_id, settled.trade_time, settled.customer_id, settled.settlement_amount,
        settled.service_type_code, row["product_id"], row["region_code"], settled.charging_mode,
        None, None,
    )  # fmt: skip
    refused = voucher.refuses(line)
    if refused is not None:
        return refused.value
    return (Reason.USED_UP if settled.due_amount else Reason.LINE_COVERED).value
