"""Billing: put together here, and nothing else."""

from fastapi import Depends, FastAPI

from billing.accounts import api as accounts
from billing.accounts.restate_accounts import ACCOUNTS
from billing.accounts.restate_arrears import ARREARS
from billing.bills import api as bills
from billing.bills.restate_lines import LINES
from billing.consumers import consumers
from billing.prices import api as prices
from billing.prices.catalogue import load_catalogue
from billing.settings import BillingSettings
from billing.transfers import api as transfers
from billing.usage import api as usage
from chassis import cli
from chassis.app import service_app
from chassis.clock import Clock, utc_now
from chassis.errors import RefusedError
from chassis.identity import CurrentPrincipal
from chassis.rebuild import Copied
from chassis.routes import Router
from chassis.settings import ServiceSettings

COPIED = Copied({"partner": ["partner"], "customer-sync": ["customer"]})


class NotInConnectedModeError(RefusedError):
    """Another Partner Center is the authority; nothing is carried out here (decision 0001)."""

    code = "CHB.0002"


def refuse_when_connected(_principal: CurrentPrincipal) -> None:
    """Money and bills are the upstream's in connected mode."""
    raise NotInConnectedModeError


def build(settings: ServiceSettings, clock: Clock = utc_now) -> FastAPI:
    """The application; the catalogue is read here, so that a wrong file stops the start."""
    refusals = [Depends(refuse_when_connected)] if settings.connected else []
    money = Router(dependencies=refusals)
    money.include_router(accounts.router)
    money.include_router(transfers.router)
    money.include_router(bills.router)
    money.include_router(usage.router)
    app = service_app(
        "billing",
        settings,
        routers=[money, prices.router],
        consumers=[consumers],
        restaters=[ACCOUNTS, ARREARS, LINES],
        copied=COPIED,
        clock=clock,
    )
    app.state.catalogue = load_catalogue(getattr(settings, "catalogue_file", None))
    return app


def main() -> None:
    """The command `billing`."""
    cli.main("billing", BillingSettings, build)
