"""What is sold and at which price: a dated catalogue from a committed file, read once at start."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from billing.prices.catalogue_faults import refuse_faults
from billing.prices.products import Product, Row
from chassis.errors import RefusedError
from wire.times import cycle_bounds


class ProductNotFoundError(RefusedError):
    """One of service type, resource type, region and specification is wrong.

    See docs/domain/prices.md F11.
    """

    code = "CBC.99006006"


class PriceNotFoundError(RefusedError):
    """The product is sold, but not so, or not in that currency at that time."""

    code = "CBC.99006016"


class UnitNotFoundError(RefusedError):
    """There is no such unit."""

    code = "CBC.99006024"


class UnitNotConvertibleError(RefusedError):
    """The units measure different things."""

    code = "CBC.99006050"


class Region(Row):
    """Where a product is sold."""

    code: str
    name: str
    name_en: str | None = None


class ServiceType(Row):
    """A cloud service."""

    code: str
    name: str
    name_en: str
    abbreviation: str


class ResourceType(Row):
    """What a service is composed of."""

    code: str
    service_type_code: str
    name: str
    name_en: str


class Measure(Row):
    """A unit."""

    id: int
    name: str
    abbreviation: str
    type: int


class Conversion(Row):
    """One `measure_id` is `ratio` of `ref_measure_id`."""

    measure_id: int
    ref_measure_id: int
    ratio: int
    type: int


class UsageType(Row):
    """What of a resource is metered; `code` is the factor by which its products are charged."""

    code: str
    name: str
    name_en: str
    resource_type_code: str


class IncentivePolicy(Row):
    """What a service counts for, and whether partners may lower its price, from an instant on."""

    service_type_code: str
    valid_from: AwareDatetime
    # 0 no specific product, 1 specific product, 2 neither performance nor rebate, 13 performance
    # without rebate
    incentive_policy: Literal[0, 1, 2, 13]
    allow_discount: bool


class Catalogue(Row):
    """The whole file."""

    regions: list[Region]
    service_types: list[ServiceType]
    resource_types: list[ResourceType]
    usage_types: list[UsageType]
    measures: list[Measure]
    conversions: list[Conversion]
    incentive_policies: list[IncentivePolicy] = Field(default_factory=list)
    products: list[Product]

    @model_validator(mode="after")
    def _check(self) -> "Catalogue":
        """Whatever a row names is there, once; a product has one price at a time."""
        refuse_faults(self)
        return self

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

    def policy_of(self, service_type_code: str, cycle: str) -> IncentivePolicy | None:
        """The service's policy in a month: that of its last second; None where none is yet."""
        _, end = cycle_bounds(cycle)
        known = [
            policy
            for policy in self.incentive_policies
            if policy.service_type_code == service_type_code and policy.valid_from < end
        ]
        return max(known, key=lambda policy: policy.valid_from, default=None)

    def partners_may_lower(self, service_type_code: str, cycle: str) -> bool:
        """Whether a discount of its partner's is good for the service in that month."""
        policy = self.policy_of(service_type_code, cycle)
        return policy is not None and policy.allow_discount

    def plan_ratio(
        self, product_id: str | None, at: datetime, resource_type_code: str, spec: str
    ) -> Decimal | None:
        """What of the list price a savings plan of the product pays; None: it is none."""
        product = self.by_id.get(product_id or "")
        package = None if product is None else product.package_at(at)
        for item in () if package is None else package.items:
            if item.resource_type_code == resource_type_code and spec in item.resource_spec_codes:
                return item.ratio
        return None

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
        found = self._ratios.get((measure_id, wanted_id))
        if found is not None:
            return found
        if (measure_id, measure_id) not in self._ratios:
            raise UnitNotFoundError(str(measure_id))
        raise UnitNotConvertibleError(f"{measure_id} to {wanted_id}")

    @cached_property
    def _ratios(self) -> Mapping[tuple[int, int], tuple[int, int]]:
        """Of two conversions of a pair the first one counts, and none of a unit to itself."""
        found = {(measure.id, measure.id): (1, 1) for measure in self.measures}
        for one in self.conversions:
            found.setdefault((one.measure_id, one.ref_measure_id), (one.ratio, 1))
            found.setdefault((one.ref_measure_id, one.measure_id), (1, one.ratio))
        return found


def load_catalogue(path: Path | None = None) -> Catalogue:
    """The catalogue of the file, or the committed one; ValidationError when it is wrong."""
    text = (path or files("billing.prices").joinpath("catalogue.toml")).read_text("utf-8")
    return Catalogue.model_validate(tomllib.loads(text))
