"""The gateway: the outer door, identity, and whatever else the one process answers."""

from datetime import datetime

from starlette.middleware import Middleware

from chassis import cli
from chassis.app import service_app
from chassis.clock import WallClock, wall_now
from chassis.database import Database
from chassis.parts import ServiceApp
from chassis.rebuild import Copied
from chassis.schedules import WallSchedule
from chassis.sideways import Sideways
from gateway.feed import api as feed_api
from gateway.feed.prune_events import prune_events
from gateway.feed.watch_head import FeedWatch
from gateway.forwarding.door import Door
from gateway.forwarding.forward import Forwarder
from gateway.forwarding.replace_password import PasswordDesk
from gateway.forwarding.whole_files import WholeFiles
from gateway.identity import api as identity_api
from gateway.identity.authenticate import Authenticator
from gateway.identity.complete_roles import complete_roles
from gateway.identity.consumers import identity_consumers
from gateway.identity.keyring import Keyring
from gateway.identity.prune_credentials import prune_credentials
from gateway.ops import api as ops_api
from gateway.ops import many_api as ops_many_api
from gateway.ops import parked_api as ops_parked_api
from gateway.ops import work_api as ops_work_api
from gateway.ops.console import Console
from gateway.ops.pages import STATIC
from gateway.ops.sessions import prune_sessions
from gateway.parts import GatewayParts
from gateway.portfolio import api as portfolio_api
from gateway.portfolio.consumers import consumers as portfolio_consumers
from gateway.portfolio.finish_rebuild import finish_rebuild
from gateway.published import api as published_api
from gateway.published.describe_api import PublishedApi
from gateway.rate_limit import RateLimit
from gateway.sandbox import api as sandbox_api
from gateway.sandbox.ask_clocks import Clocks
from gateway.sandbox.carry_moves import LOOK_EVERY_SECONDS, ClockMover
from gateway.settings import GatewaySettings

PRUNE_SECONDS = 60.0
COMPLETE_ROLES_SECONDS = 60.0
PRUNE_FEED_SECONDS = 600.0
COPIED = Copied(
    {
        "partner": ["partner", "operator"],
        "customer-sync": ["customer", "authorization"],
        "order": ["order", "resource"],
        "voucher": ["coupon"],
        "billing": ["account", "arrears", "line"],
    },
    finish_rebuild,
)


def build(settings: GatewaySettings, clock: WallClock = wall_now) -> ServiceApp[GatewayParts]:
    """The application."""
    parts = _parts(settings, clock)
    if settings.sandbox:
        parts.console.services.business = parts.business_clock

    async def roles(database: Database, _now: datetime) -> None:
        await complete_roles(database, parts.sideways, settings.partner_url.rstrip("/"))

    app = service_app(
        parts,
        routers=[
            identity_api.router,
            portfolio_api.router,
            feed_api.router,
            ops_api.router,
            ops_parked_api.router,
            ops_many_api.router,
            ops_work_api.router,
            published_api.router,
            sandbox_api.router,
        ],
        consumers=[identity_consumers(parts.keyring.known), portfolio_consumers],
        schedules=[
            *_moves(parts),
            WallSchedule("complete roles", COMPLETE_ROLES_SECONDS, roles),
            WallSchedule("prune credentials", PRUNE_SECONDS, prune_credentials),
            WallSchedule("prune console sessions", PRUNE_SECONDS, prune_sessions),
            WallSchedule("prune events", PRUNE_FEED_SECONDS, prune_events),
        ],
        copied=COPIED,
        resources=[
            parts.keyring.open,
            parts.forwarder.open,
            parts.feed_watch.open,
            parts.console.open,
        ],
        on_ending=[parts.feed_watch.end_waits, parts.console.seats.end],
        warnings=[parts.keyring.passwords.warning],
        is_public=True,
        openapi_url=None,  # all that is answered, not the gateway's own routes alone
    )
    app.mount("/ops/static", WholeFiles(STATIC))
    # Innermost: requests have their ids by then, and no route is reached around it.
    app.user_middleware.append(Middleware(Door, parts=parts))
    return app


def _moves(parts: GatewayParts) -> list[WallSchedule]:
    """Whoever moves business time runs by the wall."""
    if not parts.settings.sandbox:
        return []
    return [WallSchedule("move clock", LOOK_EVERY_SECONDS, parts.clock_mover.work)]


def _parts(settings: GatewaySettings, clock: WallClock) -> GatewayParts:
    database, keyring = Database(settings, "gateway"), Keyring(settings)
    console = Console(settings, database, keyring, clock)
    secret = next(iter(settings.keys_at_rest.values()))
    return GatewayParts(
        name="gateway",
        settings=settings,
        wall_clock=clock,
        database=database,
        sideways=Sideways(settings),
        keyring=keyring,
        authenticator=Authenticator(database, keyring),
        rate_limit=RateLimit(),
        forwarder=Forwarder(settings),
        password_desk=PasswordDesk(database, keyring.passwords, secret),
        feed_watch=FeedWatch(database),
        console=console,
        published_api=PublishedApi(console.peers),
        clock_mover=ClockMover(Clocks(console.peers), clock),
    )


def main() -> None:
    """`gateway serve|migrate|…`."""
    cli.main("gateway", GatewaySettings, build)
