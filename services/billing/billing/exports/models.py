"""Exports: a file of a cycle's lines that is asked for, made in portions, and fetched."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.files.vendor_columns import VendorColumn, settled_columns, vendor_columns
from billing.models import Tables
from chassis.errors import NotFoundError, RefusedError
from chassis.identity import Principal
from chassis.leased_work import FAILED as FAILED
from chassis.leased_work import LeasedColumns

QUEUED, RUNNING, READY = "queued", "running", "ready"
CANCELLED, EXPIRED = "cancelled", "expired"
CSV, XLSX, PARQUET, FOCUS = "csv", "xlsx", "parquet", "focus"
CUSTOMERS_PAY, PARTNER_OWES = "customers_pay", "partner_owes"


class ExportNotFoundError(NotFoundError):
    """There is no such export or part, or it is not the caller's."""


class ExportNotRunningError(RefusedError):
    """It has ended: there is nothing to stop."""

    code = "CHB.0409"


class PartsNotReadyError(RefusedError):
    """The export is not ready, or its files are kept no longer."""

    code = "CHB.0409"


class Export(LeasedColumns, Tables):
    """An export, as far as it is made; `portion` and `after` say where it goes on after a kill.

    `status`: queued | running | ready | failed | cancelled | expired.
    """

    __tablename__ = "exports"
    __table_args__ = (
        Index("exports_of_partner", "partner_id", "export_id"),
        Index("exports_to_make", "export_id",
              postgresql_where=text("status IN ('queued', 'running')")),
        Index("exports_to_expire", "expires_at", postgresql_where=text("status = 'ready'")),
    )  # fmt: skip

    export_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    site: Mapped[str]
    cycle: Mapped[str]  # YYYY-MM, Beijing
    format: Mapped[str]  # csv | xlsx | parquet | focus
    view: Mapped[str]  # customers_pay | partner_owes
    language: Mapped[str]  # of the headings: zh | en
    settlement_id: Mapped[str | None]  # of what the partner owes: the bill that was settled
    subscription_id: Mapped[str | None]  # asked for by a subscription
    known_at: Mapped[datetime]  # lines that were known later are not in it
    rows_total: Mapped[int | None]  # counted when it is begun
    rows_done: Mapped[int]
    portion: Mapped[int]  # the next one
    after: Mapped[str | None]  # the last line of the portions that are made
    is_whole: Mapped[bool]  # the last portion is made
    failure: Mapped[str | None]  # its code
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    @property
    def reader(self) -> Principal:
        """Who reads the lines: the partner, however much whoever asked may see beside."""
        return Principal(id=self.partner_id, kind="solution_provider", partner_id=self.partner_id)

    @property
    def columns(self) -> tuple[VendorColumn, ...]:
        """What its files hold, by its view."""
        return vendor_columns() if self.settlement_id is None else settled_columns()

    @property
    def is_under_way(self) -> bool:
        """Whether it is waiting or being made."""
        return self.status in (QUEUED, RUNNING)

    def cancel(self, now: datetime) -> None:
        """The caller wants it no more; cancelled again, nothing changes."""
        if self.status == CANCELLED:
            return
        if not self.is_under_way:
            raise ExportNotRunningError
        self.end(CANCELLED, now)


class ExportPart(Tables):
    """One file of an export. Its digest is known when it is whole."""

    __tablename__ = "export_parts"

    export_id: Mapped[str] = mapped_column(ForeignKey("exports.export_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    file_name: Mapped[str]
    media_type: Mapped[str]
    rows: Mapped[int]
    pieces: Mapped[int]
    bytes: Mapped[int]
    sha256: Mapped[str | None]

    @property
    def file_id(self) -> str:
        """Of its pieces."""
        return f"{self.export_id}/{self.number}"
