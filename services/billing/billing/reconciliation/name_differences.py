"""Say of each row that has no equal what it is: which row of ours it belongs to, and why.

Pure: rows in, differences out; the same rows give the same differences in the same order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

CENT = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Theirs:
    """A row of the vendor's file; `copies`: how many of our lines say just the same."""

    number: int
    member: str
    line: int
    customer_id: str
    trade_id: str
    product_id: str
    trade_time: datetime | None
    region_code: str
    charging_mode: str
    currency: str
    official: Decimal | None
    discount: Decimal | None
    payment: Decimal
    columns: Mapping[str, str]
    others: Mapping[str, str]
    copies: int
    nth: int  # of equal rows that are too many, from 1


@dataclass(frozen=True, slots=True)
class Ours:
    """A line; `copies`: how many of the vendor's rows say just the same."""

    line_id: str
    customer_id: str
    payer_id: str | None
    bill_cycle: str
    bill_type: int
    charging_mode: int
    trade_id: str
    trade_time: datetime  # to the second
    product_id: str
    region_code: str
    resource_id: str | None
    currency: str
    official: Decimal
    discount: Decimal
    erased: Decimal
    payment: Decimal
    coupon: Decimal
    flexi: Decimal
    known_at: datetime
    late_for: str | None
    copies: int

    @property
    def file_mode(self) -> str:
        """Its charging mode as the vendor's file codes it."""
        return {1: "0", 3: "1"}.get(self.charging_mode, "")


@dataclass(frozen=True, slots=True)
class Found:
    """A difference: rows of either side, or both; more than one where sums were compared."""

    kind: str
    theirs: tuple[Theirs, ...]
    ours: tuple[Ours, ...]
    reason: str | None = None

    @property
    def difference(self) -> Decimal:
        """What the vendor asks for more than we do."""
        return sum((t.payment for t in self.theirs), ZERO) - sum(
            (o.payment for o in self.ours), ZERO
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the rows that are left over."""

    compared: frozenset[str]  # what the file says at all
    is_customer: Callable[[str], bool]
    elsewhere: Mapping[tuple[str, str, str], Sequence[Ours]]  # lines of other cycles


def name_differences(
    theirs: Sequence[Theirs], ours: Sequence[Ours], known: Known, cycle: str
) -> list[Found]:
    """Every difference once, each row in at most one of them."""
    found: list[Found] = []
    theirs, ours = _pair_charges(theirs, ours, known, found)
    theirs, ours = _pair_sums(theirs, ours, found)
    paid_by_others = _custody(theirs, ours)
    moved = {key: list(lines) for key, lines in known.elsewhere.items()}
    for row in theirs:
        found.append(_single(row, known, moved, paid_by_others, cycle))
    for line in ours:
        kind = "duplicate" if line.copies else "missing_there"
        custody = (line.trade_id, line.product_id) in paid_by_others
        reason = "custody_split" if custody else "late_line" if line.late_for else None
        found.append(Found(kind, (), (line,), reason))
    return found


def _pair_charges(
    theirs: Sequence[Theirs], ours: Sequence[Ours], known: Known, found: list[Found]
) -> tuple[list[Theirs], list[Ours]]:
    """The same charge with other amounts; of several by the order of their amounts."""
    names = [n for n in ("product_id", "trade_time") if n in known.compared]

    def key_of(row: Theirs | Ours) -> tuple[Any, ...]:
        return (row.customer_id, row.trade_id, *(getattr(row, name) for name in names))

    waiting: defaultdict[tuple[Any, ...], list[Ours]] = defaultdict(list)
    for line in sorted(ours, key=lambda one: (one.payment, one.official), reverse=True):
        waiting[key_of(line)].append(line)
    left = []
    for row in sorted(theirs, key=lambda one: (one.payment, one.official or ZERO)):
        lines = waiting.get(key_of(row)) if row.trade_id else None
        if lines:
            line = lines.pop()
            kind = _kind(row, line, known)
            found.append(Found(kind, (row,), (line,), _reason(kind, row, line)))
        else:
            left.append(row)
    found.sort(key=lambda one: one.theirs[0].number)
    left.sort(key=lambda one: one.number)
    kept = {line.line_id for lines in waiting.values() for line in lines}
    return left, [line for line in ours if line.line_id in kept]


def _kind(row: Theirs, line: Ours, known: Known) -> str:
    if row.currency != line.currency:
        return "currency"
    if "official" in known.compared and row.official != line.official:
        return "list_price"
    if "discount" in known.compared and row.discount != line.discount:
        return "discount"
    return "amount"


def _reason(kind: str, row: Theirs, line: Ours) -> str | None:
    if kind == "list_price":
        return "price_row"
    if kind != "amount":
        return None
    more = row.payment - line.payment
    if (line.erased and more == line.erased) or 0 < abs(more) < CENT:
        return "truncation"
    if more and -more in (line.coupon, line.flexi, line.coupon + line.flexi):
        return "voucher"
    return None


def _pair_sums(
    theirs: Sequence[Theirs], ours: Sequence[Ours], found: list[Found]
) -> tuple[list[Theirs], list[Ours]]:
    """Rows that say no charge, beside the lines that are left of the same kind of use."""
    unsaid: defaultdict[tuple[str, ...], list[Theirs]] = defaultdict(list)
    for row in theirs:
        if not row.trade_id:
            kind_of_use = (row.customer_id, row.product_id, row.region_code, row.charging_mode)
            unsaid[(*kind_of_use, row.currency)].append(row)
    if not unsaid:
        return list(theirs), list(ours)
    same: defaultdict[tuple[str, ...], list[Ours]] = defaultdict(list)
    for line in ours:
        kind_of_use = (line.customer_id, line.product_id, line.region_code, line.file_mode)
        same[(*kind_of_use, line.currency)].append(line)
    done: set[str] = set()
    left = [row for row in theirs if row.trade_id]
    for use, rows in unsaid.items():
        lines = same.get(use)
        if not lines:
            left += rows
            continue
        done |= {line.line_id for line in lines}
        together = Found("amount", tuple(rows), tuple(lines))
        if together.difference:
            found.append(together)
    return left, [line for line in ours if line.line_id not in done]


def _custody(theirs: Iterable[Theirs], ours: Iterable[Ours]) -> set[tuple[str, str]]:
    """Charges that the vendor bills to the master that paid, and we to the member that used."""
    paid = {(line.trade_id, line.product_id, line.payer_id) for line in ours if line.payer_id}
    return {
        (row.trade_id, row.product_id)
        for row in theirs
        if row.trade_id and (row.trade_id, row.product_id, row.customer_id) in paid
    }


def _single(
    row: Theirs,
    known: Known,
    moved: Mapping[tuple[str, str, str], list[Ours]],
    paid_by_others: set[tuple[str, str]],
    cycle: str,
) -> Found:
    if row.copies or row.nth > 1:
        return Found("duplicate", (row,), ())
    if (row.trade_id, row.product_id) in paid_by_others:
        return Found("missing_here", (row,), (), "custody_split")
    if not known.is_customer(row.customer_id):
        return Found("customer_unknown", (row,), ())
    lines = moved.get((row.customer_id, row.trade_id, row.product_id)) if row.trade_id else None
    if lines:
        line = lines.pop(0)
        reason = "late_line" if line.late_for == cycle else None
        return Found("cycle_moved", (row,), (line,), reason)
    return Found("missing_here", (row,), ())
