"""The columns of the vendor's bill file, as `vendor_columns.toml` names them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Kind = Literal["text", "code", "money", "fee", "quantity", "instant", "cycle"]


@dataclass(frozen=True, slots=True)
class VendorColumn:
    """One column: what it is here, and how its heading reads."""

    field: str
    kind: Kind
    zh: str
    en: str
    also: tuple[str, ...] = ()
    is_settled: bool = False  # it stands on the settled line

    def heading(self, language: str) -> str:
        """The heading that we write."""
        return self.zh if language == "zh" else self.en

    @property
    def is_text(self) -> bool:
        """Whether a spreadsheet could take it for a formula."""
        return self.kind in ("text", "cycle")


@cache
def vendor_columns() -> tuple[VendorColumn, ...]:
    """Every column, in the order in which we write them."""
    text = files("billing.files").joinpath("vendor_columns.toml").read_text("utf-8")
    rows = tomllib.loads(text)["column"]
    return tuple(VendorColumn(**{**row, "also": tuple(row.get("also", ()))}) for row in rows)


@cache
def settled_columns() -> tuple[VendorColumn, ...]:
    """Every column of what the partner owes; the line's id is the last one here, too."""
    text = files("billing.files").joinpath("vendor_columns.toml").read_text("utf-8")
    more = [VendorColumn(**row, is_settled=True) for row in tomllib.loads(text)["settlement"]]
    *known, last = vendor_columns()
    return (*known, *more, last)


@cache
def column_of_heading() -> dict[str, VendorColumn]:
    """The column that a heading of a file means, whatever its case and its blanks."""
    known: dict[str, VendorColumn] = {}
    for column in vendor_columns():
        for heading in (column.field, column.zh, column.en, *column.also):
            known[plain_heading(heading)] = column
    return known


def plain_heading(heading: str) -> str:
    """The heading without what files differ in."""
    return "".join(heading.split()).casefold()
