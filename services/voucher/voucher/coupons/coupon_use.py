"""How much of which line a coupon pays; whether it may: `coupons.payment_rules`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from voucher.coupons.models import Coupon
from voucher.quotas.limits import QuotaLimits
from wire.money import ACCOUNT_PLACES, cut
from wire.vocabulary import ChargingMode, OrderType, PeriodType

# Discount types as pay_orders speaks them (docs/domain/orders.md H.1).
PROMOTION, CONTRACT, COMMERCIAL, EMPOWER = 0, 1, 2, 3
NO_DISCOUNT = Decimal(1)
# What an order does, as limits of coupons say it (docs/domain/coupons.md B.7, decision 0161).
SUBSCRIBE_TYPES: dict[int | None, str] = {
    OrderType.PURCHASE: "new",
    OrderType.TO_PERIOD: "new",
    OrderType.RENEWAL: "renew",
    OrderType.CHANGE: "change",
}
ANY_PERIOD, BY_YEAR, BY_MONTH, BY_USE, GENERAL, ONE_TIME, RESERVED = 0, 1, 2, 5, 6, 7, 8
SCENES_OF_PERIODS: dict[int | None, tuple[int, ...]] = {
    PeriodType.YEAR: (BY_YEAR,),
    PeriodType.MONTH: (BY_MONTH,),
}
SCENES_OF_MODES: dict[int | None, int] = {
    ChargingMode.ON_DEMAND: BY_USE,
    ChargingMode.RESERVED_INSTANCE: RESERVED,
}


@dataclass(slots=True)
class PayLine:
    """One line of an order: `amount` is payable after discount, and what is left of it to pay.

    `discount_type` is that of the discount which the payment uses, where it covers the line, and
    `discount_ratio` what it leaves of the line's own price: 0.85 is 15 % off. The catalogue's own
    reduction is no such discount (docs/domain/orders.md H.1).
    """

    line_id: str
    product_id: str
    service_type_code: str
    amount: Decimal
    region_code: str | None = None
    order_type: int | None = None
    charging_mode: int | None = None
    period_type: int | None = None
    is_first: bool = False  # the payer's first order of the service, where a coupon asks
    discount_ratio: Decimal = NO_DISCOUNT
    discount_type: int | None = None
    payable: Decimal = field(init=False)  # before any coupon pays

    def __post_init__(self) -> None:
        """Nothing has paid yet."""
        self.payable = self.amount

    @property
    def subscribe_type(self) -> str | None:
        """The vendor's word for what the order does; None: it was not told, or has none."""
        return SUBSCRIBE_TYPES.get(self.order_type)

    @property
    def charge_scenes(self) -> set[int]:
        """All that it is; none where it was not told how it is charged."""
        if self.charging_mode == ChargingMode.PERIOD:
            if self.period_type == PeriodType.ONE_TIME:
                return {GENERAL, ONE_TIME}
            return {GENERAL, ANY_PERIOD, *SCENES_OF_PERIODS.get(self.period_type, ())}
        scene = SCENES_OF_MODES.get(self.charging_mode)
        return set() if scene is None else {GENERAL, scene}

    def is_what_is_covered(self, rules: QuotaLimits) -> bool:
        """Whether a coupon with these limits may pay for such a thing: service, product, region."""
        return rules.covers(self.service_type_code, self.product_id, self.region_code)

    def is_bought_as_covered(self, rules: QuotaLimits) -> bool:
        """Whether the order is of a purchase type that these limits name."""
        return not rules.subscribe_types or self.subscribe_type in rules.subscribe_types

    def is_charged_as_covered(self, rules: QuotaLimits) -> bool:
        """Whether it is charged in a way that these limits name."""
        return not rules.charge_scenes or bool(self.charge_scenes & set(rules.charge_scenes))

    def is_first_as_covered(self, rules: QuotaLimits) -> bool:
        """Whether it is the first order of its service, where these limits ask."""
        return self.is_first or not rules.first_order_in_service

    def is_covered_by(self, rules: QuotaLimits) -> bool:
        """Whether a coupon with these limits may pay for it."""
        return (
            self.is_what_is_covered(rules)
            and self.is_bought_as_covered(rules)
            and self.is_charged_as_covered(rules)
            and self.is_first_as_covered(rules)
        )


@dataclass(frozen=True, slots=True)
class LinePart:
    """What a coupon pays of one line."""

    line_id: str
    amount: Decimal


def use_coupon(coupon: Coupon, lines: Sequence[PayLine]) -> list[LinePart]:
    """What the coupon pays of each line it covers, or takes off it; they shrink by it."""
    if coupon.discount_ratio is None:
        return pay_lines(coupon.rules, coupon.balance, lines)
    return reduce_lines(coupon.rules, coupon.discount_ratio, lines)


def reduce_lines(rules: QuotaLimits, ratio: Decimal, lines: Sequence[PayLine]) -> list[LinePart]:
    """What a discount coupon takes off each covered line: so much of it is payable, cut."""
    parts = []
    for line in lines:
        if not line.is_covered_by(rules):
            continue
        part = line.amount - cut(line.amount * ratio, ACCOUNT_PLACES)
        if part:
            line.amount -= part
            line.payable = line.amount
            parts.append(LinePart(line.line_id, part))
    return parts


def pay_lines(rules: QuotaLimits, balance: Decimal, lines: Sequence[PayLine]) -> list[LinePart]:
    """What the balance pays of each covered line, in their order; their amounts shrink by it.

    Where it may pay a share of the order only, that is of what is payable before any coupon.
    """
    parts = []
    left = balance
    if rules.max_deduction_ratio is not None:
        payable = sum((line.payable for line in lines), Decimal(0))
        left = min(balance, cut(payable * rules.max_deduction_ratio, ACCOUNT_PLACES))
    for line in lines:
        if not line.is_covered_by(rules):
            continue
        part = min(left, line.amount)
        if part:
            line.amount -= part
            left -= part
            parts.append(LinePart(line.line_id, part))
    return parts
