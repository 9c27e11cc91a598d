"""Requests of customers to their partner to pay an order (docs/domain/orders.md H.12)."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import NotFoundError, RefusedError
from order.models import Tables
from order.orders.models import PENDING, Order, OrderNotPayableError

# What became of a request. A row is never LAPSED: a request that nobody ended has lapsed as soon as
# its order does not wait for payment any more (decision 0087).
REQUESTED, PAID, REJECTED, WITHDRAWN = "requested", "paid", "rejected", "withdrawn"
LAPSED = "lapsed"


class RequestNotFoundError(NotFoundError):
    """There is no such request, or it is not the caller's."""


class RequestEndedError(RefusedError):
    """The request was paid, rejected or withdrawn; the order still waits for payment."""

    code = "CHB.0409"


class AlreadyRequestedError(RefusedError):
    """The partner was asked already and has not decided."""

    code = "CHB.0409"


class MayNotAskError(RefusedError):
    """A partner of this kind does not pay for a customer of this association."""

    code = "CBC.0155"


class PriceChangedError(OrderNotPayableError):
    """The order costs something else than what the partner was asked to pay."""


class PaymentRequest(Tables):
    """A customer asks its partner to pay an order; one open request per order."""

    __tablename__ = "payment_requests"
    __table_args__ = (
        Index("one_open_request_per_order", "order_id", unique=True,
              postgresql_where=text("status = 'requested'")),
        Index("requests_of_order", "order_id", "request_id"),
        Index("requests_of_partner", "partner_id", "request_id"),
        Index("requests_of_distributor", "distributor_id", "request_id",
              postgresql_where=text("distributor_id IS NOT NULL")),
        Index("requests_of_customer", "customer_id", "request_id"),
    )  # fmt: skip

    request_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    currency: Mapped[str]
    amount: Mapped[Decimal]  # what the partner is asked to pay
    status: Mapped[str]  # requested | paid | rejected | withdrawn
    requested_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]  # of the partner that rejected it

    def check_open(self, order: Order) -> None:
        """Refuse unless it waits for the partner's decision.

        Raises:
            OrderNotPayableError: the order does not wait for payment any more.
            RequestEndedError: it does, and the request was decided or withdrawn.

        """
        if order.status != PENDING:
            raise OrderNotPayableError(f"status {order.status}")
        if self.status != REQUESTED:
            raise RequestEndedError(f"the request is {self.status}")

    def end(self, status: str, now: datetime, reason: str | None = None) -> None:
        """Paid, rejected or withdrawn, once."""
        if self.status != REQUESTED:
            raise RequestEndedError(f"the request is {self.status}")
        self.status, self.ended_at, self.reason = status, now, reason
