"""What the native API shows of a reconciliation and of its differences."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.files.sent import PART_BYTES
from billing.reconciliation.models import KINDS, Difference, Reconciliation
from wire.native import Exact, NativeAnswer


class SumsAnswer(NativeAnswer):
    """What one side comes to in one currency."""

    side: str  # theirs, ours
    currency: str
    rows: int
    official: Exact
    discount: Exact
    payable: Exact


class KindCount(NativeAnswer):
    """How many differences of a kind there are, whatever their state."""

    kind: str
    count: int


class RefusedFile(NativeAnswer):
    """Where in the file it was refused, and why; line 1 are the headings."""

    member: str | None
    line: int | None
    reason: str


class ReconciliationAnswer(NativeAnswer):
    """How far a vendor's bill is sent, read and compared."""

    reconciliation_id: str
    partner_id: str
    cycle: str
    file_name: str
    bytes: int
    sha256: str
    part_bytes: int  # of each part but the last
    parts_total: int
    parts_received: list[int]
    status: str  # receiving, queued, reading, comparing, compared, refused, failed
    rows_read: int
    sums: list[SumsAnswer]
    differences: list[KindCount]
    differences_open: int | None  # null until it is compared
    refused: RefusedFile | None
    created_at: datetime
    ended_at: datetime | None


class ReconciliationsAnswer(NativeAnswer):
    """A page; `next` goes into `after` for the next page, null on the last one."""

    reconciliations: list[ReconciliationAnswer]
    next: str | None


class OurRows(NativeAnswer):
    """Our line; where sums were compared, how many lines, and the first of them."""

    rows: int
    line_ids: list[str]
    bill_cycle: str | None
    bill_type: int | None
    trade_id: str | None
    trade_time: datetime | None
    product_id: str | None
    region_code: str | None
    resource_id: str | None
    payer_id: str | None
    late_for: str | None
    currency: str
    official: Exact
    discount: Exact
    payable: Exact


class ColumnAnswer(NativeAnswer):
    """A cell of the vendor's row, by the heading of its column or by what we call it."""

    name: str
    value: str


class TheirRows(NativeAnswer):
    """The vendor's row with all its columns; where sums were compared, how many rows."""

    rows: int
    member: str | None
    lines: list[int]
    trade_id: str | None
    trade_time: datetime | None
    product_id: str | None
    region_code: str | None
    currency: str
    official: Exact | None
    discount: Exact | None
    payable: Exact
    columns: list[ColumnAnswer]
    others: list[ColumnAnswer]  # that we do not know


class DifferenceAnswer(NativeAnswer):
    """A difference; `difference` is the vendor's payable less ours."""

    number: int
    kind: str
    customer_id: str
    currency: str
    difference: Exact
    reason: str | None  # late_line, truncation, price_row, custody_split, voucher
    ours: OurRows | None
    theirs: TheirRows | None
    state: str  # open, explained, accepted, disputed
    note: str | None
    decided_by: str | None
    decided_at: datetime | None


class DifferencesAnswer(NativeAnswer):
    """A page; `next` goes into `after` for the next page, null on the last one."""

    differences: list[DifferenceAnswer]
    next: str | None


def native_reconciliation(found: Reconciliation, still_open: int | None) -> ReconciliationAnswer:
    """The reconciliation as far as it is."""
    kinds = found.totals.get("kinds", {})
    refused = found.refused and RefusedFile.model_validate(found.refused)
    return ReconciliationAnswer.of(
        found,
        part_bytes=PART_BYTES,
        sums=[_sums(name, said) for name, said in found.totals.get("sums", {}).items()],
        differences=[KindCount(kind=one, count=kinds[one]) for one in KINDS if one in kinds],
        differences_open=still_open,
        refused=refused or None,
    )


def _sums(name: str, said: Mapping[str, Any]) -> SumsAnswer:
    side, _, currency = name.partition(".")
    return SumsAnswer(
        side=side, currency=currency, rows=int(said["rows"]), official=Decimal(said["official"]),
        discount=Decimal(said["discount"]), payable=Decimal(said["payment"]),
    )  # fmt: skip


def native_difference(one: Difference) -> DifferenceAnswer:
    """The difference with both its rows."""
    return DifferenceAnswer.of(one, ours=_ours(one.ours), theirs=_theirs(one.theirs))


def _ours(row: Mapping[str, Any] | None) -> OurRows | None:
    if row is None:
        return None
    return OurRows.model_validate({**dict.fromkeys(OurRows.model_fields), **row})


def _theirs(row: Mapping[str, Any] | None) -> TheirRows | None:
    if row is None:
        return None
    cells = {name: _cells(row[name]) for name in ("columns", "others")}
    return TheirRows.model_validate({**dict.fromkeys(TheirRows.model_fields), **row, **cells})


def _cells(said: Mapping[str, str]) -> list[ColumnAnswer]:
    return [ColumnAnswer(name=name, value=value) for name, value in said.items()]
