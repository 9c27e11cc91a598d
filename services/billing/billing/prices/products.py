"""A product, its dated prices and what a package product holds, as the catalogue's file says it."""

from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from wire.types import Figure
from wire.vocabulary import ChargingMode, PeriodType

PERIOD, ON_DEMAND = ChargingMode.PERIOD, ChargingMode.ON_DEMAND
DAY, MONTH = PeriodType.DAY, PeriodType.MONTH
YEAR, HOUR = PeriodType.YEAR, PeriodType.HOUR
# docs/domain/bills.md I.6
PERCENTILE_FACTORS = frozenset({"95peak", "95peak_1000", "bandwidth95peak", "95peak_plus"})


class Row(BaseModel):
    """A row of the file: nothing that is not known stands in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tier(Row):
    """Whatever lies above so many units, up to the next tier, costs `hour` a unit."""

    above: Figure = Field(ge=0, lt=Decimal(10) ** 15, decimal_places=10)
    hour: Figure = Field(gt=0, decimal_places=10)


def flat(price: Decimal) -> tuple[Tier, ...]:
    """The same for each unit."""
    return (Tier(above=Decimal(0), hour=price),)


class Price(Row):
    """Prices from an instant on, with up to 10 decimals; `discount` is the ratio payable.

    One with `regions` is of those alone, where it goes before one without. Use on demand costs
    `hour` a unit, or by `tiers` of what a customer used of the product in a region and a cycle.
    """

    valid_from: AwareDatetime
    currency: str
    regions: frozenset[str] | None = None
    month: Figure | None = Field(default=None, gt=0, decimal_places=10)
    year: Figure | None = Field(default=None, gt=0, decimal_places=10)
    hour: Figure | None = Field(default=None, gt=0, decimal_places=10)
    tiers: tuple[Tier, ...] = ()
    discount: Figure = Field(default=Decimal(1), gt=0, le=1)

    @model_validator(mode="after")
    def _check_tiers(self) -> "Price":
        """They begin at nothing and rise; `hour` is theirs then."""
        bounds = [tier.above for tier in self.tiers]
        if bounds and (self.hour is not None or bounds[0] != 0):
            raise ValueError("tiers begin above 0 and stand without hour")
        if any(high <= low for low, high in pairwise(bounds)):
            raise ValueError("each tier begins above the one before")
        return self

    @cached_property
    def on_demand(self) -> tuple[Tier, ...]:
        """What a unit of use costs, by tiers; none: it is not sold on demand."""
        return self.tiers or (() if self.hour is None else flat(self.hour))

    def of_period(self, period_type: int | None) -> Decimal | None:
        """The price of one period; None where it is not sold so."""
        prices: dict[int, Decimal | None]
        prices = {MONTH: self.month, YEAR: self.year, HOUR: self.hour}
        return prices.get(period_type or -1)


class PackageItem(Row):
    """So much use of some products that a package holds (docs/domain/resources.md H.13).

    Of a linear product it is size times time: 40 GB that are full again each hour. With a `ratio`
    it is a savings plan: the amount is money, an hour's commitment, and what it pays for costs that
    share of the list price.
    """

    usage_type_code: str
    usage_type_name: str
    resource_type_code: str
    resource_spec_codes: list[str] = Field(min_length=1)
    amount: Figure = Field(gt=0, lt=Decimal(10) ** 15, decimal_places=10)  # of a cycle
    measure_id: int
    ratio: Figure | None = Field(default=None, gt=0, lt=1, decimal_places=4)


class Package(Row):
    """What a package product holds from an instant on; without a cycle it is never full again."""

    valid_from: AwareDatetime
    begins: Literal["at_once", "next_day", "next_month"] = "at_once"  # in Beijing
    cycle: Literal[1, 2, 3, 4, 5] | None = None  # hour, day, week, month, year
    cycle_type: Literal[1, 2] | None = None  # 1 natural, 2 from the instant it begins
    items: list[PackageItem] = Field(min_length=1)

    @model_validator(mode="after")
    def _both_or_none(self) -> "Package":
        """A cycle has a type."""
        if (self.cycle is None) != (self.cycle_type is None):
            raise ValueError("cycle and cycle_type stand together")
        return self

    @property
    def reuse_mode(self) -> int:
        """1 resettable, 2 not."""
        return 2 if self.cycle is None else 1


class Product(Row):
    """What can be ordered. One with `size_measure_id` is linear: it needs a size in that unit.

    One with `packages` opens no resource but a package.
    """

    id: str
    service_type_code: str
    resource_type_code: str
    resource_spec_code: str
    description: str
    description_en: str | None = None
    regions: frozenset[str]
    size_measure_id: int | None = None
    usage_factor: str = "Duration"
    usage_measure_id: int = 4  # hour
    is_marketplace: bool = False
    provisioning_seconds: int
    prices: list[Price] = Field(min_length=1)
    packages: list[Package] = Field(default_factory=list)

    def package_at(self, instant: datetime) -> Package | None:
        """What it holds when it is bought then; None when it is no package."""
        known = [one for one in self.packages if one.valid_from <= instant]
        return max(known, key=lambda one: one.valid_from, default=None)

    def price_at(self, currency: str, instant: datetime, region: str | None = None) -> Price | None:
        """The price in effect; None when none is yet, or none in that currency.

        The region's own goes before that of all; without a region, that of all before any.
        """
        own = of_all = any_regions = None
        for price in self._newest_first:
            if price.currency != currency or price.valid_from > instant:
                continue
            if price.regions is None:
                of_all = of_all or price
            elif region in price.regions:
                own = own or price
            elif region is None:
                any_regions = any_regions or price
        return own or of_all or any_regions

    @cached_property
    def _newest_first(self) -> tuple[Price, ...]:
        return tuple(sorted(self.prices, key=lambda price: price.valid_from, reverse=True))

    @property
    def is_by_percentile(self) -> bool:
        """Whether it is charged by a month's 95th percentile of bandwidth."""
        return self.usage_factor.lower() in PERCENTILE_FACTORS
