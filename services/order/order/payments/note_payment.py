"""What each means of payment pays of each line of an order (docs/domain/orders.md H.3)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from chassis.errors import OutsideError
from order.orders.discounts import LinePrice
from order.orders.models import Order
from order.peers import CouponShare, HeldMoney
from wire.money import share
from wire.vocabulary import CouponType

CASH_COUPON, FLEXI_COUPON = CouponType.CASH, CouponType.FLEXI
DISCOUNT_COUPON, STORED_CARD = CouponType.DISCOUNT, CouponType.STORED_CARD
PAYING = (DISCOUNT_COUPON, CASH_COUPON, FLEXI_COUPON, STORED_CARD)
ZERO = Decimal("0.00")


def check_coupon_parts(prices: Sequence[LinePrice], coupons: Sequence[CouponShare]) -> None:
    """Refuse a reservation that pays a line twice over, or one of another order.

    Raises:
        OutsideError: voucher's answer cannot be right.

    """
    owed = {price.line.line_id: price.amount_after_discount for price in prices}
    for coupon in coupons:
        for line_id, amount in coupon.lines:
            owed[line_id] = owed.get(line_id, ZERO) - amount
    if any(left < 0 for left in owed.values()):
        raise OutsideError("the coupons pay more than the order")


def note_payment(order: Order, coupons: Sequence[CouponShare], money: HeldMoney) -> None:
    """Note the parts on the lines, and on the order what coupons paid in all.

    A discount coupon lowers the price of its lines. The others pay as they were reserved; cash,
    then credit, is shared over the lines in proportion to what each still owes.

    Raises:
        ValueError: the parts are not the order's amount; nothing of it may be committed.

    """
    taken_off = _parts(coupons, DISCOUNT_COUPON)
    for line in order.lines:
        line.coupon_discount_amount = taken_off[line.line_id]
        line.discount_amount += taken_off[line.line_id]
        line.amount_after_discount -= taken_off[line.line_id]
    order.sum_discounts()
    cash_coupons, flexi_coupons = _parts(coupons, CASH_COUPON), _parts(coupons, FLEXI_COUPON)
    cards = _parts(coupons, STORED_CARD)
    for line in order.lines:
        line.coupon_amount = cash_coupons[line.line_id]
        line.flexipurchase_coupon_amount = flexi_coupons[line.line_id]
        line.stored_card_amount = cards[line.line_id]
    order.coupon_amount = sum(cash_coupons.values(), ZERO)
    order.flexipurchase_coupon_amount = sum(flexi_coupons.values(), ZERO)
    order.stored_card_amount = sum(cards.values(), ZERO)
    owed = [
        line.amount_after_discount
        - line.coupon_amount
        - line.flexipurchase_coupon_amount
        - line.stored_card_amount
        for line in order.lines
    ]
    if money.cash_amount + money.credit_amount != sum(owed, ZERO):
        raise ValueError(f"{order.order_id}: what is held is not what the order costs")
    by_cash = share(money.cash_amount, owed)
    by_credit = share(money.credit_amount, [a - b for a, b in zip(owed, by_cash, strict=True)])
    for line, cash, credit in zip(order.lines, by_cash, by_credit, strict=True):
        line.cash_amount, line.credit_amount = cash, credit


def _parts(coupons: Sequence[CouponShare], coupon_type: int) -> Mapping[str, Decimal]:
    """What the coupons of a type pay, by line."""
    parts: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for coupon in coupons:
        if coupon.coupon_type == coupon_type:
            for line_id, amount in coupon.lines:
                parts[line_id] += amount
    return parts
