"""Applications of partners for test coupons."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import RefusedError
from voucher.models import Tables

PENDING, APPROVED, ISSUED = "pending", "approved", "issued"
REJECTED, WITHDRAWN = "rejected", "withdrawn"


class ApplicationDecidedError(RefusedError):
    """The application is decided or withdrawn already."""

    code = "CHB.0409"


class Application(Tables):
    """A partner asks for a coupon to build and test a solution with (docs/domain/coupons.md F9).

    Approved, its coupon is issued at once; only older ones are approved and have none.
    """

    __tablename__ = "applications"
    __table_args__ = (
        CheckConstraint(
            "(status IN ('approved', 'issued')) = (approved_amount IS NOT NULL)",
            "approved_amounts",
        ),
        CheckConstraint("(status = 'issued') = (coupon_id IS NOT NULL)", "issued_coupons"),
        CheckConstraint("approved_amount <= amount", "at_most_what_was_asked"),
        Index("applications_of", "partner_id", "id"),
        Index("applications_of_solution", "solution_id"),
        Index(
            "applications_open", "partner_id", unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    solution_id: Mapped[str]
    status: Mapped[str] = mapped_column(default=PENDING)
    currency: Mapped[str]
    amount: Mapped[Decimal]
    approved_amount: Mapped[Decimal | None]
    coupon_id: Mapped[str | None]  # once it is issued
    resource_list_url: Mapped[str]
    remark: Mapped[str | None]
    reason: Mapped[str | None]  # of the decision
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    version: Mapped[int]

    def refuse_unless_open(self) -> None:
        """Raise ApplicationDecidedError when it is decided or withdrawn."""
        if self.status != PENDING:
            raise ApplicationDecidedError(f"the application is {self.status}")

    def end(self, status: str, now: datetime) -> None:
        """Leave the pending state, once; raises as `refuse_unless_open`."""
        self.refuse_unless_open()
        self.status, self.decided_at = status, now
        self.version += 1

    def approve(self, amount: Decimal, coupon_id: str, now: datetime) -> None:
        """Leave it with the coupon that was issued for it; raises as `refuse_unless_open`."""
        self.end(ISSUED, now)
        self.approved_amount, self.coupon_id = amount, coupon_id
