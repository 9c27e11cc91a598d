"""Whatever of a catalogue does not fit together, each with the place where it stands."""

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from billing.prices.catalogue import Catalogue

Place = tuple[int | str, ...]
Fault = tuple[Place, str]
MONEY, HOURLY = 1, 1  # measure_id, cycle


def refuse_faults(catalogue: "Catalogue") -> None:
    """Raise ValidationError with all of them: whatever a row names is there, once."""
    faults = list(find_faults(catalogue))
    if faults:
        raise ValidationError.from_exception_data(
            "Catalogue",
            [
                InitErrorDetails(
                    type=PydanticCustomError("catalogue", "{words}", {"words": words}),
                    loc=place,
                    input=None,
                )
                for place, words in faults
            ],
        )


def find_faults(catalogue: "Catalogue") -> Iterator[Fault]:
    """In the order of the file's kinds of rows."""
    yield from _doubles(catalogue)
    yield from _of_resources(catalogue)
    yield from _of_products(catalogue)
    yield from _of_packages(catalogue)


def _doubles(catalogue: "Catalogue") -> Iterator[Fault]:
    keys: dict[str, Sequence[Hashable]] = {
        "regions": [one.code for one in catalogue.regions],
        "service_types": [one.code for one in catalogue.service_types],
        "resource_types": [one.code for one in catalogue.resource_types],
        "usage_types": [
            f"{one.resource_type_code} {one.code.lower()}" for one in catalogue.usage_types
        ],
        "measures": [one.id for one in catalogue.measures],
        "conversions": [f"{one.measure_id} {one.ref_measure_id}" for one in catalogue.conversions],
        "incentive_policies": [
            f"{one.service_type_code} {one.valid_from}" for one in catalogue.incentive_policies
        ],
        "products": [one.id for one in catalogue.products],
    }
    for kind, found in keys.items():
        yield from (((kind, place), f"{key} stands twice") for place, key in _again(found))
    products = [
        f"{one.service_type_code} {one.resource_type_code} {one.resource_spec_code}"
        for one in catalogue.products
    ]
    for place, key in _again(products):
        yield ("products", place), f"another product is {key}, too"


def _again(keys: Sequence[Hashable]) -> Iterator[tuple[int, Hashable]]:
    seen: set[Hashable] = set()
    for place, key in enumerate(keys):
        if key in seen:
            yield place, key
        seen.add(key)


def _of_resources(catalogue: "Catalogue") -> Iterator[Fault]:
    services = {one.code for one in catalogue.service_types}
    resources = {one.code for one in catalogue.resource_types}
    measures = {one.id for one in catalogue.measures}
    for place, resource in enumerate(catalogue.resource_types):
        if resource.service_type_code not in services:
            name = f"no service {resource.service_type_code}"
            yield ("resource_types", place, "service_type_code"), name
    for place, usage in enumerate(catalogue.usage_types):
        if usage.resource_type_code not in resources:
            name = f"no resource type {usage.resource_type_code}"
            yield ("usage_types", place, "resource_type_code"), name
    for place, conversion in enumerate(catalogue.conversions):
        for name in ("measure_id", "ref_measure_id"):
            if (measure_id := getattr(conversion, name)) not in measures:
                yield ("conversions", place, name), f"no measure {measure_id}"
    for place, policy in enumerate(catalogue.incentive_policies):
        if policy.service_type_code not in services:
            name = f"{policy.service_type_code}: a policy of no service"
            yield ("incentive_policies", place, "service_type_code"), name


def _of_products(catalogue: "Catalogue") -> Iterator[Fault]:
    services = {one.code for one in catalogue.service_types}
    resources = {one.code for one in catalogue.resource_types}
    regions = {one.code for one in catalogue.regions}
    factors = {(one.resource_type_code, one.code.lower()) for one in catalogue.usage_types}
    for number, product in enumerate(catalogue.products):
        place = ("products", number)
        if product.service_type_code not in services:
            yield (*place, "service_type_code"), f"no service {product.service_type_code}"
        if product.resource_type_code not in resources:
            yield (*place, "resource_type_code"), f"no resource type {product.resource_type_code}"
        if unknown := sorted(product.regions - regions):
            yield (*place, "regions"), f"no region {', '.join(unknown)}"
        factor = product.resource_type_code, product.usage_factor.lower()
        if any(price.on_demand for price in product.prices) and factor not in factors:
            yield place, f"no usage type {product.usage_factor} of {product.resource_type_code}"
        begun: set[Hashable] = set()
        for row, price in enumerate(product.prices):
            where = (*place, "prices", row)
            if price.regions is not None and not price.regions <= product.regions:
                yield where, "a price of a region where it is not sold"
            for region in sorted(price.regions) if price.regions is not None else [None]:
                key = price.currency, price.valid_from, region
                if key in begun:
                    yield where, f"two {price.currency} prices from {price.valid_from} on"
                begun.add(key)
        for row in (row for row, _ in _again([one.valid_from for one in product.packages])):
            yield (*place, "packages", row), "two packages from the same instant on"


def _of_packages(catalogue: "Catalogue") -> Iterator[Fault]:
    """A package is bought for a period, and its items are counted as their products are."""
    units: dict[tuple[str, str], set[int]] = {}
    for used in catalogue.products:
        key = used.resource_type_code, used.resource_spec_code
        units.setdefault(key, set()).add(used.size_measure_id or used.usage_measure_id)
    for number, product in enumerate(catalogue.products):
        for row, package in enumerate(product.packages):
            where = ("products", number, "packages", row)
            if product.size_measure_id or any(price.on_demand for price in product.prices):
                yield where, "a package has neither size nor price of an hour"
            for count, item in enumerate(package.items):
                if item.ratio is not None:
                    if item.measure_id != MONEY or package.cycle != HOURLY:
                        yield (*where, "items", count), "a savings plan is money an hour"
                    continue
                for spec in item.resource_spec_codes:
                    if units.get((item.resource_type_code, spec)) != {item.measure_id}:
                        told = f"{spec} is not counted in {item.measure_id}"
                        yield (*where, "items", count), told
