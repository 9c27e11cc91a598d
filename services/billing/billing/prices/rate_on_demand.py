"""The price of using something on demand, before it is used (询价)."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer
from billing.discounts.models import INQUIRY_TYPES
from billing.prices.catalogue import Catalogue, PriceNotFoundError
from billing.prices.lower_usage import Sold, UsageDiscounts
from billing.prices.products import Product
from billing.prices.rate import Usage, discounted, tiered_fee
from chassis.errors import BadFieldError, RefusedError
from wire.types import Number, WireRequest
from wire.vocabulary import YUAN

PLACES_OF_PRECISION = {0: 6, 1: 10}  # docs/domain/money-and-time.md E
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


async def rate_on_demand(
    session: AsyncSession,
    catalogue: Catalogue,
    wanted: RateOnDemand,
    customer_id: str,
    currency: str,
    now: datetime,
) -> dict[str, Any]:
    """List price, discount and amount of each product and in sum, cut to 6 or 10 decimals.

    Raises:
        BadFieldError, ProductNotFoundError, PriceNotFoundError, UsageFactorNotFoundError,
        UnitNotFoundError, UnitNotConvertibleError

    """
    ids = [product.id for product in wanted.product_infos]
    if len(set(ids)) < len(ids):
        raise BadFieldError("product_infos.id", "must not repeat")
    places = PLACES_OF_PRECISION[wanted.inquiry_precision]
    customer = await session.get(Customer, customer_id)
    discounts = UsageDiscounts([])
    if customer is not None:
        discounts = await UsageDiscounts.of(session, [customer], now, now)
    results = []
    for product in wanted.product_infos:
        result = _rate(catalogue, product, currency, now, places)
        if customer is not None:
            _lower(catalogue, product, result, discounts, customer, now, places)
        results.append(result)
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
    price = product.price_at(currency, now, wanted.region)
    if price is None or not price.on_demand:
        raise PriceNotFoundError(product.id)
    official = tiered_fee(price.on_demand, _usage(catalogue, product, wanted), places)
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


def _lower(
    catalogue: Catalogue,
    wanted: WantedRating,
    result: dict[str, Any],
    discounts: UsageDiscounts,
    customer: Customer,
    now: datetime,
    places: int,
) -> None:
    """The discount that rating would use, as if nothing had been used in the cycle before."""
    product = catalogue.by_id[result["product_id"]]
    price = product.price_at(customer.currency, now, wanted.region)
    assert price is not None  # it was rated
    usage = _usage(catalogue, product, wanted)
    sold = Sold(product, wanted.region, price)
    best = discounts.lower(catalogue, customer, sold, usage, now, places)
    if best.discount is None:
        return
    amount = best.fee.official - best.fee.discount
    off = result["amount"] - amount
    result["amount"], result["discount_amount"] = amount, best.fee.discount
    result["discount_rating_results"] = [
        {
            "discount_id": best.discount.discount_id,
            "discount_type": INQUIRY_TYPES[best.discount.discount_type],
            "amount": off,
            "measure_id": YUAN,
            "discount_name": best.discount.name,
        }
    ]


def _usage(catalogue: Catalogue, product: Product, wanted: WantedRating) -> Usage:
    numerator, denominator = catalogue.ratio(wanted.usage_measure_id, product.usage_measure_id)
    size = wanted_size(catalogue, product, wanted.resource_size, wanted.size_measure_id)
    return Usage(
        wanted.usage_value, numerator, denominator, size or Decimal(1), wanted.subscription_num
    )


def wanted_size(
    catalogue: Catalogue, product: Product, size: int | None, measure_id: int | None
) -> Decimal | None:
    """The size in the product's unit; a linear product cannot do without, others have none.

    See docs/domain/prices.md F11.
    """
    if product.size_measure_id is None:
        return None
    if size is None:
        raise BadFieldError("product_infos.resource_size", "needed for a linear product")
    if measure_id is None:
        raise BadFieldError("product_infos.size_measure_id", "needed for a linear product")
    numerator, denominator = catalogue.ratio(measure_id, product.size_measure_id)
    return Decimal(size * numerator) / denominator
