"""What is sold and at which price: a dated catalogue from a committed file, read once at start."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from chassis.errors import RefusedError

PERIOD, ON_DEMAND = 1, 3  # charging modes
DAY, MONTH, YEAR, HOUR = 0, 2, 3, 4  # period types of orders and prices (docs/domain/bills.md B.8)


class ProductNotFoundError(RefusedError):
    """One of service type, resource type, region and specification is wrong.

    See docs/domain/prices.md F11.
    """

    code = "CBC.99006006"


class UnitNotFoundError(RefusedError):
    """There is no such unit."""

    code = "CBC.99006024"


class UnitNotConvertibleError(RefusedError):
    """The units measure different things."""

    code = "CBC.99006050"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Region(_Row):
    """Where a product is sold."""

    code: str
    name: str


class ServiceType(_Row):
    """A cloud service."""

    code: str
    name: str
    name_en: str
    abbreviation: str


class ResourceType(_Row):
    """What a service is composed of."""

    code: str
    service_type_code: str
    name: str
    name_en: str


class Measure(_Row):
    """A unit."""

    id: int
    name: str
    abbreviation: str
    type: int


class Conversion(_Row):
    """One `measure_id` is `ratio` of `ref_measure_id`."""

    measure_id: int
    ref_measure_id: int
    ratio: int
    type: int


class Price(_Row):
    """Prices from an instant on, with up to 10 decimals; `discount` is the ratio payable."""

    valid_from: AwareDatetime
    currency: str
    month: Decimal | None = Field(default=None, gt=0, decimal_places=10)
    year: Decimal | None = Field(default=None, gt=0, decimal_places=10)
    hour: Decimal | None = Field(default=None, gt=0, decimal_places=10)
    discount: Decimal = Field(default=Decimal(1), gt=0, le=1)

    def of_period(self, period_type: int | None) -> Decimal | None:
        """The price of one period; None where it is not sold so."""
        return {MONTH: self.month, YEAR: self.year, HOUR: self.hour}.get(period_type or -1)


class Product(_Row):
    """What can be ordered. One with `size_measure_id` is linear: it needs a size in that unit."""

    id: str
    service_type_code: str
    resource_type_code: str
    resource_spec_code: str
    description: str
    regions: frozenset[str]
    size_measure_id: int | None = None
    usage_factor: str = "Duration"
    usage_measure_id: int = 4  # hour
    is_marketplace: bool = False
    provisioning_seconds: int
    prices: list[Price] = Field(min_length=1)

    def price_at(self, currency: str, instant: datetime) -> Price | None:
        """The price in effect; None when none is yet, or none in that currency."""
        known = [p for p in self.prices if p.currency == currency and p.valid_from <= instant]
        return max(known, key=lambda price: price.valid_from, default=None)


class Catalogue(_Row):
    """The whole file."""

    regions: list[Region]
    service_types: list[ServiceType]
    resource_types: list[ResourceType]
    measures: list[Measure]
    conversions: list[Conversion]
    products: list[Product]

    @cached_property
    def by_id(self) -> Mapping[str, Product]:
        """Products by their id."""
        return {product.id: product for product in self.products}

    @cached_property
    def region_names(self) -> Mapping[str, str]:
        """Names of regions by code."""
        return {region.code: region.name for region in self.regions}

    @cached_property
    def service_by_code(self) -> Mapping[str, ServiceType]:
        """Service types by code."""
        return {service.code: service for service in self.service_types}

    @cached_property
    def resource_by_code(self) -> Mapping[str, ResourceType]:
        """Resource types by code."""
        return {resource.code: resource for resource in self.resource_types}

    @cached_property
    def _by_keys(self) -> Mapping[tuple[str, str, str], Product]:
        return {
            (p.service_type_code, p.resource_type_code, p.resource_spec_code): p
            for p in self.products
        }

    def find_product(self, service: str, resource: str, spec: str, region: str) -> Product:
        """The product; all four keys must be right, else ProductNotFoundError."""
        product = self._by_keys.get((service, resource, spec))
        if product is None or region not in product.regions:
            raise ProductNotFoundError(f"{service} {resource} {spec} {region}")
        return product

    def ratio(self, measure_id: int, wanted_id: int) -> tuple[int, int]:
        """How many of the wanted unit one `measure_id` is, as numerator and denominator.

        Raises:
            UnitNotFoundError, UnitNotConvertibleError

        """
        known = {measure.id for measure in self.measures}
        if measure_id not in known:
            raise UnitNotFoundError(str(measure_id))
        if measure_id == wanted_id:
            return 1, 1
        for conversion in self.conversions:
            if (conversion.measure_id, conversion.ref_measure_id) == (measure_id, wanted_id):
                return conversion.ratio, 1
            if (conversion.ref_measure_id, conversion.measure_id) == (measure_id, wanted_id):
                return 1, conversion.ratio
        raise UnitNotConvertibleError(f"{measure_id} to {wanted_id}")


def load_catalogue(path: Path | None = None) -> Catalogue:
    """The catalogue of the file, or the committed one; ValidationError when it is wrong."""
    text = (path or files("billing.prices").joinpath("catalogue.toml")).read_text("utf-8")
    return Catalogue.model_validate(tomllib.loads(text))
