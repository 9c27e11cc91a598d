"""A plain model of what orders do to money, coupons and orders: it knows no service and no table.

It is told what was asked for and says what must come of it; by how the services are built it is
not impressed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

ZERO, CENT = Decimal("0.00"), Decimal("0.01")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
CASH_COUPON, FLEXI_COUPON = 1, 4  # types in lists
PENDING, PAID, CANCELLED = "pending", "paid", "cancelled"
HELD = "held"  # its refund waits for an approval

# Refusals, by what is in the way.
NOT_PENDING, OVERDUE, NOT_ALLOWED = "CBC.99003106", "CBC.99003110", "CBC.0155"
NO_MONEY, NO_COUPON, NO_DISCOUNT = "CBC.99005003", "CBC.99003112", "CBC.99003108"
NOT_CANCELLABLE, TOO_LATE = "CBC.99005010", "CBC.99003162"


@dataclass
class Purse:
    """What an account has."""

    cash: Decimal = ZERO
    credit: Decimal = ZERO


@dataclass
class KnownCoupon:
    """One coupon, and what must be left of it."""

    coupon_id: str
    owner: str
    partner: str  # that issued it
    kind: int
    balance: Decimal
    ends: datetime
    recalled: bool = False  # taken back while something was left of it

    def usable(self, now: datetime) -> bool:
        """Whether it pays."""
        return not self.recalled and self.balance > 0 and now < self.ends

    def end(self) -> None:
        """What is left goes back to its quota; a coupon that is used up stays what it is."""
        if self.balance:
            self.balance, self.recalled = ZERO, True


@dataclass
class KnownOrder:
    """An order as its caller knows it."""

    order_id: str
    owner: str
    pay_until: datetime
    status: str = PENDING
    overdue: bool = False
    pay_before: datetime | None = None  # what it is about ends then: it stays, but is not paid


@dataclass
class Payment:
    """What each means pays."""

    coupons: dict[str, Decimal]
    cash: Decimal
    credit: Decimal


@dataclass
class Model:
    """Who has what; `partners` says whose customer somebody is."""

    purses: dict[str, Purse] = field(default_factory=dict)
    coupons: dict[str, KnownCoupon] = field(default_factory=dict)
    orders: dict[str, KnownOrder] = field(default_factory=dict)
    partners: dict[str, str] = field(default_factory=dict)
    frozen: dict[str, int] = field(default_factory=dict)
    now: datetime | None = None

    def reach(self, now: datetime) -> None:
        """Time has come there: deadlines pass, coupons end."""
        self.now = now
        for order in self.orders.values():
            if order.status == PENDING and order.pay_until <= now:
                order.status, order.overdue = CANCELLED, True
        for coupon in self.coupons.values():
            if coupon.ends <= now:
                coupon.end()

    def refusal_of(self, order: KnownOrder) -> str | None:
        """Why the order cannot be paid now, whoever pays."""
        if self.frozen.get(order.owner):
            return NOT_ALLOWED
        if order.overdue:
            return OVERDUE
        if order.status != PENDING:
            return NOT_PENDING
        until = order.pay_before
        return TOO_LATE if until and self.now and self.now >= until else None

    def split(
        self, payer: str, payable: Decimal, coupons: Sequence[KnownCoupon], now: datetime
    ) -> Payment | str:
        """What pays it: cash coupons, flexi coupons, cash, credit. Or the refusal."""
        if len({one.kind for one in coupons}) != len(coupons):
            return NO_COUPON
        for one in coupons:
            mine = one.owner == payer and one.partner == self.partners[payer]
            if not (mine and one.usable(now)):
                return NO_COUPON
        used: dict[str, Decimal] = {}
        left = payable
        for one in sorted(coupons, key=lambda one: one.kind):
            part = min(one.balance, left)
            if part:
                used[one.coupon_id] = part
            left -= part
        purse = self.purses[payer]
        cash = min(purse.cash, left)
        if left - cash > purse.credit:
            return NO_MONEY
        return Payment(used, cash, left - cash)

    def pay(self, order: KnownOrder, payer: str, payment: Payment) -> None:
        """It is paid; the money and the coupons are gone."""
        order.status = PAID
        purse = self.purses[payer]
        purse.cash -= payment.cash
        purse.credit -= payment.credit
        for coupon_id, amount in payment.coupons.items():
            self.coupons[coupon_id].balance -= amount

    def give_back(self, payer: str, cash: Decimal, credit: Decimal) -> None:
        """To the accounts that paid."""
        self.purses[payer].cash += cash
        self.purses[payer].credit += credit

    def restore(self, coupon_id: str, amount: Decimal, now: datetime) -> None:
        """To the coupon that paid, while its holder may have it; else to its quota."""
        coupon = self.coupons[coupon_id]
        holder = self.partners[coupon.owner]
        if not coupon.recalled and now < coupon.ends and holder == coupon.partner:
            coupon.balance += amount

    def leave(self, customer: str) -> None:
        """It is its partner's customer no more: cash and coupons go back, open orders end."""
        partner, purse = self.partners[customer], self.purses[customer]
        self.purses[partner].cash += purse.cash
        purse.cash = ZERO
        for coupon in self.coupons.values():
            if (coupon.owner, coupon.partner) == (customer, partner):
                coupon.end()
        for order in self.orders.values():
            if (order.owner, order.status) == (customer, PENDING):
                order.status = CANCELLED


def cut(amount: Decimal) -> Decimal:
    """Two decimals, the rest cut off."""
    return amount.quantize(CENT, rounding=ROUND_DOWN)


@dataclass(frozen=True)
class Back:
    """What must go back of a period, by H.9 of docs/domain/resources.md."""

    coupon: Decimal = ZERO
    flexi: Decimal = ZERO
    cash: Decimal = ZERO
    credit: Decimal = ZERO
    consumed: Decimal = ZERO
    fee: Decimal = ZERO


def all_of(coupon: Decimal, flexi: Decimal, cash: Decimal, credit: Decimal) -> Back:
    """Within five days, or before it begins."""
    return Back(coupon, flexi, cash, credit)


@dataclass(frozen=True)
class Gone:
    """What a change gave back of a period before, for the hours from then on."""

    at: datetime
    flexi: Decimal
    cash: Decimal
    credit: Decimal

    @property
    def amount(self) -> Decimal:
        """All of it."""
        return self.flexi + self.cash + self.credit


def part_left(begin: datetime, end: datetime, now: datetime) -> Fraction:
    """Of the hours of a period, those to come; each begun hour is over."""
    begin = begin.replace(minute=0, second=0, microsecond=0)
    now = now.replace(minute=0, second=0, microsecond=0)
    total = (end + SECOND - begin) // HOUR
    return Fraction(max(total - (now - begin) // HOUR, 0), total)


def worth(
    amount: Decimal, begin: datetime, end: datetime, now: datetime, gone: Sequence[Gone]
) -> Fraction:
    """What such a payment is worth for the hours to come."""
    back = sum((Fraction(one.amount) * part_left(one.at, end, now) for one in gone), Fraction(0))
    return Fraction(amount) * part_left(begin, end, now) - back


def whole_cents(amount: Fraction) -> Decimal:
    """Cut toward zero."""
    return int(amount * 100) * CENT


def rest_of(
    flexi: Decimal, cash: Decimal, credit: Decimal, begin: datetime, end: datetime,
    now: datetime, rate: Decimal, gone: Sequence[Gone] = (),
) -> Back:  # fmt: skip
    """Of the period in effect: by hours, less the fee, in proportion; cash coupons stay used."""
    left = worth(flexi + cash + credit, begin, end, now, gone)
    flexi -= sum((one.flexi for one in gone), ZERO)
    cash -= sum((one.cash for one in gone), ZERO)
    credit -= sum((one.credit for one in gone), ZERO)
    paid = flexi + cash + credit
    consumed = whole_cents(Fraction(paid) - left)
    fee = min(cut(paid * rate), paid - consumed)
    parts = _in_proportion(paid - consumed - fee, (flexi, cash, credit))
    flexi, cash, credit = parts
    return Back(ZERO, flexi, cash, credit, consumed, fee)


def _in_proportion(amount: Decimal, weights: tuple[Decimal, ...]) -> list[Decimal]:
    whole = sum(weights, ZERO)
    if not whole:
        return [ZERO for _ in weights]
    exact = [amount * one / whole for one in weights]
    parts = [cut(one) for one in exact]
    most = sorted(range(len(parts)), key=lambda n: parts[n] - exact[n])
    for n in most[: int((amount - sum(parts, ZERO)) / CENT)]:
        parts[n] += CENT
    return parts
