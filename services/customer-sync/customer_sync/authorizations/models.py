"""Grants of customers to their partners."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.customers.models import StateConflictError
from customer_sync.models import Tables

REQUESTED, ACTIVE, REFUSED, TERMINATED = "requested", "active", "refused", "terminated"


class Authorization(Tables):
    """A customer's grant to its partner to act on its behalf.

    See docs/domain/acting-on-behalf.md F6.
    """

    __tablename__ = "authorizations"
    __table_args__ = (
        Index("authorizations_open", "customer_id", unique=True,
              postgresql_where=text("status IN ('requested', 'active')")),
        Index("authorizations_of_partner", "partner_id", "id"),
        Index("authorizations_of_customer", "customer_id", "id"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    status: Mapped[str]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int]

    def grant(self, now: datetime) -> None:
        """Effective from now on, with no fixed end."""
        self._decide(ACTIVE, now)

    def refuse(self, now: datetime) -> None:
        """The customer declines."""
        self._decide(REFUSED, now)

    def terminate(self, now: datetime) -> None:
        """An active grant ends, or, when the association ends, a request nobody answered."""
        if self.status not in (REQUESTED, ACTIVE):
            raise StateConflictError(f"the authorization is {self.status}")
        self.status, self.ended_at = TERMINATED, now

    def _decide(self, status: str, now: datetime) -> None:
        if self.status != REQUESTED:
            raise StateConflictError(f"the authorization is {self.status}")
        self.status, self.decided_at = status, now

    def count_fact(self) -> None:
        """One more fact about it is stated; the event carries the number."""
        self.version = (self.version or 0) + 1
