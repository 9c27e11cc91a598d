"""What customers order and use: real service and resource type codes at the catalogue's prices."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from wire.money import cut
from wire.times import BEIJING, cycle_bounds, cycle_of

MONTH, YEAR = 2, 3  # period types of orders, docs/domain/bills.md B.8
PERIOD = 1  # charging mode
PERIODS = [(MONTH, 1), (MONTH, 1), (MONTH, 1), (MONTH, 2), (MONTH, 3), (MONTH, 6), (YEAR, 1)]
LINES_WEIGHTS = {1: 70, 2: 22, 3: 8}
SIZES_BANDWIDTH = [5, 5, 10, 20, 50]
SIZES_STORAGE = [40, 40, 100, 200, 500]
BANDWIDTH_MEASURE = 15  # Mbps, docs/domain/money-and-time.md E
LONG_PROVISIONING_SECONDS = 86_400
HOUR_MEASURE = 4
HOURS_MAX = 72
# A cycle that has just begun holds little: the one before it is open until the 5th.
YOUNG_CYCLE_DAYS = 4


@dataclass(frozen=True)
class Product:
    """A row of `GET /api/products`."""

    service_type_code: str
    resource_type_code: str
    resource_spec_code: str
    regions: tuple[str, ...]
    size_measure_id: int | None
    provisioning_seconds: int
    month: Decimal | None
    year: Decimal | None
    hour: Decimal | None
    discount: Decimal
    is_package: bool = False
    is_used_by_hours: bool = True

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> "Product":
        """As the API says it."""

        def price(unit: str) -> Decimal | None:
            text = row[f"price_{unit}"]
            return None if text is None else Decimal(text)

        return cls(
            row["service_type_code"],
            row["resource_type_code"],
            row["resource_spec_code"],
            tuple(row["regions"]),
            row["size_measure_id"],
            row["provisioning_seconds"],
            price("month"),
            price("year"),
            price("hour"),
            Decimal(row["discount_ratio"]),
            row["package"] is not None,
            row["usage_measure_id"] == HOUR_MEASURE,
        )


@dataclass(frozen=True)
class Line:
    """A line of an order."""

    product: Product
    region: str
    period_type: int
    period_num: int
    size: int | None

    @property
    def content(self) -> dict[str, Any]:
        """As `POST /api/orders` takes it."""
        told: dict[str, Any] = {
            "service_type_code": self.product.service_type_code,
            "resource_type_code": self.product.resource_type_code,
            "resource_spec_code": self.product.resource_spec_code,
            "region_code": self.region,
            "charging_mode": PERIOD,
            "period_type": self.period_type,
            "period_num": self.period_num,
            "quantity": 1,
        }
        return told if self.size is None else {**told, "measure_size": self.size}

    @property
    def amount(self) -> Decimal:
        """What it costs at most: discounts make it less."""
        price = self.product.month if self.period_type == MONTH else self.product.year
        assert price is not None
        return price * self.period_num * (self.size or 1)


@dataclass(frozen=True)
class Basket:
    """The lines of an order and an upper bound of their price."""

    lines: tuple[Line, ...]
    amount: Decimal


@dataclass(frozen=True)
class Usage:
    """Some hours of something that was not ordered for a period."""

    record_id: str
    customer: int
    product: Product
    region: str
    hours: int
    size: int | None
    until: datetime

    @property
    def amount(self) -> Decimal:
        """What it costs at most: discounts make it less."""
        assert self.product.hour is not None
        return self.product.hour * self.hours * (self.size or 1)

    def content(self, customer_id: str) -> dict[str, Any]:
        """As `POST /api/usage-records` takes it; charged at the end of the use."""
        service = self.product.service_type_code.rpartition(".")[2]
        told: dict[str, Any] = {
            "record_id": self.record_id,
            "customer_id": customer_id,
            "service_type_code": self.product.service_type_code,
            "resource_type_code": self.product.resource_type_code,
            "resource_spec_code": self.product.resource_spec_code,
            "region_code": self.region,
            "resource_id": f"res-{self.record_id}",
            "resource_name": f"{service}-{self.record_id[-8:]}",
            "usage_value": self.hours,
            "usage_measure_id": HOUR_MEASURE,
            "used_until": self.until,
            "charged_at": self.until,
        }
        return told if self.size is None else {**told, "measure_size": self.size}


class Shop:
    """Draws purchases out of the catalogue."""

    def __init__(self, random: Random, products: list[Product]):
        self._random = random
        by_period = [p for p in products if p.month and p.year and not p.is_package]
        self._quick = [p for p in by_period if p.provisioning_seconds < LONG_PROVISIONING_SECONDS]
        self._slow = [p for p in by_period if p.provisioning_seconds >= LONG_PROVISIONING_SECONDS]
        self._used = [p for p in products if p.hour and p.is_used_by_hours]

    def basket(self, *, takes_long: bool) -> Basket:
        """One to three products in one region for one period."""
        count = self._random.choices(list(LINES_WEIGHTS), list(LINES_WEIGHTS.values()))[0]
        products = self._random.sample(self._quick, count)
        if takes_long:
            products[0] = self._random.choice(self._slow)
        region = self._random.choice(products[0].regions)
        period = self._random.choice(PERIODS)
        lines = tuple(Line(p, region, *period, self._size(p)) for p in products)
        amount = cut(sum((line.amount for line in lines), Decimal(0)), 2)
        return Basket(lines, amount)

    def usage(self, record_id: str, customer: int, since: datetime, at: datetime) -> Usage:
        """Some hours of a product, ending between the two."""
        product = self._random.choice(self._used)
        return Usage(
            record_id=record_id,
            customer=customer,
            product=product,
            region=self._random.choice(product.regions),
            hours=self._random.randint(1, HOURS_MAX),
            size=self._size(product),
            until=_moment(self._random.random(), since, at),
        )

    def _size(self, product: Product) -> int | None:
        if product.size_measure_id is None:
            return None
        bandwidth = product.size_measure_id == BANDWIDTH_MEASURE
        return self._random.choice(SIZES_BANDWIDTH if bandwidth else SIZES_STORAGE)


def used_since(at: datetime) -> datetime:
    """The begin of the cycle of `at`; while it is young, of the one before."""
    begin, _ = cycle_bounds(cycle_of(at))
    if at.astimezone(BEIJING).day <= YOUNG_CYCLE_DAYS:
        begin, _ = cycle_bounds(cycle_of(begin - timedelta(days=1)))
    return begin


def _moment(share: float, begin: datetime, at: datetime) -> datetime:
    """That far into the time of use, to the second."""
    return begin + timedelta(seconds=int((at - begin).total_seconds() * share))
