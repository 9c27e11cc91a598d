"""The vendor's sets of codes, and what of our own goes with them."""

from enum import IntEnum, StrEnum

CURRENCY_OF_SITE = {"china": "CNY", "international": "USD"}
"""Every amount of a site is in its currency (docs/domain/money-and-time.md E)."""

YUAN = 1
"""measure_id of an amount: the unit of the currency (docs/domain/money-and-time.md E)."""


class AssociationType(StrEnum):
    """How a customer belongs to its partner (docs/domain/customers.md B.2)."""

    REFERRAL = "1"
    RESALE = "2"
    RESALE_ABROAD = "3"  # on the international site


RESALE_TYPES = frozenset({AssociationType.RESALE, AssociationType.RESALE_ABROAD})
"""Of customers that the partner sells to: it orders and pays in their place."""


class AssociationStatus(StrEnum):
    """Whether it does, in our own words."""

    PENDING = "pending"
    ASSOCIATED = "associated"
    UNLINKED = "unlinked"


class OrderStatus(IntEnum):
    """See docs/domain/orders.md B.5."""

    REVIEW = 1
    REFUND = 2
    PROCESSING = 3
    CANCELLED = 4
    COMPLETED = 5
    PENDING = 6  # payment
    CONFIRM = 9


class OrderType(IntEnum):
    """See docs/domain/orders.md B.5."""

    PURCHASE = 1
    RENEWAL = 2
    CHANGE = 3
    UNSUBSCRIPTION = 4
    TO_ON_DEMAND = 10
    TO_PERIOD = 11


class ChargingMode(IntEnum):
    """See docs/domain/bills.md B.8."""

    PERIOD = 1
    ON_DEMAND = 3
    RESERVED_INSTANCE = 10
    SAVINGS_PLAN = 11


class PeriodType(IntEnum):
    """Of an ordered period; bills count otherwise (docs/domain/bills.md B.8)."""

    DAY = 0
    WEEK = 1
    MONTH = 2
    YEAR = 3
    HOUR = 4
    ONE_TIME = 5


class CouponType(IntEnum):
    """As lists and events say it (docs/domain/coupons.md B.7)."""

    CASH = 1
    DISCOUNT = 2
    PRODUCT = 3
    FLEXI = 4
    STORED_CARD = 5  # ours, in events and natively: no list of the vendor has it


class PaymentCouponType(IntEnum):
    """As pay_orders says it (docs/domain/coupons.md B.7)."""

    DISCOUNT = 300
    CASH = 301
    FLEXI = 302
    STORED_CARD = 303


class QuotaType(IntEnum):
    """Which coupons come from a quota (docs/domain/coupons.md B.7)."""

    CASH = 0
    FLEXI = 1
