"""The door to the catalogue: wire operations, the native list of products, and order's quotes."""

from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.responses import Response

from billing.prices.catalogue import Catalogue
from billing.prices.list_products import (
    list_conversions,
    list_measure_units,
    list_products,
    list_resource_types,
    list_service_types,
)
from billing.prices.quote_order import WantedQuote, quote_order
from billing.prices.rate_on_demand import RateOnDemand, rate_on_demand
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal, WrongPrincipalError
from chassis.routes import Router
from wire.types import WireQuery
from wire.vocabulary import CURRENCY_OF_SITE

router = Router()

PRODUCTS_MAX = 100

XLanguage = Annotated[str | None, Header()]


def current_catalogue(request: Request) -> Catalogue:
    """The catalogue that the application was built with."""
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


CurrentCatalogue = Annotated[Catalogue, Depends(current_catalogue)]


class ServiceTypesQuery(WireQuery, operation="list_service_types"):
    """The query of list_service_types."""

    service_type_name: str | None = None
    limit: int = 10
    offset: int = 0


class ResourceTypesQuery(WireQuery, operation="list_resource_types"):
    """The query of list_resource_types."""

    limit: int = 10
    offset: int = 0


class ConversionsQuery(WireQuery, operation="list_conversions"):
    """The query of list_conversions."""

    measure_type: int | None = None


@router.get("/v2/products/service-types")
async def service_types(
    query: Annotated[ServiceTypesQuery, Query()],
    _principal: CurrentPrincipal,
    catalogue: CurrentCatalogue,
    x_language: XLanguage = None,
) -> Response:
    """list_service_types."""
    name = query.service_type_name
    return JsonAnswer(list_service_types(catalogue, name, x_language, query.limit, query.offset))


@router.get("/v2/products/resource-types")
async def resource_types(
    query: Annotated[ResourceTypesQuery, Query()],
    _principal: CurrentPrincipal,
    catalogue: CurrentCatalogue,
    x_language: XLanguage = None,
) -> Response:
    """list_resource_types."""
    return JsonAnswer(list_resource_types(catalogue, x_language, query.limit, query.offset))


@router.get("/v2/bases/measurements")
async def measure_units(_principal: CurrentPrincipal, catalogue: CurrentCatalogue) -> Response:
    """list_measure_units."""
    return JsonAnswer(list_measure_units(catalogue))


@router.get("/v2/bases/conversions")
async def conversions(
    query: Annotated[ConversionsQuery, Query()],
    _principal: CurrentPrincipal,
    catalogue: CurrentCatalogue,
) -> Response:
    """list_conversions."""
    return JsonAnswer(list_conversions(catalogue, query.measure_type))


@router.post("/v2/bills/ratings/on-demand-resources")
async def on_demand_ratings(
    body: RateOnDemand, principal: CurrentPrincipal, catalogue: CurrentCatalogue, now: Now
) -> Response:
    """list_on_demand_resource_ratings."""
    if not principal.is_customer:
        raise WrongPrincipalError
    return JsonAnswer(rate_on_demand(catalogue, body, CURRENCY_OF_SITE[principal.site], now))


@router.get("/api/products")
async def products(
    principal: CurrentPrincipal,
    catalogue: CurrentCatalogue,
    now: Now,
    limit: Annotated[int, Query(ge=1, le=PRODUCTS_MAX)] = PRODUCTS_MAX,
    after: str | None = None,
) -> Response:
    """Products with the price in effect, in the currency of the caller's site."""
    currency = CURRENCY_OF_SITE[principal.site]
    return JsonAnswer(list_products(catalogue, currency, now, limit, after))


@router.post("/internal/quotes")
async def quotes(
    body: WantedQuote,
    principal: CurrentPrincipal,
    session: HttpSession,
    catalogue: CurrentCatalogue,
    now: Now,
) -> Response:
    """The price of an order that is about to be placed."""
    return JsonAnswer(await quote_order(session, principal, catalogue, body, now))
