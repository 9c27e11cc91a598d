"""What the native API shows of the ways to pay an order; amounts are texts of two decimals."""

from datetime import datetime

from wire.native import Money, NativeAnswer


class OptionCouponAnswer(NativeAnswer):
    """A coupon of an option, and what it would pay; `type` 1 cash, 4 flexi, 5 stored value card.

    Or 2 discount: `amount` is what it takes off the price.
    """

    coupon_id: str
    type: int
    currency: str
    amount: Money
    expire_at: datetime


class PaymentOptionAnswer(NativeAnswer):
    """One discount, or none, with the coupons that go with it.

    `amount_after_discount` is the price with a discount coupon, too. `balance_amount` is left for
    cash and credit; `covered` says whether they have it now.
    """

    discount_id: str | None
    coupons: list[OptionCouponAnswer]
    currency: str
    amount_after_discount: Money
    coupon_amount: Money
    flexipurchase_coupon_amount: Money
    stored_card_amount: Money
    balance_amount: Money
    covered: bool


class RefusedCouponAnswer(NativeAnswer):
    """A coupon that does not go with that discount, and why."""

    coupon_id: str
    discount_id: str | None
    code: str
    message: str


class PaymentOptionsAnswer(NativeAnswer):
    """The ways to pay an order now; `best` and `automatic` are places in `options`, from 0.

    `payer_id` is whose coupons and money these are; `has_more` says that there are more options.
    """

    order_id: str
    payer_id: str
    options: list[PaymentOptionAnswer]
    best: int
    automatic: int | None
    refused: list[RefusedCouponAnswer]
    has_more: bool
