"""The door to points of bandwidth."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.points.list_usage import ListUsage, ListUsageSummary, list_usage, list_usage_summary
from billing.points.record_points import PointsAnswer, RecordPoints, record_points
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.post("/api/usage-points", response_model=PointsAnswer)
async def usage_points(
    body: RecordPoints,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Keep points of bandwidth; they show what a month's usage record charges."""
    return await idempotency.answer(await record_points(session, principal, body.points, now))


@router.get("/v2/bills/customer-bills/resources/usage/summary")
async def resource_usage_summary(
    query: Annotated[ListUsageSummary, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_resource_usage_summary."""
    return JsonAnswer(await list_usage_summary(session, principal, query, now))


@router.get("/v2/bills/customer-bills/resources/usage/details")
async def resource_usage(
    query: Annotated[ListUsage, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_resource_usage."""
    return JsonAnswer(await list_usage(session, principal, query, now))
