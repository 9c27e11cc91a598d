"""What the native API shows of an order that is asked about; amounts are texts."""

from datetime import datetime

from wire.native import Money, NativeAnswer
from wire.types import DecimalText


class QuotedLineAnswer(NativeAnswer):
    """One product, for all its pieces and periods; of a resource that there is, its id."""

    resource_id: str | None
    product_id: str
    service_type_code: str
    resource_type_code: str
    resource_spec_code: str
    region_code: str
    charging_mode: int
    period_type: int | None
    period_num: int | None
    quantity: int
    measure_size: DecimalText | None
    currency: str
    official_amount: Money
    discount_amount: Money
    amount_after_discount: Money
    granted_discount_amount: Money


class QuotedDiscountAnswer(NativeAnswer):
    """A discount that the order is offered, and what it would cost with it."""

    discount_id: str
    discount_type: int
    discount_mode: int
    discount_value: str
    name: str
    currency: str
    amount_after_discount: Money
    pay_until: datetime | None


class RefusalAnswer(NativeAnswer):
    """Why the order would be refused; `field` where one is at fault."""

    code: str
    message: str
    field: str | None


class QuoteAnswer(NativeAnswer):
    """What the order would cost with the discount that it names; amounts are null without prices.

    With `gives_back` the amounts go back at once: a change that costs less. It is only placed where
    `refusals` is empty.
    """

    currency: str
    official_amount: Money | None
    discount_amount: Money | None
    amount_after_discount: Money | None
    pay_until: datetime | None
    gives_back: bool
    lines: list[QuotedLineAnswer]
    discounts: list[QuotedDiscountAnswer]
    refusals: list[RefusalAnswer]
