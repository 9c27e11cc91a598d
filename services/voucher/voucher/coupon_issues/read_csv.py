"""Items of a job as the rows of a CSV; its first line names the columns, as JSON its fields."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from pydantic import ValidationError

from chassis.errors import BadFieldError, RefusedError
from voucher.coupon_issues.items_wanted import ITEMS_MAX, ItemWanted
from wire.types import error_of

LISTS = ("cloud_service_types", "product_ids", "subscribe_types")  # parted by semicolons
NEEDED = {"customer_id", "face_value"}
SHOWN_CHARACTERS_MAX = 64  # of what stands where a broken row's customer should


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is no item; the first row below the names is 1."""

    row: int
    customer_id: str | None
    refusal: RefusedError

    def kept(self) -> dict[str, Any]:
        """As the item's row keeps it."""
        return {"customer_id": self.customer_id}


def read_csv(text: str, *, skip_broken: bool) -> Sequence[ItemWanted | BrokenRow]:
    """One item for each row.

    Raises:
        BadFieldError: the text is no CSV, a column is unknown, missing or named twice, or there are
            no rows, or too many.
        RefusedError: a row is broken and is not to be skipped; it names the row and the field.

    """
    rows = csv.reader(StringIO(text, newline=""), strict=True)
    names = _names(rows)
    found = [_item(number, names, cells) for number, cells in enumerate(_cells(rows), 1)]
    if not found:
        raise BadFieldError("csv", "empty")
    broken = next((one for one in found if isinstance(one, BrokenRow)), None)
    if broken is not None and not skip_broken:
        raise broken.refusal
    return found


def _names(rows: Iterator[list[str]]) -> list[str]:
    names = [name.strip() for name in next(_cells(rows), [])]
    names[:1] = [name.removeprefix("\ufeff") for name in names[:1]]
    if unknown := [name for name in names if name not in ItemWanted.model_fields]:
        raise BadFieldError("csv", f"no such column: {unknown[0][:SHOWN_CHARACTERS_MAX]}")
    if len(set(names)) != len(names):
        raise BadFieldError("csv", "a column is named twice")
    if missing := sorted(NEEDED - set(names)):
        raise BadFieldError("csv", f"no column {missing[0]}")
    return names


def _cells(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        for count, cells in enumerate(filter(None, rows)):
            if count > ITEMS_MAX:
                raise BadFieldError("csv", f"more than {ITEMS_MAX} rows")
            yield cells
    except csv.Error as error:
        raise BadFieldError("csv", "not a CSV") from error


def _item(number: int, names: Sequence[str], cells: Sequence[str]) -> ItemWanted | BrokenRow:
    given = {name: cell for name, cell in zip(names, cells, strict=False) if cell != ""}
    shown = given.get("customer_id", "")[:SHOWN_CHARACTERS_MAX] or None
    if len(cells) != len(names):
        refusal = RefusedError(f"row {number}: {len(cells)} cells", code=BadFieldError.code)
        return BrokenRow(number, shown, refusal)
    fields: dict[str, Any] = dict(given)
    fields |= {name: given[name].split(";") for name in LISTS if name in given}
    try:
        return ItemWanted.model_validate(fields)
    except ValidationError as error:
        code, field = error_of(error.errors())
        return BrokenRow(number, shown, RefusedError(f"row {number}: {field}", code=code))
