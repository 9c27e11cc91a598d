"""What a partner owes of what its customers are charged: dated prices by the class of product."""

import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from wire.types import Figure

COMMITTED = Path(__file__).with_name("settlement_prices.toml")
NORMAL, SPECIAL = "normal", "special"


class NoSettlementPriceError(Exception):
    """No price is in force for a line; the settlement waits for one."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime | None = None


class _Price(_Row):
    type: Literal["normal", "promotion", "no_discount", "special"]
    partner_id: str | None = None
    customer_id: str | None = None
    product_id: str | None = None
    service_type_code: str | None = None
    ratio: Figure = Field(ge=0, le=1, max_digits=5, decimal_places=4)

    @property
    def reach(self) -> tuple[bool, bool, bool, bool]:
        """The larger, the closer."""
        named = (self.partner_id, self.customer_id, self.product_id, self.service_type_code)
        return tuple(one is not None for one in named)  # type: ignore[return-value]


class _Product(_Row):
    product_id: str
    type: Literal["promotion", "no_discount"]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    price: list[_Price] = Field(min_length=1)
    product: list[_Product] = Field(default_factory=list)


R = TypeVar("R", bound=_Row)


class Price(NamedTuple):
    """What a line has to pay of the customer's amount."""

    settlement_type: str
    ratio: Decimal


class SettlementPrices:
    """The table, as a file says it."""

    def __init__(self, rows: _File):
        self._rows = rows

    def of_month(self, partner_id: str, begin: datetime, end: datetime) -> "MonthPrices":
        """Those of a partner's month, ready to be asked for each of millions of lines."""
        return MonthPrices(self._rows, partner_id, begin, end)


class MonthPrices:
    """Prices of a partner's month; what was found once is known."""

    def __init__(self, rows: _File, partner_id: str, begin: datetime, end: datetime):
        self._begin = begin
        self._prices = [
            row for row in _within(rows.price, begin, end) if row.partner_id in (None, partner_id)
        ]
        self._products = _within(rows.product, begin, end)
        self._customers = {row.customer_id for row in self._prices} - {None}
        dated: list[_Row] = [*self._prices, *self._products]
        ends = {row.until for row in dated if row.until is not None and row.until < end}
        changes = {row.since for row in dated if row.since > begin} | ends
        self._changes = sorted(change for change in changes if begin < change < end)
        self._known: dict[tuple[str, str, str | None, int], Price] = {}

    def find(self, service: str, product: str, customer: str, at: datetime) -> Price:
        """The price of a line.

        Raises:
            NoSettlementPriceError: see there.

        """
        named = customer if customer in self._customers else None
        step = bisect_right(self._changes, at) if self._changes else 0
        key = (service, product, named, step)
        price = self._known.get(key)
        if price is None:
            price = self._known[key] = self._find(service, product, named, step)
        return price

    def _find(self, service: str, product: str, customer: str | None, step: int) -> Price:
        at = self._changes[step - 1] if step else self._begin
        fitting = [
            row
            for row in self._prices
            if row.since <= at
            and (row.until is None or at < row.until)
            and row.customer_id in (None, customer)
            and row.product_id in (None, product)
            and row.service_type_code in (None, service)
        ]
        wanted = SPECIAL if any(row.type == SPECIAL for row in fitting) else None
        if wanted is None:
            listed = [row for row in self._products if row.product_id == product]
            now = [row for row in listed if row.since <= at and (not row.until or at < row.until)]
            wanted = max(now, key=lambda row: row.since).type if now else NORMAL
        of_type = [row for row in fitting if row.type == wanted]
        if not of_type:
            raise NoSettlementPriceError(f"no {wanted} price of {service} at {at.isoformat()}")
        closest = max(of_type, key=lambda row: (row.reach, row.since))
        return Price(wanted, closest.ratio)


def _within(rows: Iterable[R], begin: datetime, end: datetime) -> Sequence[R]:
    return [row for row in rows if row.since < end and (row.until is None or row.until > begin)]


def load_settlement_prices(path: Path | None = None) -> SettlementPrices:
    """Read the table; a wrong one stops the start.

    Raises:
        ValueError: what the file says is not such a table.

    """
    with (path or COMMITTED).open("rb") as file:
        return SettlementPrices(_File.model_validate(tomllib.load(file)))
