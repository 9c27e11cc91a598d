"""Applications for real-name authentication, and tickets to the page that shows a face."""

from datetime import datetime

from sqlalchemy import ARRAY, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.customers.models import StateConflictError
from customer_sync.models import Tables

REVIEWING, REFUSED_REVIEW, PASSED = 0, 1, 2  # review_result


class FaceTicket(Tables):
    """Good for one visit; only its hash is kept."""

    __tablename__ = "face_tickets"
    __table_args__ = (Index("face_tickets_of_customer", "customer_id"),)

    ticket_hash: Mapped[bytes] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    expires_at: Mapped[datetime]


class RealnameApplication(Tables):
    """A customer's newest application for real-name authentication (docs/domain/customers.md B.2).

    The document's number is not kept: the reviewer reads it in the files.
    """

    __tablename__ = "realname_applications"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    status: Mapped[int]
    customer_type: Mapped[int]
    name: Mapped[str]
    is_change: Mapped[bool]  # a verified person becomes an enterprise
    files: Mapped[list[str]] = mapped_column(ARRAY(Text))  # below the download folder, in order
    opinion: Mapped[str | None]
    applied_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    def decide(self, *, approved: bool, opinion: str | None, now: datetime) -> None:
        """The review ends; refused when it has ended before."""
        if self.status != REVIEWING:
            raise StateConflictError("the application is decided")
        self.status = PASSED if approved else REFUSED_REVIEW
        self.opinion, self.decided_at = None if approved else opinion, now

    def says_the_same(self, other: "RealnameApplication") -> bool:
        """Whether both ask for the same."""
        same = ("customer_type", "name", "is_change", "files")
        return all(getattr(self, name) == getattr(other, name) for name in same)
