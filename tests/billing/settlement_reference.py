"""A settlement as slowly and plainly as it can be said, to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

CENT = Decimal("0.01")


@dataclass
class PlainVoucher:
    """What is left of it."""

    name: str
    left: Decimal
    begins: datetime
    ends: datetime
    customers: frozenset[str] = frozenset()


@dataclass
class PlainLine:
    """A line; `of` names what a refund refunds."""

    name: str
    at: datetime
    customer: str
    amount: Decimal
    of: str | None = None
    restores: bool = False


@dataclass
class Outcome:
    """Of a line."""

    amount: Decimal
    due: Decimal
    forfeited: Decimal = Decimal("0.00")
    parts: list[tuple[str, Decimal]] = field(default_factory=list)  # below zero: given back


def settle(
    lines: Sequence[PlainLine], vouchers: Sequence[PlainVoucher], ratio: Decimal
) -> dict[str, Outcome]:
    """Line by line, looking at every voucher for each (F10, H.21)."""
    done: dict[str, Outcome] = {}
    money: dict[str, Decimal] = {}
    paid: dict[str, dict[str, Decimal]] = {}  # by line: what each voucher pays yet
    for line in sorted(lines, key=lambda one: (one.at, one.amount < 0, one.name)):
        amount = (line.amount * ratio).quantize(CENT, rounding=ROUND_DOWN)
        one = done[line.name] = Outcome(amount, amount)
        if amount > 0:
            for voucher in sorted(
                vouchers, key=lambda v: (not v.customers, v.ends, v.begins, v.name)
            ):
                fits = not voucher.customers or line.customer in voucher.customers
                part = min(one.due, voucher.left)
                if fits and voucher.begins <= line.at < voucher.ends and part:
                    voucher.left -= part
                    one.due -= part
                    one.parts.append((voucher.name, part))
            money[line.name] = one.due
            paid[line.name] = dict(one.parts)
        elif amount < 0 and paid.get(line.of or ""):
            back = -amount
            paying = paid[line.of or ""]
            while line.restores and back and any(paying.values()):
                name = [voucher for voucher, part in paying.items() if part][-1]
                part = min(back, paying[name])
                paying[name] -= part
                voucher = next(v for v in vouchers if v.name == name)
                if voucher.begins <= line.at < voucher.ends:
                    voucher.left += part
                one.parts.append((name, -part))
                back -= part
            cash = min(back, money[line.of or ""])
            money[line.of or ""] -= cash
            one.due, one.forfeited = -cash, back - cash
    return done
