"""Files of usage that were sent: how far each is charged, and which of its rows were refused."""

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.files.sent import SentColumns
from billing.models import Tables
from chassis.errors import NotFoundError

PIECES = "usage/"  # their ids begin with it
RUNNING, DONE = "running", "done"
VALID, ALL = "valid", "all"  # what of a file with wrong rows is kept: the others, or nothing


class UsageFileNotFoundError(NotFoundError):
    """There is no such file."""


class UsageFile(SentColumns, Tables):
    """A file that was sent, and how far it is charged; the administrator's own.

    `partner_id` is the sender's; "*" for the platform's administrator. `status`:
    receiving | queued | running | done | refused | failed.
    """

    __tablename__ = "usage_files"
    __table_args__ = (
        Index("usage_files_to_do", "file_id",
              postgresql_where=text("status IN ('queued', 'running')")),
    )  # fmt: skip

    file_id: Mapped[str] = mapped_column(primary_key=True)
    keep: Mapped[str]  # valid | all
    is_checked: Mapped[bool]  # all of its rows were found good
    rows_read: Mapped[int]  # which are behind us: a process that takes over goes on there
    rows_charged: Mapped[int]
    rows_known: Mapped[int]  # charged before, by their record ids
    rows_refused: Mapped[int]

    @property
    def pieces_id(self) -> str:
        """Of the pieces that were sent."""
        return f"{PIECES}{self.file_id}"


class UsageRefusal(Tables):
    """A row that was refused, and why."""

    __tablename__ = "usage_refusals"
    __table_args__ = (
        Index("refusals_of_cycle", "bill_cycle",
              postgresql_where=text("bill_cycle IS NOT NULL")),
    )  # fmt: skip

    file_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # of the rows, over all members, from 1
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    member: Mapped[str | None]
    line: Mapped[int]
    record_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    code: Mapped[str]
    reason: Mapped[str]
    # Of the month that it would have counted in; none: the row does not say when its use ended.
    bill_cycle: Mapped[str | None]
