"""The customer-sync service: `customer-sync serve`, `customer-sync migrate`."""

from fastapi import FastAPI

from chassis import cli
from chassis.app import service_app
from chassis.settings import ServiceSettings
from customer_sync.api import commands, router
from customer_sync.code_senders import chosen_sender
from customer_sync.consumers import consumers
from customer_sync.settings import CustomerSyncSettings


def build(settings: ServiceSettings) -> FastAPI:
    """The application."""
    assert isinstance(settings, CustomerSyncSettings)
    app = service_app("customer_sync", settings, routers=[router, commands], consumers=[consumers])
    app.state.code_sender = chosen_sender(settings)
    return app


def main() -> None:
    """The command `customer-sync`."""
    cli.main("customer_sync", CustomerSyncSettings, build)
