"""`GET /openapi.json` and `GET /asyncapi.json`, open to everybody."""

from fastapi import Request, Response

from chassis.answers import JsonAnswer
from chassis.routes import Router
from contracts import asyncapi
from gateway.published.describe_api import PublishedApi

router = Router(include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """What may be asked: the vendor's operations, identity, and the native API."""
    published: PublishedApi = request.app.state.published_api
    return Response(await published.document(request.app.openapi()), media_type="application/json")


@router.get("/asyncapi.json")
async def events(request: Request) -> Response:
    """What is told on Kafka."""
    return JsonAnswer(asyncapi.document(request.app.state.settings.topic_prefix))
