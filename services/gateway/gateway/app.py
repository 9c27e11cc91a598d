"""The gateway: the outer door, identity, and whatever else the one process answers."""

from fastapi import FastAPI
from starlette.middleware import Middleware

from chassis import cli
from chassis.app import service_app
from chassis.clock import Clock, utc_now
from chassis.schedules import Schedule
from gateway.forwarding.door import Door
from gateway.forwarding.forward import Forwarder
from gateway.forwarding.rate_limit import RateLimit
from gateway.forwarding.replace_password import PasswordDesk
from gateway.identity import api as identity_api
from gateway.identity.authenticate import Authenticator
from gateway.identity.consumers import identity_consumers
from gateway.identity.keyring import Keyring
from gateway.identity.prune_credentials import prune_credentials
from gateway.portfolio import api as portfolio_api
from gateway.portfolio.consumers import consumers as portfolio_consumers
from gateway.settings import GatewaySettings

PRUNE_SECONDS = 60.0


def build(settings: GatewaySettings, clock: Clock = utc_now) -> FastAPI:
    """The application.

    On `app.state` beside the chassis's: keyring, authenticator, forwarder, rate_limit,
    password_desk.
    """
    keyring = Keyring(settings)
    forwarder = Forwarder(settings)
    app = service_app(
        "gateway",
        settings,
        routers=[identity_api.router, portfolio_api.router],
        consumers=[identity_consumers(keyring.known), portfolio_consumers],
        schedules=[Schedule("prune credentials", PRUNE_SECONDS, prune_credentials)],
        resources=[lambda _app: keyring.open(), lambda _app: forwarder.open()],
        clock=clock,
    )
    state = app.state
    state.keyring = keyring
    state.forwarder = forwarder
    state.authenticator = Authenticator(state.database, keyring)
    state.rate_limit = RateLimit()
    secret = next(iter(settings.keys_at_rest.values()))
    state.password_desk = PasswordDesk(state.database, keyring.passwords, secret)
    # Innermost: requests have their ids by then, and no route is reached around it.
    app.user_middleware.append(Middleware(Door, state=state))
    return app


def main() -> None:
    """`gateway serve|migrate|…`."""
    cli.main("gateway", GatewaySettings, build)
