"""Associations to be made, applications to end or switch them, and the copy of what blocks."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.customers.models import StateConflictError
from customer_sync.models import Tables

UNLINK, SWITCH = "unlink", "switch"
BY_PARTNER, BY_CUSTOMER = "partner", "customer"
OPEN, AGREED, REFUSED, WITHDRAWN = "open", "agreed", "refused", "withdrawn"


# Orders that wait for review, payment or confirmation (docs/domain/orders.md B.5); words, not
# values, so that a query says what the index says.
WAITING = text("status IN (1, 6, 9)")


class AssociationApplication(Tables):
    """One side asks to unlink or to switch, the other one answers.

    While it is open the customer is unlink pending or switch pending (docs/domain/customers.md B.2)
    and as associated as before: it orders, pays and is billed on.
    """

    __tablename__ = "association_applications"
    __table_args__ = (
        Index("association_applications_open", "customer_id", unique=True,
              postgresql_where=text("status = 'open'")),
        Index("association_applications_of_partner", "partner_id", "id"),
        Index("association_applications_of_customer", "customer_id", "applied_at"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    kind: Mapped[str]  # unlink | switch
    association_type: Mapped[str | None]  # the one to switch to
    applied_by: Mapped[str]  # partner | customer
    status: Mapped[str]  # open | agreed | refused | withdrawn
    applied_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    version: Mapped[int]

    def decide(self, status: str, now: datetime) -> None:
        """Answered or withdrawn; refused when it is no longer open."""
        if self.status != OPEN:
            raise StateConflictError(f"the application is {self.status}")
        self.status, self.decided_at = status, now

    def count_fact(self) -> None:
        """One more fact about it is stated; the event carries the number."""
        self.version = (self.version or 0) + 1


class PlacedOrder(Tables):
    """Copy: an order, and whether it still waits to be paid or cancelled."""

    __tablename__ = "placed_orders"
    __table_args__ = (
        Index("placed_orders_waiting", "customer_id",
              postgresql_where=WAITING),
        Index("placed_orders_asked", "paying_agent_id",
              postgresql_where=WAITING),
    )  # fmt: skip

    order_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    paying_agent_id: Mapped[str | None]  # the enterprise master that its member asked to pay it
    payment_request_id: Mapped[str | None]  # by which the partner is asked to pay it
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    source_type: Mapped[int]
    status: Mapped[int]  # docs/domain/orders.md B.5
    version: Mapped[int]
