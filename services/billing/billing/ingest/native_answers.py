"""What the native API shows of files of usage."""

from datetime import datetime

from billing.files.sent import PART_BYTES
from billing.ingest.models import UsageFile, UsageRefusal
from wire.native import NativeAnswer


class RefusedUsageFile(NativeAnswer):
    """Where in the file it was refused, and why; line 1 are the headings."""

    member: str | None
    line: int | None
    reason: str


class UsageFileAnswer(NativeAnswer):
    """How far a file of usage is sent and charged."""

    file_id: str
    file_name: str
    bytes: int
    sha256: str
    keep: str  # valid, all
    part_bytes: int  # of each part but the last
    parts_total: int
    parts_received: list[int]
    status: str  # receiving, queued, running, done, refused, failed
    rows_read: int
    rows_charged: int
    rows_known: int
    rows_refused: int
    refused: RefusedUsageFile | None
    created_at: datetime
    ended_at: datetime | None


class UsageRefusalAnswer(NativeAnswer):
    """A row that was refused."""

    number: int
    member: str | None
    line: int
    record_id: str | None
    customer_id: str | None
    code: str
    reason: str


class UsageRefusalsAnswer(NativeAnswer):
    """A page of them; `next` goes into `after` for the next page, null on the last one."""

    refusals: list[UsageRefusalAnswer]
    next: str | None


def native_file(found: UsageFile) -> UsageFileAnswer:
    """The file as it is."""
    refused = None if found.refused is None else RefusedUsageFile(**found.refused)
    return UsageFileAnswer.of(found, part_bytes=PART_BYTES, refused=refused)


def native_refusal(found: UsageRefusal) -> UsageRefusalAnswer:
    """The refusal as it is kept."""
    return UsageRefusalAnswer.of(found)
