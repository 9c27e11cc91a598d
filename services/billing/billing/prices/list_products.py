"""What the catalogue holds, for people and for the vendor's SDK."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from billing.prices.catalogue import Catalogue, ResourceType, ServiceType, UsageType
from billing.prices.products import Package, Price, Product
from chassis.cursors import cursor_after, keys_after
from wire.codes import CHINESE, language_of
from wire.native import NativeAnswer
from wire.native import Price as UnitPrice
from wire.types import DecimalText

Row = TypeVar("Row")
PRODUCTS = "products"


class PackageItemAnswer(NativeAnswer):
    """So much use of some products, of one cycle where the package has cycles."""

    usage_type_code: str
    usage_type_name: str
    resource_type_code: str
    resource_spec_codes: list[str]
    quantity: DecimalText
    measure_id: int


class PackageAnswer(NativeAnswer):
    """What a package product holds; the cycle is null where it is never full again."""

    begins: str
    quota_reuse_mode: int
    quota_reuse_cycle: int | None
    quota_reuse_cycle_type: int | None
    items: list[PackageItemAnswer]


class TierAnswer(NativeAnswer):
    """A unit of what a customer uses above `above` in a region and a cycle costs `price`."""

    above: DecimalText
    currency: str
    price: UnitPrice


class ProductAnswer(NativeAnswer):
    """A product with the price in effect; prices are of one unit, and are not cut."""

    product_id: str
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_type_name: str
    resource_spec_code: str
    description: str
    regions: list[str]
    size_measure_id: int | None
    usage_measure_id: int  # of use on demand: 4 hour, 10 GB, 15 Mbps
    is_marketplace: bool
    provisioning_seconds: int
    currency: str
    price_month: UnitPrice | None
    price_year: UnitPrice | None
    price_hour: UnitPrice | None  # of the first tier, where there are tiers
    tiers: list[TierAnswer]
    discount_ratio: DecimalText
    valid_from: datetime
    package: PackageAnswer | None


class ProductsAnswer(NativeAnswer):
    """A page of products; `next` goes into `after` for the next page, null on the last one."""

    products: list[ProductAnswer]
    next: str | None


def list_products(
    catalogue: Catalogue, currency: str, now: datetime, limit: int, after: str | None
) -> ProductsAnswer:
    """Products with the price in effect, by id; `after` is the `next` of the page before."""
    beyond = keys_after(PRODUCTS, after)[0] if after is not None else ""
    sold = [
        (product, price)
        for product in sorted(catalogue.products, key=lambda product: product.id)
        if product.id > beyond and (price := product.price_at(currency, now)) is not None
    ]
    page = sold[:limit]
    rows = [_product(catalogue, product, price, product.package_at(now)) for product, price in page]
    more = cursor_after(PRODUCTS, page[-1][0].id) if len(sold) > limit else None
    return ProductsAnswer(products=rows, next=more)


def _product(
    catalogue: Catalogue, product: Product, price: Price, package: Package | None
) -> ProductAnswer:
    return ProductAnswer.of(
        product,
        product_id=product.id,
        service_type_name=catalogue.service_by_code[product.service_type_code].name,
        resource_type_name=catalogue.resource_by_code[product.resource_type_code].name,
        regions=sorted(product.regions),
        currency=price.currency,
        price_month=price.month,
        price_year=price.year,
        price_hour=price.on_demand[0].hour if price.on_demand else None,
        tiers=[
            TierAnswer.of(tier, price=tier.hour, currency=price.currency) for tier in price.tiers
        ],
        discount_ratio=price.discount,
        valid_from=price.valid_from,
        package=None if package is None else _package(package),
    )


def _package(package: Package) -> PackageAnswer:
    return PackageAnswer.of(
        package,
        quota_reuse_mode=package.reuse_mode,
        quota_reuse_cycle=package.cycle,
        quota_reuse_cycle_type=package.cycle_type,
        items=[PackageItemAnswer.of(item, quantity=item.amount) for item in package.items],
    )


def list_service_types(
    catalogue: Catalogue, name: str | None, language: str | None, limit: int, offset: int
) -> dict[str, Any]:
    """Service types whose name contains `name`, in either language."""
    found = [
        service
        for service in catalogue.service_types
        if name is None or name.lower() in f"{service.name}\n{service.name_en}".lower()
    ]
    rows = [
        {
            "service_type_name": name_of(service, language),
            "service_type_code": service.code,
            "abbreviation": service.abbreviation,
        }
        for service in _page(found, limit, offset)
    ]
    return {"total_count": len(found), "service_types": rows}


def list_resource_types(
    catalogue: Catalogue, language: str | None, limit: int, offset: int
) -> dict[str, Any]:
    """All resource types, each with its service."""
    rows = [
        {
            "resource_type_code": resource.code,
            "resource_type_name": name_of(resource, language),
            "resource_type_desc": name_of(resource, language),
            "service_type_code": resource.service_type_code,
        }
        for resource in _page(catalogue.resource_types, limit, offset)
    ]
    return {"total_count": len(catalogue.resource_types), "resource_types": rows}


def list_service_resources(
    catalogue: Catalogue, service: str, language: str | None, limit: int, offset: int
) -> dict[str, Any]:
    """The resource types of a service; none of one that there is not."""
    found = [one for one in catalogue.resource_types if one.service_type_code == service]
    rows = [
        {
            "basic_info": {
                "resource_type_code": resource.code,
                "product_owner_service": resource.service_type_code,
                "name": name_of(resource, language),
                "description": name_of(resource, language),
            }
        }
        for resource in _page(found, limit, offset)
    ]
    return {"total_count": len(found), "infos": rows}


def list_usage_types(
    catalogue: Catalogue, resource: str | None, language: str | None, limit: int, offset: int
) -> dict[str, Any]:
    """What is metered, of one resource type when asked; an empty one is one that nobody has."""
    found = [one for one in catalogue.usage_types if resource in (None, one.resource_type_code)]
    rows = [_usage_type(catalogue, one, language) for one in _page(found, limit, offset)]
    return {"total_count": len(found), "usage_types": rows}


def _usage_type(catalogue: Catalogue, one: UsageType, language: str | None) -> dict[str, Any]:
    resource = catalogue.resource_by_code[one.resource_type_code]
    service = catalogue.service_by_code[resource.service_type_code]
    return {
        "code": one.code,
        "name": name_of(one, language),
        "resource_type_code": resource.code,
        "service_type_code": service.code,
        "resource_type_name": name_of(resource, language),
        "service_type_name": name_of(service, language),
    }


def list_measure_units(catalogue: Catalogue) -> dict[str, Any]:
    """All units."""
    rows = [
        {
            "measure_id": measure.id,
            "measure_name": measure.name,
            "abbreviation": measure.abbreviation,
            "measure_type": measure.type,
        }
        for measure in catalogue.measures
    ]
    return {"measure_units": rows}


def list_conversions(catalogue: Catalogue, measure_type: int | None) -> dict[str, Any]:
    """How units convert; of one type, when asked."""
    rows = [
        {
            "measure_id": conversion.measure_id,
            "ref_measure_id": conversion.ref_measure_id,
            "conversion_ratio": conversion.ratio,
            "measure_type": conversion.type,
        }
        for conversion in catalogue.conversions
        if measure_type in (None, conversion.type)
    ]
    return {"conversions": rows}


def name_of(row: ServiceType | ResourceType | UsageType, language: str | None) -> str:
    return row.name if language_of(language, CHINESE) == CHINESE else row.name_en


def _page(rows: Sequence[Row], limit: int, offset: int) -> Sequence[Row]:
    return rows[offset : offset + limit]
