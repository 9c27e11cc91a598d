"""`GET /openapi.json` and `GET /asyncapi.json`, open to everybody."""

from fastapi import Request, Response

from chassis.answers import JsonAnswer
from chassis.parts import application_of
from chassis.routes import Router
from contracts import asyncapi
from gateway.parts import CurrentParts

router = Router(include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request, parts: CurrentParts) -> Response:
    """What may be asked: the vendor's operations, identity, and the native API."""
    own = application_of(request.scope).openapi()
    return Response(await parts.published_api.document(own), media_type="application/json")


@router.get("/asyncapi.json")
async def events(parts: CurrentParts) -> Response:
    """What is told on Kafka."""
    return JsonAnswer(asyncapi.document(parts.settings.topic_prefix))
