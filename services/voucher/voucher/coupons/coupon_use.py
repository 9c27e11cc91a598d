"""May this coupon pay for these lines, and how much?.

See docs/domain/coupons.md B.7, docs/domain/worked-examples.md F.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chassis.errors import RefusedError
from voucher.coupons.models import CouponNotUsableError
from voucher.quotas.limits import QuotaLimits

PROMOTION, CONTRACT, EMPOWER = 0, 2, 3  # discount types as pay_orders speaks them
NO_DISCOUNT = Decimal(1)
RATIO_PLACES = 4  # as order tells it when it pays


class DiscountConflictError(RefusedError):
    """The coupon does not go with this kind of discount."""

    code = "CBC.99003116"


class DiscountTooLowError(RefusedError):
    """Every line of the order is discounted below the coupon's minimum."""

    code = "CBC.99003117"


@dataclass(slots=True)
class PayLine:
    """One line of an order: `amount` is payable after discount, and what is left of it to pay.

    `discount_ratio` is the price paid as a share of the official one: 0.85 is 15 % off.
    """

    product_id: str
    service_type_code: str
    amount: Decimal
    discount_ratio: Decimal = NO_DISCOUNT
    discount_type: int = CONTRACT


def refuse_unless_fits(coupon_id: str, rules: QuotaLimits, lines: Sequence[PayLine]) -> None:
    """Check a coupon's limits against an order.

    Raises:
        CouponNotUsableError: it covers no line.
        DiscountConflictError: a discount on the order that it may not be used with.
        DiscountTooLowError: all lines are below its minimum; one at or above it is enough.

    """
    if not any(rules.covers(line.service_type_code, line.product_id) for line in lines):
        raise CouponNotUsableError(coupon_id)
    allowed = {
        PROMOTION: rules.simultaneous_use_with_promotion_discount,
        CONTRACT: rules.simultaneous_use_with_contract_discount,
        EMPOWER: rules.simultaneous_use_with_empower_discount,
    }
    kinds = {line.discount_type for line in lines if line.discount_ratio < NO_DISCOUNT}
    if not all(allowed.get(kind, True) for kind in kinds):
        raise DiscountConflictError(coupon_id)
    least = rules.min_consume_discount
    if least is not None and all(line.discount_ratio < least for line in lines):
        raise DiscountTooLowError(coupon_id)


def pay_lines(rules: QuotaLimits, balance: Decimal, lines: Sequence[PayLine]) -> Decimal:
    """How much of the balance pays for the covered lines; their amounts shrink by it."""
    left = balance
    for line in lines:
        if rules.covers(line.service_type_code, line.product_id):
            part = min(left, line.amount)
            line.amount -= part
            left -= part
    return balance - left
