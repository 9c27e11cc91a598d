"""The price of using something on demand, before it is used (询价)."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from billing.prices.catalogue import Catalogue, Product, ProductNotFoundError
from billing.prices.rate import Usage, discounted, list_fee
from chassis.errors import BadFieldError, RefusedError
from wire.types import Number, WireRequest

PLACES_OF_PRECISION = {0: 6, 1: 10}  # docs/domain/money-and-time.md E
YUAN = 1  # measure_id
COUNT_MAX = 10**9  # of a size in its measure, and of equal products
USAGE_BELOW = Decimal(10) ** 15  # in the inquiry's measure


class UsageFactorNotFoundError(RefusedError):
    """The product is not charged by that factor."""

    code = "CBC.99006017"


class WantedRating(WireRequest):
    """One product of an inquiry."""

    id: str
    cloud_service_type: str
    resource_type: str
    resource_spec: str
    region: str
    resource_size: Annotated[int, Field(ge=1, le=COUNT_MAX)] | None = None
    size_measure_id: int | None = None
    usage_factor: str
    usage_value: Annotated[Number, Field(ge=0, lt=USAGE_BELOW)]
    usage_measure_id: int
    subscription_num: Annotated[int, Field(ge=1, le=COUNT_MAX)]


class RateOnDemand(WireRequest, operation="list_on_demand_resource_ratings"):
    """The body of list_on_demand_resource_ratings."""

    project_id: str
    inquiry_precision: int = 0
    product_infos: list[WantedRating]


def rate_on_demand(
    catalogue: Catalogue, wanted: RateOnDemand, currency: str, now: datetime
) -> dict[str, Any]:
    """List price, discount and amount of each product and in sum, cut to 6 or 10 decimals.

    Raises:
        BadFieldError, ProductNotFoundError, UsageFactorNotFoundError, UnitNotFoundError,
        UnitNotConvertibleError

    """
    ids = [product.id for product in wanted.product_infos]
    if len(set(ids)) < len(ids):
        raise BadFieldError("product_infos.id", "must not repeat")
    places = PLACES_OF_PRECISION[wanted.inquiry_precision]
    results = [_rate(catalogue, product, currency, now, places) for product in wanted.product_infos]
    totals = {
        name: sum((result[name] for result in results), Decimal(0))
        for name in ("amount", "discount_amount", "official_website_amount")
    }
    return {
        **totals, "measure_id": YUAN, "currency": currency, "product_rating_results": results
    }  # fmt: skip


def _rate(
    catalogue: Catalogue, wanted: WantedRating, currency: str, now: datetime, places: int
) -> dict[str, Any]:
    product = catalogue.find_product(
        wanted.cloud_service_type, wanted.resource_type, wanted.resource_spec, wanted.region
    )
    if wanted.usage_factor.lower() != product.usage_factor.lower():
        raise UsageFactorNotFoundError(wanted.usage_factor)
    price = product.price_at(currency, now)
    if price is None or price.hour is None:
        raise ProductNotFoundError(product.id)
    official = list_fee(price.hour, _usage(catalogue, product, wanted), places)
    amount = discounted(official, price.discount, places)
    return {
        "id": wanted.id,
        "product_id": product.id,
        "amount": amount,
        "discount_amount": official - amount,
        "official_website_amount": official,
        "measure_id": YUAN,
        "discount_rating_results": [],
    }


def _usage(catalogue: Catalogue, product: Product, wanted: WantedRating) -> Usage:
    numerator, denominator = catalogue.ratio(wanted.usage_measure_id, product.usage_measure_id)
    return Usage(
        wanted.usage_value, numerator, denominator, _size(catalogue, product, wanted),
        wanted.subscription_num,
    )  # fmt: skip


def _size(catalogue: Catalogue, product: Product, wanted: WantedRating) -> Decimal:
    """The size in the product's unit; a linear product cannot do without.

    See docs/domain/prices.md F11.
    """
    if product.size_measure_id is None:
        return Decimal(1)
    if wanted.resource_size is None:
        raise BadFieldError("product_infos.resource_size", "needed for a linear product")
    if wanted.size_measure_id is None:
        raise BadFieldError("product_infos.size_measure_id", "needed for a linear product")
    numerator, denominator = catalogue.ratio(wanted.size_measure_id, product.size_measure_id)
    return Decimal(wanted.resource_size * numerator) / denominator
