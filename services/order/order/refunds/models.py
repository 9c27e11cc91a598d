"""What was given back of which period, and where it went."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import RefusedError
from order.models import Tables


class ResourceUnknownError(RefusedError):
    """No such period resource of the caller: the same whether or not it exists."""

    code = "CBC.99003012"


class ResourceClosedError(RefusedError):
    """The resource is closed, or its time has run out."""

    code = "CBC.30000067"


class ResourceFrozenError(RefusedError):
    """A frozen resource is not given back."""

    code = "CBC.99003656"


class AccountFrozenError(RefusedError):
    """The customer is frozen."""

    code = "CBC.30000052"


class ResourcePendingError(RefusedError):
    """An order that waits for payment or review names the resource."""

    code = "CBC.99003100"


class ResourceBusyError(RefusedError):
    """A paid order that names the resource is being carried out."""

    code = "CBC.99003651"


class NotWithoutMainError(RefusedError):
    """An attached resource is given back with its main one."""

    code = "CBC.99003185"


class NothingRenewedError(RefusedError):
    """There is no renewed period that has not begun."""

    code = "CBC.99003128"


class Refund(Tables):
    """What goes back of one period: all that is left of it, or what a change costs less."""

    __tablename__ = "refunds"
    __table_args__ = (
        Index("refunds_of_order", "order_id", "number"),
        # A period goes back once; before that changes may have given parts of it back.
        Index("refunds_whole", "period_id", unique=True,
              postgresql_where=text("rule <> 'changed'")),
        Index("refunds_by_changes", "period_id", postgresql_where=text("rule = 'changed'")),
        # To count the unsubscriptions within five days of a calendar year.
        Index("refunds_counted", "customer_id", "at", postgresql_where=text("counts")),
    )  # fmt: skip

    refund_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))  # the unsubscription
    line_id: Mapped[str]
    number: Mapped[int]  # within the order, from 1
    resource_id: Mapped[str]
    period_id: Mapped[str]
    base_order_id: Mapped[str]  # that paid the period
    base_line_id: Mapped[str]
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    payer_id: Mapped[str | None]  # whose money it was; none: the customer's
    at: Mapped[datetime]
    rule: Mapped[str]  # as refund_rules.Rule
    counts: Mapped[bool]  # among the ten of a year: a main resource by the five-day rule
    paid_amount: Mapped[Decimal]  # without cash coupons
    consumed_amount: Mapped[Decimal]
    commission_amount: Mapped[Decimal]  # the fee
    coupon_amount: Mapped[Decimal]  # and all below: what goes back
    flexipurchase_coupon_amount: Mapped[Decimal]
    stored_card_amount: Mapped[Decimal]
    cash_amount: Mapped[Decimal]
    credit_amount: Mapped[Decimal]
    coupons: Mapped[list[Any]]  # coupon_id, coupon_type, amount that goes back

    @property
    def amount(self) -> Decimal:
        """All that goes back."""
        return (
            self.coupon_amount
            + self.flexipurchase_coupon_amount
            + self.stored_card_amount
            + self.cash_amount
            + self.credit_amount
        )
