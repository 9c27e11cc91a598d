"""`/livez`, `/readyz` and `/metrics`: truthful, without an identity, on a port of their own."""

import asyncio
import time
from collections import deque

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from chassis.answers import JsonAnswer
from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.metrics import LOOP_LAG
from chassis.parts import application_of
from chassis.routes import Router
from chassis.schema import SchemaError

DATABASE_ANSWERS_SECONDS_MAX = 2.0
LOOP_WATCH_SECONDS = 1.0
LOOP_LAG_KEPT_SECONDS = 60.0

health_router = Router()


@health_router.get("/livez", include_in_schema=False)
async def livez(request: Request) -> Response:
    """503 when a consumer has lag and has not advanced for the set time."""
    stalled = {
        subscription.progress.name: reason
        for subscription in application_of(request.scope).running.subscriptions
        if (reason := subscription.progress.stalled())
    }
    return JsonAnswer({"alive": not stalled, "stalled": stalled}, 503 if stalled else 200)


@health_router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> Response:
    """503 until everything is started, and while the database takes no writes.

    A consumer that stands is an alarm beside it: requests are served as well as before.
    """
    application = application_of(request.scope)
    running = application.running
    alarms = [
        alarm
        for subscription in running.subscriptions
        for alarm in subscription.progress.told_alarms()
    ]
    warnings = [told for warn in running.warnings if (told := warn()) is not None]
    waits_for = await _missing(application.parts.database)
    ready = running.ready and waits_for is None
    said = {"ready": ready, "waits_for": waits_for, "alarms": alarms, "warnings": warnings}
    return JsonAnswer(said, 200 if ready else 503)


async def _missing(database: Database) -> str | None:
    """What of the database is not as it must be."""
    try:
        async with asyncio.timeout(DATABASE_ANSWERS_SECONDS_MAX):
            await database.prove_writable()
    except SchemaError as other:
        return str(other)
    except (SQLAlchemyError, DatabaseAwayError, TimeoutError):
        return "a database that takes writes"
    return None


@health_router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Prometheus text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def watch_loop() -> None:
    """Measure how late the event loop runs: a blocked loop loses partitions.

    The worst of a minute is told, so that no scrape misses it.
    """
    lags = deque[float](maxlen=round(LOOP_LAG_KEPT_SECONDS / LOOP_WATCH_SECONDS))
    while True:
        started = time.monotonic()
        await asyncio.sleep(LOOP_WATCH_SECONDS)
        lags.append(max(time.monotonic() - started - LOOP_WATCH_SECONDS, 0.0))
        LOOP_LAG.set(max(lags))
