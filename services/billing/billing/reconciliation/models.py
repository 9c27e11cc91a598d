"""The vendor's bill beside ours: what was sent, its rows, and where the two differ."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.files.sent import SentColumns
from billing.models import Tables
from chassis.errors import NotFoundError

PIECES = "vendor-bill/"  # their ids begin with it
READING, COMPARING, COMPARED = "reading", "comparing", "compared"
OPEN, EXPLAINED, ACCEPTED, DISPUTED = "open", "explained", "accepted", "disputed"
KINDS = (
    "missing_here", "missing_there", "amount", "list_price", "discount", "cycle_moved",
    "duplicate", "currency", "customer_unknown",
)  # fmt: skip
Exact = Numeric(38, 10)


class ReconciliationNotFoundError(NotFoundError):
    """There is no such reconciliation or difference, or it is not the caller's."""


class Reconciliation(SentColumns, Tables):
    """A vendor's bill that was sent, and how far it is read and compared.

    `status`: receiving | queued | reading | comparing | compared | refused | failed.
    """

    __tablename__ = "reconciliations"
    __table_args__ = (
        Index("reconciliations_of_partner", "partner_id", "reconciliation_id"),
        Index("reconciliations_to_do", "reconciliation_id",
              postgresql_where=text("status IN ('queued', 'reading', 'comparing')")),
    )  # fmt: skip

    reconciliation_id: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str]  # of the partner: rows of another one are differences
    cycle: Mapped[str]  # YYYY-MM, Beijing
    rows_read: Mapped[int]
    totals: Mapped[dict[str, Any]]  # counts and sums of both sides, once it is compared

    @property
    def pieces_id(self) -> str:
        """Of the pieces that were sent."""
        return f"{PIECES}{self.reconciliation_id}"


class VendorRow(Tables):
    """A row of a vendor's bill: what is compared, and all its columns as they came."""

    __tablename__ = "vendor_rows"

    reconciliation_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # over all files of the archive, from 1
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    member: Mapped[str]
    line: Mapped[int]
    # What a file does not say is empty: rows are found by equal values.
    customer_id: Mapped[str]
    trade_id: Mapped[str]
    product_id: Mapped[str]
    trade_time: Mapped[datetime | None]
    region_code: Mapped[str]
    charging_mode: Mapped[str]  # as the vendor's file codes it
    currency: Mapped[str]
    official: Mapped[Decimal | None] = mapped_column(Exact)
    discount: Mapped[Decimal | None] = mapped_column(Exact)
    payment: Mapped[Decimal] = mapped_column(Exact)
    columns: Mapped[dict[str, Any]]  # by field, as texts
    others: Mapped[dict[str, Any]]  # by heading: columns that we do not know


class Difference(Tables):
    """Where the two bills differ, each row beside the other."""

    __tablename__ = "reconciliation_differences"
    __table_args__ = (
        Index("differences_by_state", "reconciliation_id", "state", "number"),
    )  # fmt: skip

    reconciliation_id: Mapped[str] = mapped_column(
        ForeignKey("reconciliations.reconciliation_id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    kind: Mapped[str]  # one of KINDS
    customer_id: Mapped[str]
    currency: Mapped[str]
    difference: Mapped[Decimal] = mapped_column(Exact)  # theirs less ours, of what is payable
    # One of "late_line", "truncation", "price_row", "custody_split", "voucher", where it is known.
    reason: Mapped[str | None]
    ours: Mapped[dict[str, Any] | None]
    theirs: Mapped[dict[str, Any] | None]
    state: Mapped[str]  # open | explained | accepted | disputed
    note: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]

    def decide(self, state: str, note: str | None, by: str, now: datetime) -> None:
        """Somebody has looked at it."""
        self.state, self.note, self.decided_by, self.decided_at = state, note, by, now
