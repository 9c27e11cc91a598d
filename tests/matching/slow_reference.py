"""The rules of docs/domain/partner-vouchers.md read aloud: each line looks at each voucher."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from matching import Line, Voucher

Paid = tuple[str, Decimal]


class Outcome(NamedTuple):
    """What comes out for a line."""

    line_id: str
    due: Decimal
    paid: list[Paid]
    restored: list[tuple[str, Decimal, bool]]
    forfeited: Decimal


def match_slowly(lines: Iterable[Line], vouchers: Iterable[Voucher]) -> list[Outcome]:
    """The lines in any order; the outcomes by trade time."""
    known = {voucher.voucher_id: voucher for voucher in vouchers}
    left = {voucher.voucher_id: voucher.remaining for voucher in known.values()}
    paid_for: dict[str, list[Paid]] = {}
    money_for: dict[str, Decimal] = {}
    outcomes = []
    by_id = sorted(lines, key=lambda line: line.line_id)
    refunds_last = sorted(by_id, key=lambda line: line.amount < 0)
    for line in sorted(refunds_last, key=lambda line: line.trade_time):
        if line.amount < 0:
            refunded = line.refund_of or ""
            if refunded not in paid_for:
                outcomes.append(Outcome(line.line_id, line.amount, [], [], Decimal(0)))
                continue
            outcome = _refund(line, known, left, paid_for[refunded], money_for[refunded])
            money_for[refunded] += outcome.due
            outcomes.append(outcome)
            continue
        due, paid = line.amount, []
        for voucher in _candidates(line, known.values()):
            part = min(left[voucher.voucher_id], due)
            if part > 0:
                left[voucher.voucher_id] -= part
                due -= part
                paid.append((voucher.voucher_id, part))
        if paid:
            paid_for[line.line_id], money_for[line.line_id] = list(paid), due
        outcomes.append(Outcome(line.line_id, due, paid, [], Decimal(0)))
    return outcomes


def _candidates(line: Line, vouchers: Iterable[Voucher]) -> list[Voucher]:
    may = [voucher for voucher in vouchers if _may_pay(voucher, line)]
    may.sort(key=lambda voucher: voucher.voucher_id)
    may.sort(key=lambda voucher: voucher.effective_at)
    may.sort(key=lambda voucher: voucher.expire_at)
    restricted = [voucher for voucher in may if voucher.customer_ids]
    return restricted + [voucher for voucher in may if not voucher.customer_ids]


def _may_pay(voucher: Voucher, line: Line) -> bool:
    if not voucher.effective_at <= line.trade_time < voucher.expire_at:
        return False
    return (
        (not voucher.customer_ids or line.customer_id in voucher.customer_ids)
        and (not voucher.service_type_codes or line.service_type_code in voucher.service_type_codes)
        and (not voucher.product_ids or line.product_id in voucher.product_ids)
        and (not voucher.region_codes or line.region_code in voucher.region_codes)
        and (not voucher.charging_modes or line.charging_mode in voucher.charging_modes)
    )


def _refund(
    line: Line,
    vouchers: dict[str, Voucher],
    left: dict[str, Decimal],
    paid: list[Paid],
    money: Decimal,
) -> Outcome:
    back = -line.amount
    restored = []
    if line.refund_case is not None:
        for index in reversed(range(len(paid))):
            voucher_id, amount = paid[index]
            part = min(amount, back)
            if part == 0:
                continue
            paid[index] = (voucher_id, amount - part)
            back -= part
            expired = vouchers[voucher_id].expire_at <= line.trade_time
            restored.append((voucher_id, part, expired))
            if not expired:
                left[voucher_id] += part
    credit = min(back, money)
    return Outcome(line.line_id, -credit, [], restored, back - credit)
