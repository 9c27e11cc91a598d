"""Which specifications of a resource type are sold in a region, and abroad at which prices."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from billing.prices.catalogue import Catalogue
from billing.prices.list_products import name_of
from billing.prices.products import MONTH, YEAR, Price, Product
from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError, UnknownValueError
from wire.codes import CHINESE, language_of
from wire.types import WireRequest
from wire.vocabulary import ChargingMode

SPECS, PRICED_SPECS = "resource-specs", "resource-specs-price"
PERIOD, ON_DEMAND = ChargingMode.PERIOD, ChargingMode.ON_DEMAND
ON_DEMAND_MODE, PERIOD_MODE, PACKAGE_MODE = "ON_DEMAND", "PERIOD", "ON_DEMAND_PKG"
MONTHS_MAX, YEARS_MAX = 11, 3  # of one order
CHARGING_MODES = (None, PERIOD_MODE, ON_DEMAND_MODE, PACKAGE_MODE, "ONE_TIME")


class SpecFilter(WireRequest):
    """What a list of specifications is narrowed by."""

    key: str
    value: str


class ListSpecs(WireRequest, operation="list_resource_specs"):
    """The body of list_resource_specs; `charge_mode` is 1 for periods, 3 on demand."""

    cloud_service_type: str
    resource_type: str
    region_code: str
    charge_mode: Literal["1", "3"]
    filters: list[SpecFilter] | None = None
    marker: str | None = None
    limit: int = 100


class ListPricedSpecs(WireRequest, operation="list_resource_specs_price", site="international"):
    """The body of list_resource_specs_price, which is spoken abroad alone."""

    cloud_service_type: str | None = None
    resource_type: str | None = None
    region_code: str
    filters: list[SpecFilter] | None = None
    need_attributes: bool = False
    need_price: bool = False
    marker: str | None = None
    limit: int = 50


class _Page(NamedTuple):
    rows: Sequence[Product]
    next_marker: str | None


def list_specs(
    catalogue: Catalogue, wanted: ListSpecs, currency: str, now: datetime, language: str | None
) -> dict[str, Any]:
    """Specifications that are sold so, in the order of their products' ids."""
    mode = int(wanted.charge_mode)
    spec = wanted.filters[0].value if wanted.filters else None
    found = [
        product
        for product in catalogue.products
        if _is_of(product, wanted.cloud_service_type, wanted.resource_type, wanted.region_code)
        and spec in (None, product.resource_spec_code)
        and mode in _modes(product.price_at(currency, now, wanted.region_code))
    ]
    page = _page(SPECS, found, wanted.marker, wanted.limit)
    rows = [
        _spec(catalogue, product, language)
        | {"charge_mode": wanted.charge_mode, "region_code": wanted.region_code}
        for product in page.rows
    ]
    return {"page_info": _next_of(page), "cloud_service_basics": rows}


def list_priced_specs(
    catalogue: Catalogue,
    wanted: ListPricedSpecs,
    currency: str,
    now: datetime,
    language: str | None,
) -> dict[str, Any]:
    """Specifications of a region, with what they cost where that is asked for."""
    narrowed = {one.key: one.value for one in wanted.filters or ()}
    spec, mode = narrowed.get("RESOURCE_SPEC"), narrowed.get("CHARGING_MODE")
    if mode not in CHARGING_MODES:
        raise UnknownValueError("filters.value")
    found = [
        product
        for product in catalogue.products
        if _is_of(product, wanted.cloud_service_type, wanted.resource_type, wanted.region_code)
        and spec in (None, product.resource_spec_code)
        and (price := product.price_at(currency, now, wanted.region_code)) is not None
        and (mode is None or any(row["charging_mode"] == mode for row in _prices(product, price)))
    ]
    page = _page(PRICED_SPECS, found, wanted.marker, wanted.limit)
    rows = [_priced(catalogue, product, wanted, currency, now, language) for product in page.rows]
    return {
        "page_info": _next_of(page),
        "region_code": wanted.region_code,
        "resource_spec_infos": rows,
    }


def _next_of(page: _Page) -> dict[str, str]:
    """Behind the last page there is no marker, and no name for one."""
    return {} if page.next_marker is None else {"next_marker": page.next_marker}


def _is_of(product: Product, service: str | None, resource: str | None, region: str) -> bool:
    return (
        service in (None, product.service_type_code)
        and resource in (None, product.resource_type_code)
        and region in product.regions
    )


def _modes(price: Price | None) -> set[int]:
    """How it is sold."""
    if price is None:
        return set()
    by_period = {int(PERIOD)} if price.month or price.year else set()
    return by_period | ({int(ON_DEMAND)} if price.on_demand else set())


def _page(list_name: str, found: Sequence[Product], marker: str | None, limit: int) -> _Page:
    """Behind the marker of the page before; BadFieldError where it is none of this list."""
    try:
        beyond = keys_after(list_name, marker)[0] if marker else ""
    except BadFieldError as error:
        raise BadFieldError("marker", "not a marker of this list") from error
    rest = sorted((one for one in found if one.id > beyond), key=lambda one: one.id)
    more = cursor_after(list_name, rest[limit - 1].id) if len(rest) > limit else None
    return _Page(rest[:limit], more)


def _spec(catalogue: Catalogue, product: Product, language: str | None) -> dict[str, Any]:
    service = catalogue.service_by_code[product.service_type_code]
    resource = catalogue.resource_by_code[product.resource_type_code]
    is_chinese = language_of(language, CHINESE) == CHINESE
    return {
        "cloud_service_type": service.code,
        "cloud_service_type_name": name_of(service, language),
        "resource_type": resource.code,
        "resource_type_name": name_of(resource, language),
        "resource_spec": product.resource_spec_code,
        "resource_spec_name": product.description
        if is_chinese
        else product.description_en or product.resource_spec_code,
    }


def _priced(
    catalogue: Catalogue,
    product: Product,
    wanted: ListPricedSpecs,
    currency: str,
    now: datetime,
    language: str | None,
) -> dict[str, Any]:
    row = _spec(catalogue, product, language)
    if wanted.need_attributes:
        row["attributes"] = []  # the catalogue knows none
    if wanted.need_price:
        price = product.price_at(currency, now, wanted.region_code)
        row["price_lists"] = [] if price is None else _prices(product, price)
    return row


def _prices(product: Product, price: Price) -> list[dict[str, Any]]:
    """One row for each way in which it is sold; a tiered one costs what its first tier does."""
    by_period = PERIOD_MODE if not product.packages else PACKAGE_MODE
    rows: list[dict[str, Any]] = [
        {
            "charging_mode": by_period,
            "official_price": f"{amount:f}",
            "period_type": int(period),
            "period_nums": list(range(1, most + 1)),
        }
        for period, amount, most in (
            (MONTH, price.month, MONTHS_MAX),
            (YEAR, price.year, YEARS_MAX),
        )
        if amount is not None
    ]
    if price.on_demand:
        rows.append(
            {
                "charging_mode": ON_DEMAND_MODE,
                "official_price": f"{price.on_demand[0].hour:f}",
                "billing_usage_factor": product.usage_factor,
            }
        )
    return [{"offering_id": product.id, "currency": price.currency, **row} for row in rows]
