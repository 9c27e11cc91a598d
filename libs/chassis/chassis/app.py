"""One ASGI application per service: both doors, the relay and the schedules, started together."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI

from chassis import crash
from chassis.bus import bus
from chassis.clock import WallClock, wall_now
from chassis.clock_api import clock_router
from chassis.connecting import SharedSessionError
from chassis.consumers import Consumers
from chassis.credentials import tell_expiries
from chassis.database import Database
from chassis.error_answers import install_error_answers
from chassis.failures import DatabaseAwayError
from chassis.health import health_router
from chassis.idempotency import ReplayedAnswer, replayed
from chassis.logs import get_logger
from chassis.parked_api import parked_router
from chassis.parts import Application, Parts, Running, ServiceApp
from chassis.positions_api import positions_router
from chassis.rebuild import Copied
from chassis.request_context import RequestContext
from chassis.restatement import Restater, restating
from chassis.restatement_api import restatement_router
from chassis.schedules import AnySchedule
from chassis.settings import ServiceSettings
from chassis.sideways import Sideways
from chassis.try_again import TryAgain

log = get_logger(__name__)

P = TypeVar("P", bound=Parts)

Resource = Callable[[], AbstractAsyncContextManager[Any]]  # lives as long as the process


def basic_parts(name: str, settings: ServiceSettings, clock: WallClock = wall_now) -> Parts:
    """The parts of a service that has none of its own; nothing is opened yet."""
    return Parts(
        name=name,
        settings=settings,
        wall_clock=clock,
        database=Database(settings, name),
        sideways=Sideways(settings),
    )


def service_app(
    parts: P,
    *,
    routers: Sequence[APIRouter],
    consumers: Sequence[Consumers] = (),
    schedules: Sequence[AnySchedule] = (),
    restaters: Sequence[Restater] = (),
    copied: Copied | None = None,
    resources: Sequence[Resource] = (),
    on_ending: Sequence[Callable[[], None]] = (),
    warnings: Sequence[Callable[[], str | None]] = (),
    openapi_url: str | None = "/openapi.json",
    is_public: bool = False,
) -> ServiceApp[P]:
    """The service's application; nothing is opened before its lifespan.

    `openapi_url` is None where the service publishes its OpenAPI by itself. What services ask each
    other is answered on the same listener, unless that one is open to the world (`is_public`).
    """
    settings = parts.settings
    crash.arm(settings.crash_at)
    running = Running(
        bus_database=parts.database.for_bus(),
        consumers={group.name: group for group in consumers},
        schedules=schedules,
        restaters=restaters,
        copied=copied,
        warnings=warnings,
        on_ending=list(on_ending),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            tell_expiries(settings)
            await parts.sideways.start()
            stack.push_async_callback(parts.sideways.close)
            stack.push_async_callback(parts.database.close)
            stack.push_async_callback(parts.business_clock.close)
            stack.push_async_callback(running.bus_database.close)
            await _refuse_shared_sessions(parts.database)
            for resource in resources:
                await stack.enter_async_context(resource())
            if settings.bus_enabled:
                planned = [*schedules, restating(restaters)] if restaters else schedules
                await stack.enter_async_context(bus(parts, running, planned))
            running.ready = True
            log.info("ready")
            yield
            log.info("stopping")
            running.end()

    ops = _ops_app(parts, running)
    app = ServiceApp(
        parts, running, ops, title=ops.title, lifespan=lifespan, redirect_slashes=False,
        docs_url=None, redoc_url=None, openapi_url=openapi_url,
    )  # fmt: skip
    install_error_answers(app)
    app.add_exception_handler(ReplayedAnswer, replayed)
    for router in routers:
        take_routes(app, router)
    internal_routers = [parked_router, positions_router, restatement_router]
    if settings.sandbox:
        internal_routers.append(clock_router)
    for internal in internal_routers:
        take_routes(ops if is_public else app, internal)
    for one in (app, ops):
        one.add_middleware(TryAgain)
        one.add_middleware(RequestContext, running=running, log_share=settings.request_log_share)
    return app


def take_routes(app: FastAPI, router: APIRouter) -> None:
    """Answer at the router's routes as they are.

    `include_router` would make each of them anew, in every application at its first request, and
    look through them twice at each further one.
    """
    app.router.routes.extend(router.routes)


def _ops_app(parts: P, running: Running) -> Application[P]:
    """What only operators and other services reach: of the same parts, on another port."""
    ops = Application(
        parts, running, title=f"Channelbus {parts.name}", redirect_slashes=False, docs_url=None,
        redoc_url=None, openapi_url=None,
    )  # fmt: skip
    install_error_answers(ops)
    take_routes(ops, health_router)
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
