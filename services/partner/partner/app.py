"""The partner service: `partner serve`, `partner migrate`."""

from fastapi import FastAPI

from chassis import cli
from chassis.app import service_app
from chassis.settings import ServiceSettings
from partner.api import router
from partner.restate_accounts import RESTATERS


def build(settings: ServiceSettings) -> FastAPI:
    """The application; it acts on no event, so it has one door."""
    return service_app("partner", settings, routers=[router], restaters=RESTATERS)


def main() -> None:
    """The command `partner`."""
    cli.main("partner", ServiceSettings, build)
