"""One ASGI application per service: both doors, the relay and the schedules, started together."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.datastructures import State

from chassis import crash
from chassis.bus import bus
from chassis.clock import Clock, utc_now
from chassis.connecting import SharedSessionError
from chassis.consumers import Consumers
from chassis.database import Database
from chassis.error_answers import install_error_answers
from chassis.failures import DatabaseAwayError
from chassis.health import health_router
from chassis.idempotency import ReplayedAnswer, replayed
from chassis.logs import get_logger
from chassis.parked_api import parked_router
from chassis.positions_api import positions_router
from chassis.rebuild import Copied
from chassis.request_context import RequestContext
from chassis.restatement import Restater, restating
from chassis.restatement_api import restatement_router
from chassis.schedules import Schedule
from chassis.settings import ServiceSettings
from chassis.sideways import Sideways
from chassis.try_again import TryAgain

log = get_logger(__name__)

Resource = Callable[[FastAPI], Any]  # makes an async context manager that lives with the process


def service_app(
    name: str,
    settings: ServiceSettings,
    *,
    routers: Sequence[APIRouter],
    consumers: Sequence[Consumers] = (),
    schedules: Sequence[Schedule] = (),
    restaters: Sequence[Restater] = (),
    copied: Copied | None = None,
    resources: Sequence[Resource] = (),
    clock: Clock = utc_now,
    openapi_url: str | None = "/openapi.json",
    is_public: bool = False,
) -> FastAPI:
    """The service's application; nothing is opened before its lifespan. `name` is its package.

    `openapi_url` is None where the service publishes its OpenAPI by itself. What services ask each
    other is answered on the same listener, unless that one is open to the world (`is_public`).

    On `app.state`: ops (the application of the second listener: health and metrics), settings,
    clock, database, bus_database, sideways, consumers, restaters,
    copied, subscriptions, relay, warnings (what `/readyz` tells although the service is ready).
    """
    crash.arm(settings.crash_at)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await app.state.sideways.start()
            stack.push_async_callback(app.state.sideways.close)
            stack.push_async_callback(app.state.database.close)
            stack.push_async_callback(app.state.bus_database.close)
            await _refuse_shared_sessions(app.state.database)
            for resource in resources:
                await stack.enter_async_context(resource(app))
            if settings.bus_enabled:
                work = [*schedules, restating(restaters)] if restaters else schedules
                await stack.enter_async_context(bus(app, name, consumers, work))
            app.state.ready = True
            log.info("ready")
            yield
            log.info("stopping")
            app.state.ready = False

    app = FastAPI(
        title=f"Channelbus {name}", lifespan=lifespan, redirect_slashes=False, docs_url=None,
        redoc_url=None, openapi_url=openapi_url,
    )  # fmt: skip
    app.state.settings = settings
    app.state.clock = clock
    app.state.database = Database(settings, name)
    app.state.bus_database = app.state.database.for_bus()
    app.state.sideways = Sideways(settings)
    app.state.consumers = {group.name: group for group in consumers}
    app.state.restaters = list(restaters)
    app.state.copied = copied
    app.state.subscriptions = []
    app.state.warnings = []
    app.state.ready = False
    install_error_answers(app)
    app.add_exception_handler(ReplayedAnswer, replayed)
    for router in routers:
        app.include_router(router)
    app.state.ops = _ops_app(name, app.state)
    for internal in (parked_router, positions_router, restatement_router):
        (app.state.ops if is_public else app).include_router(internal, include_in_schema=False)
    for one in (app, app.state.ops):
        one.add_middleware(TryAgain)
        one.add_middleware(RequestContext, log_share=settings.request_log_share)
    return app


def _ops_app(name: str, state: State) -> FastAPI:
    """What only operators and other services reach: on the same state, on another port."""
    ops = FastAPI(
        title=f"Channelbus {name}", redirect_slashes=False, docs_url=None, redoc_url=None,
        openapi_url=None,
    )  # fmt: skip
    ops.state = state
    install_error_answers(ops)
    ops.include_router(health_router)
    return ops


async def _refuse_shared_sessions(database: Database) -> None:
    """Not even start behind a pooler that shares them; one that is away is proven by `/readyz`."""
    try:
        await database.prove_sessions()
    except SharedSessionError as error:
        log.critical("refused to start", why=str(error))
        raise
    except DatabaseAwayError as error:
        log.warning("database away", error=str(error))
