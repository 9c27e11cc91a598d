"""The gateway: the outer door, identity, and whatever else the one process answers."""

from datetime import datetime

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from chassis import cli
from chassis.app import service_app
from chassis.clock import Clock, utc_now
from chassis.database import Database
from chassis.rebuild import Copied
from chassis.schedules import Schedule
from gateway.feed import api as feed_api
from gateway.feed.prune_events import prune_events
from gateway.feed.watch_head import FeedWatch
from gateway.forwarding.door import Door
from gateway.forwarding.forward import Forwarder
from gateway.forwarding.rate_limit import RateLimit
from gateway.forwarding.replace_password import PasswordDesk
from gateway.identity import api as identity_api
from gateway.identity.authenticate import Authenticator
from gateway.identity.complete_roles import complete_roles
from gateway.identity.consumers import identity_consumers
from gateway.identity.keyring import Keyring
from gateway.identity.prune_credentials import prune_credentials
from gateway.ops import api as ops_api
from gateway.ops.console import Console
from gateway.ops.pages import STATIC
from gateway.ops.sessions import prune_sessions
from gateway.portfolio import api as portfolio_api
from gateway.portfolio.consumers import consumers as portfolio_consumers
from gateway.portfolio.finish_rebuild import finish_rebuild
from gateway.published import api as published_api
from gateway.published.describe_api import PublishedApi
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


def build(settings: GatewaySettings, clock: Clock = utc_now) -> FastAPI:
    """The application.

    On `app.state` beside the chassis's: keyring, authenticator, forwarder, rate_limit,
    password_desk, feed_watch, console.
    """
    keyring = Keyring(settings)
    forwarder = Forwarder(settings)

    async def roles(database: Database, _now: datetime) -> None:
        await complete_roles(database, app.state.sideways, settings.partner_url.rstrip("/"))

    app = service_app(
        "gateway",
        settings,
        routers=[
            identity_api.router,
            portfolio_api.router,
            feed_api.router,
            ops_api.router,
            published_api.router,
        ],
        consumers=[identity_consumers(keyring.known), portfolio_consumers],
        schedules=[
            Schedule("complete roles", COMPLETE_ROLES_SECONDS, roles),
            Schedule("prune credentials", PRUNE_SECONDS, prune_credentials),
            Schedule("prune console sessions", PRUNE_SECONDS, prune_sessions),
            Schedule("prune events", PRUNE_FEED_SECONDS, prune_events),
        ],
        copied=COPIED,
        resources=[
            lambda _app: keyring.open(),
            lambda _app: forwarder.open(),
            lambda app: app.state.feed_watch.open(),
            lambda app: app.state.console.open(),
        ],
        clock=clock,
        is_public=True,
        openapi_url=None,  # all that is answered, not the gateway's own routes alone
    )
    state = app.state
    state.keyring = keyring
    state.forwarder = forwarder
    state.authenticator = Authenticator(state.database, keyring)
    state.warnings.append(keyring.passwords.warning)
    state.rate_limit = RateLimit()
    secret = next(iter(settings.keys_at_rest.values()))
    state.password_desk = PasswordDesk(state.database, keyring.passwords, secret)
    state.feed_watch = FeedWatch(state.database)
    state.console = Console(settings, state.database, keyring, clock)
    state.published_api = PublishedApi(state.console.peers)
    app.mount("/ops/static", StaticFiles(directory=STATIC))
    # Innermost: requests have their ids by then, and no route is reached around it.
    app.user_middleware.append(Middleware(Door, state=state))
    return app


def main() -> None:
    """`gateway serve|migrate|…`."""
    cli.main("gateway", GatewaySettings, build)
