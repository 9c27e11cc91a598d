"""The lines of a month, one after another: the partner's price, and what vouchers pay of it.

Nothing here asks a database: what an earlier bill or portion says of refunded lines is handed in.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal
from typing import NamedTuple

from billing.settlement.settlement_prices import MonthPrices, Price
from matching import Allocation, Line, Matched, Matching, Paid, RefundCase, Voucher
from wire.vocabulary import RESALE_TYPES

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
ADJUSTMENTS = frozenset({9, 16})  # bill types (docs/domain/bills.md B.8)
ADJUSTMENT, REFERRAL = "adjustment", "referral"
WHOLE, NOTHING = Price(ADJUSTMENT, Decimal("1.0000")), Price(REFERRAL, Decimal("0.0000"))
_EXACT = Context(prec=60, rounding=ROUND_DOWN)
_CASES = {case.value: case for case in RefundCase}


class BillRow(NamedTuple):
    """What a settlement reads of a line on a customer's bill."""

    line_id: str
    trade_time: datetime
    customer_amount: Decimal
    customer_id: str
    service_type_code: str
    product_id: str
    region_code: str
    charging_mode: int
    bill_type: int
    refund_of: str | None
    refund_case: str | None
    partner_id: str
    distributor_id: str | None
    association_type: str
    account_manager_id: str | None
    payer_id: str | None
    cash_amount: Decimal  # with what was written off of its debt since


class Before(NamedTuple):
    """How a line that is refunded now was settled, less what refunds of it took back since."""

    price: Price
    paid: Paid | None  # none: vouchers paid nothing of it


class MonthRules(NamedTuple):
    """What holds for every line of the month."""

    prices: MonthPrices
    # Custody members of referral customers: when they left the partner, to the second (F.4).
    unlinked: Mapping[str, datetime]
    # Services whose cash is no performance under the month's policy (F18).
    no_performance: Container[str] = frozenset()


class MatchedRow(NamedTuple):
    """What came out for a line."""

    row: BillRow
    account_id: str
    price: Price
    settlement_amount: Decimal
    performance_amount: Decimal
    matched: Matched

    @property
    def voucher_amount(self) -> Decimal:
        """Paid by vouchers; below zero: given back to them."""
        paid = sum((part.amount for part in self.matched.allocations), ZERO)
        return paid - sum((part.amount for part in self.matched.restored), ZERO)


class Month:
    """One pass over the lines of a month, in portions."""

    def __init__(self, rules: MonthRules, vouchers: Iterable[Voucher]):
        self._rules = rules
        self._paid: dict[str, Paid] = {}
        self._refunded: set[str | None] = set()
        self._matching = Matching(vouchers, paid_before=self._paid, refunded=self._refunded)

    def take(self, rows: list[BillRow], before: Mapping[str, Before]) -> list[MatchedRow]:
        """The next lines by trade time. `before`: those refunded here that were settled before.

        Raises:
            NoSettlementPriceError: see there.

        """
        self._paid.update({name: one.paid for name, one in before.items() if one.paid})
        refunded = {row.refund_of for row in rows if row.refund_of is not None}
        self._refunded |= refunded
        prices = {name: one.price for name, one in before.items()}
        found: list[MatchedRow] = []
        for row in rows:
            one = self._take(row, prices)
            if row.line_id in refunded:
                prices[row.line_id] = one.price
            found.append(one)
        return found

    def _take(self, row: BillRow, before: Mapping[str, Price]) -> MatchedRow:
        price = self._price(row, before)
        amount = row.customer_amount
        if price.ratio != 1:
            amount = _EXACT.multiply(amount, price.ratio).quantize(CENT, context=_EXACT)
        if amount and price.settlement_type != ADJUSTMENT:
            matched = self._matching.take(_line(row, amount))
        else:
            matched = Matched(row.line_id, amount)
        return MatchedRow(row, self._account(row), price, amount, self._performance(row), matched)

    def _price(self, row: BillRow, before: Mapping[str, Price]) -> Price:
        """A refund gives back at the price that was paid."""
        if row.bill_type in ADJUSTMENTS:
            return WHOLE if row.association_type in RESALE_TYPES else NOTHING
        if row.association_type not in RESALE_TYPES:
            return NOTHING
        if row.refund_of is not None and row.refund_of in before:
            return before[row.refund_of]
        return self._rules.prices.find(
            row.service_type_code, row.product_id, row.customer_id, row.trade_time
        )

    def _account(self, row: BillRow) -> str:
        """Up to the second of the unlinking a detail is the member's, then its master's."""
        if row.payer_id is None or row.association_type in RESALE_TYPES:
            return row.customer_id
        left = self._rules.unlinked.get(row.customer_id)
        if left is None or row.trade_time.replace(microsecond=0) <= left.replace(microsecond=0):
            return row.customer_id
        return row.payer_id

    def _performance(self, row: BillRow) -> Decimal:
        if row.bill_type in ADJUSTMENTS or row.service_type_code in self._rules.no_performance:
            return ZERO
        return row.cash_amount


def _line(row: BillRow, amount: Decimal) -> Line:
    return Line(
        row.line_id, row.trade_time, row.customer_id, amount, row.service_type_code,
        row.product_id, row.region_code, row.charging_mode, row.refund_of,
        _CASES.get(row.refund_case) if row.refund_case else None,
    )  # fmt: skip


def paid_of(money: Decimal, parts: Iterable[tuple[str, Decimal]]) -> Paid | None:
    """What is left in a line of money and of vouchers' amounts."""
    left: dict[str, Decimal] = {}
    for voucher_id, amount in parts:
        left[voucher_id] = left.get(voucher_id, ZERO) + amount
    allocations = tuple(Allocation(name, amount) for name, amount in left.items() if amount)
    return Paid(money, allocations) if left else None
