"""The rate of an unsubscription's fee: a dated table from a committed file, read once at start."""

import tomllib
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from wire.times import BEIJING, add_months

Rates = tuple[Decimal, ...]


class FeeTable(BaseModel):
    """Rates from an instant on, by the years of the period."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: AwareDatetime
    months: Rates = Field(min_length=1)
    years: dict[int, Rates]


class FeeTables(BaseModel):
    """The whole file, the oldest table first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: list[FeeTable] = Field(min_length=1)


@cache
def fee_tables() -> FeeTables:
    """The committed file; ValidationError when it is wrong."""
    text = files("order.refunds").joinpath("fees.toml").read_text("utf-8")
    return FeeTables.model_validate(tomllib.loads(text))


def fee_rate(begin_at: datetime, end_at: datetime, now: datetime) -> Decimal:
    """The rate for a period in effect, by its length and by the year of it that `now` is in.

    A period of more years than the table knows has the rates of the longest that it does.
    """
    table = max(
        (one for one in fee_tables().tables if one.valid_from <= now),
        key=lambda one: one.valid_from,
    )
    begin, end = begin_at.astimezone(BEIJING), end_at.astimezone(BEIJING)
    years = max((n for n in table.years if add_months(begin, 12 * n) <= end), default=0)
    rates = table.years[years] if years else table.months
    begun = sum(1 for n in range(1, len(rates)) if add_months(begin, 12 * n) <= now)
    return rates[begun]
