"""The door to the catalogue: wire operations, the native list of products, and order's quotes."""

from typing import Annotated

from fastapi import Header, Query
from fastapi.responses import Response

from billing.parts import CurrentParts
from billing.prices.list_agreement import ListAgreement, list_agreement
from billing.prices.list_policies import ListPolicies, list_policies
from billing.prices.list_products import (
    ProductsAnswer,
    list_conversions,
    list_measure_units,
    list_products,
    list_resource_types,
    list_service_resources,
    list_service_types,
    list_usage_types,
)
from billing.prices.list_specs import (
    ListPricedSpecs,
    ListSpecs,
    list_priced_specs,
    list_specs,
)
from billing.prices.quote_order import QuoteOrder, quote_order
from billing.prices.rate_on_demand import RateOnDemand, rate_on_demand
from billing.prices.rate_periods import RatePeriods, rate_periods
from billing.prices.rate_renewals import RateRenewals, rate_renewals
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from wire.types import WireQuery
from wire.vocabulary import CURRENCY_OF_SITE

router = Router()

PRODUCTS_MAX = 100

XLanguage = Annotated[str | None, Header()]


class ListServiceTypes(WireQuery, operation="list_service_types"):
    """The query of list_service_types."""

    service_type_name: str | None = None
    limit: int = 10
    offset: int = 0


class ListResourceTypes(WireQuery, operation="list_resource_types"):
    """The query of list_resource_types."""

    limit: int = 10
    offset: int = 0


class ListServiceResources(WireQuery, operation="list_service_resources"):
    """The query of list_service_resources."""

    service_type_code: str
    limit: int = 10
    offset: int = 0


class ListUsageTypes(WireQuery, operation="list_usage_types"):
    """The query of list_usage_types."""

    resource_type_code: str | None = None
    limit: int = 10
    offset: int = 0


class ListConversions(WireQuery, operation="list_conversions"):
    """The query of list_conversions."""

    measure_type: int | None = None


@router.get("/v2/products/service-types")
async def service_types(
    query: Annotated[ListServiceTypes, Query()],
    parts: CurrentParts,
    x_language: XLanguage = None,
) -> Response:
    """list_service_types."""
    name = query.service_type_name
    return JsonAnswer(
        list_service_types(parts.catalogue, name, x_language, query.limit, query.offset)
    )


@router.get("/v2/products/resource-types")
async def resource_types(
    query: Annotated[ListResourceTypes, Query()],
    parts: CurrentParts,
    x_language: XLanguage = None,
) -> Response:
    """list_resource_types."""
    return JsonAnswer(list_resource_types(parts.catalogue, x_language, query.limit, query.offset))


@router.get("/v2/products/service-resources")
async def service_resources(
    query: Annotated[ListServiceResources, Query()],
    parts: CurrentParts,
    x_language: XLanguage = None,
) -> Response:
    """list_service_resources."""
    service = query.service_type_code
    return JsonAnswer(
        list_service_resources(parts.catalogue, service, x_language, query.limit, query.offset)
    )


@router.get("/v2/products/usage-types")
async def usage_types(
    query: Annotated[ListUsageTypes, Query()],
    parts: CurrentParts,
    x_language: XLanguage = None,
) -> Response:
    """list_usage_types."""
    resource = query.resource_type_code
    return JsonAnswer(
        list_usage_types(parts.catalogue, resource, x_language, query.limit, query.offset)
    )


@router.post("/v2/products/resource-specs-query")
async def resource_specs(
    body: ListSpecs,
    principal: CurrentPrincipal,
    parts: CurrentParts,
    now: Now,
    x_language: XLanguage = None,
) -> Response:
    """list_resource_specs."""
    currency = CURRENCY_OF_SITE[principal.site]
    return JsonAnswer(list_specs(parts.catalogue, body, currency, now, x_language))


@router.post("/v2/products/resource-specs-price/query")
async def priced_specs(
    body: ListPricedSpecs,
    principal: CurrentPrincipal,
    parts: CurrentParts,
    now: Now,
    x_language: XLanguage = None,
) -> Response:
    """list_resource_specs_price."""
    currency = CURRENCY_OF_SITE[principal.site]
    return JsonAnswer(list_priced_specs(parts.catalogue, body, currency, now, x_language))


@router.get("/v2/products/incentive-discount-policies")
async def policies(query: Annotated[ListPolicies, Query()], parts: CurrentParts) -> Response:
    """list_incentive_discount_policies."""
    return JsonAnswer(list_policies(parts.catalogue, query))


@router.get("/v2/bases/measurements")
async def measure_units(parts: CurrentParts) -> Response:
    """list_measure_units."""
    return JsonAnswer(list_measure_units(parts.catalogue))


@router.get("/v2/bases/conversions")
async def conversions(
    query: Annotated[ListConversions, Query()],
    parts: CurrentParts,
) -> Response:
    """list_conversions."""
    return JsonAnswer(list_conversions(parts.catalogue, query.measure_type))


@router.post("/v2/bills/ratings/on-demand-resources")
async def on_demand_ratings(
    body: RateOnDemand,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
) -> Response:
    """list_on_demand_resource_ratings."""
    currency = CURRENCY_OF_SITE[principal.site]
    return JsonAnswer(
        await rate_on_demand(session, parts.catalogue, body, principal.id, currency, now)
    )


@router.post("/v2/bills/ratings/period-resources/subscribe-rate")
async def period_ratings(
    body: RatePeriods,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
) -> Response:
    """list_rate_on_period_detail."""
    return JsonAnswer(await rate_periods(session, parts.catalogue, principal.id, body, now))


@router.post("/v2/bills/ratings/period-resources/renew-rate")
async def renewal_ratings(
    body: RateRenewals,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
    x_language: XLanguage = None,
) -> Response:
    """list_renew_rate_on_period."""
    return JsonAnswer(
        await rate_renewals(session, parts.catalogue, principal.id, body, now, x_language)
    )


@router.post("/v2/promotions/business/discount-info")
async def agreement(
    body: ListAgreement,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
    x_language: XLanguage = None,
) -> Response:
    """list_business_discount_info."""
    return JsonAnswer(
        await list_agreement(session, principal, parts.catalogue, body, now, x_language)
    )


@router.get("/api/products", response_model=ProductsAnswer)
async def products(
    principal: CurrentPrincipal,
    parts: CurrentParts,
    now: Now,
    limit: Annotated[int, Query(ge=1, le=PRODUCTS_MAX)] = PRODUCTS_MAX,
    after: str | None = None,
) -> Response:
    """Products with the price in effect, in the currency of the caller's site."""
    currency = CURRENCY_OF_SITE[principal.site]
    return JsonAnswer(list_products(parts.catalogue, currency, now, limit, after))


@router.post("/internal/quotes")
async def quotes(
    body: QuoteOrder,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
) -> Response:
    """The price of an order that is about to be placed."""
    return JsonAnswer(await quote_order(session, principal, parts.catalogue, body, now))
