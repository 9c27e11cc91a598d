"""What the native API shows of an export."""

from collections.abc import Sequence
from datetime import datetime

from billing.exports.models import Export, ExportPart
from wire.native import NativeAnswer


class ExportPartAnswer(NativeAnswer):
    """One file; it is fetched from `GET /api/exports/{export_id}/parts/{number}`."""

    number: int
    file_name: str
    media_type: str
    rows: int
    bytes: int
    sha256: str


class ExportAnswer(NativeAnswer):
    """How far an export is; its files are listed once it is ready."""

    export_id: str
    partner_id: str
    cycle: str
    format: str  # csv, xlsx, parquet, focus
    view: str  # customers_pay, partner_owes
    language: str
    subscription_id: str | None
    status: str  # queued, running, ready, failed, cancelled, expired
    known_at: datetime
    rows_total: int | None  # null until it is begun
    rows_done: int
    percent: int
    failure: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    parts: list[ExportPartAnswer]


class ExportsAnswer(NativeAnswer):
    """A page of exports without their parts; `next` goes into `after`, null on the last page."""

    exports: list[ExportAnswer]
    next: str | None


def native_export(export: Export, parts: Sequence[ExportPart] = ()) -> ExportAnswer:
    """The export as far as it is."""
    shown = [ExportPartAnswer.of(part) for part in parts]
    return ExportAnswer.of(export, percent=_percent(export), parts=shown)


def _percent(export: Export) -> int:
    if not export.is_under_way:
        return 100
    if not export.rows_total:
        return 0
    return min(99, 100 * export.rows_done // export.rows_total)
