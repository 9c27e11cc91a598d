"""The door to the mainland's divisions."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.routes import Router
from customer_sync.divisions.list_divisions import (
    CITIES,
    COUNTIES,
    COUNTRY,
    PROVINCES,
    ListCities,
    ListCounties,
    ListProvinces,
    list_divisions,
)
from customer_sync.parts import CurrentParts

router = Router()


@router.get("/v2/systems/configs/provinces")
async def provinces(wanted: Annotated[ListProvinces, Query()], parts: CurrentParts) -> Response:
    """list_provinces; there are Chinese names only, whatever X-Language asks for."""
    return JsonAnswer(
        list_divisions(parts.divisions, PROVINCES, COUNTRY, wanted.limit, wanted.offset)
    )


@router.get("/v2/systems/configs/cities")
async def cities(wanted: Annotated[ListCities, Query()], parts: CurrentParts) -> Response:
    """list_cities."""
    above = wanted.province_code
    return JsonAnswer(list_divisions(parts.divisions, CITIES, above, wanted.limit, wanted.offset))


@router.get("/v2/systems/configs/counties")
async def counties(wanted: Annotated[ListCounties, Query()], parts: CurrentParts) -> Response:
    """list_counties."""
    above = wanted.city_code
    return JsonAnswer(list_divisions(parts.divisions, COUNTIES, above, wanted.limit, wanted.offset))
