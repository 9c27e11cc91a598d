"""What the catalogue holds, for people and for the vendor's SDK."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from billing.prices.catalogue import Catalogue, Price, Product, ResourceType, ServiceType
from chassis.cursors import cursor_after, keys_after
from wire.codes import CHINESE, language_of

Row = TypeVar("Row")
PRODUCTS = "products"


def list_products(
    catalogue: Catalogue, currency: str, now: datetime, limit: int, after: str | None
) -> dict[str, Any]:
    """Products with the price in effect, by id; `after` is the `next` of the page before."""
    beyond = keys_after(PRODUCTS, after)[0] if after is not None else ""
    sold = [
        (product, price)
        for product in sorted(catalogue.products, key=lambda product: product.id)
        if product.id > beyond and (price := product.price_at(currency, now)) is not None
    ]
    page = sold[:limit]
    rows = [_product(catalogue, product, price) for product, price in page]
    more = cursor_after(PRODUCTS, page[-1][0].id) if len(sold) > limit else None
    return {"products": rows, "next": more}


def _product(catalogue: Catalogue, product: Product, price: Price) -> dict[str, Any]:
    return {
        "product_id": product.id,
        "service_type_code": product.service_type_code,
        "service_type_name": catalogue.service_by_code[product.service_type_code].name,
        "resource_type_code": product.resource_type_code,
        "resource_type_name": catalogue.resource_by_code[product.resource_type_code].name,
        "resource_spec_code": product.resource_spec_code,
        "description": product.description,
        "regions": sorted(product.regions),
        "size_measure_id": product.size_measure_id,
        "is_marketplace": product.is_marketplace,
        "provisioning_seconds": product.provisioning_seconds,
        "currency": price.currency,
        "price_month": _text(price.month),
        "price_year": _text(price.year),
        "price_hour": _text(price.hour),
        "discount_ratio": _text(price.discount),
        "valid_from": price.valid_from,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


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
            "service_type_name": _name(service, language),
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
            "resource_type_name": _name(resource, language),
            "resource_type_desc": _name(resource, language),
            "service_type_code": resource.service_type_code,
        }
        for resource in _page(catalogue.resource_types, limit, offset)
    ]
    return {"total_count": len(catalogue.resource_types), "resource_types": rows}


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


def _name(row: ServiceType | ResourceType, language: str | None) -> str:
    return row.name if language_of(language, CHINESE) == CHINESE else row.name_en


def _page(rows: Sequence[Row], limit: int, offset: int) -> Sequence[Row]:
    return rows[offset : offset + limit]
