"""What the native API shows of a discount."""

from datetime import datetime

from billing.discounts.models import Discount
from wire.native import NativeAnswer
from wire.types import DecimalText


class DiscountStepAnswer(NativeAnswer):
    """Above so many units, up to the next step, ratio or price is this."""

    above: DecimalText
    value: DecimalText


class DiscountAnswer(NativeAnswer):
    """A discount; empty lists do not limit, but use on demand is lowered only by what names it.

    `discount_value` is the ratio that is payable (mode 0), a fixed price (1), a reduction (2) or
    the price of a unit (3). `customer_id` is the partner's where all its resale customers have it.
    """

    discount_id: str
    customer_id: str
    partner_id: str
    distributor_id: str | None
    name: str
    discount_type: int
    discount_mode: int
    discount_value: str
    currency: str
    service_type_codes: list[str]
    product_ids: list[str]
    order_types: list[int]
    region_codes: list[str]
    charging_modes: list[str]
    steps: list[DiscountStepAnswer]
    agreement_number: str | None
    effective_at: datetime
    expire_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


class DiscountsAnswer(NativeAnswer):
    """A page of discounts; `next` goes into `after` for the next page, null on the last one."""

    discounts: list[DiscountAnswer]
    next: str | None


def native_discount(discount: Discount) -> DiscountAnswer:
    """The discount as it is."""
    steps = [DiscountStepAnswer(**step) for step in discount.steps]
    return DiscountAnswer.of(discount, discount_value=discount.value_text, steps=steps)
