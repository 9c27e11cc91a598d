"""The customer-sync service: `customer-sync serve`, `customer-sync migrate`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from chassis import cli
from chassis.app import service_app
from chassis.clock import Clock, utc_now
from chassis.rebuild import Copied
from chassis.schedules import Schedule
from chassis.settings import ServiceSettings
from customer_sync.api import commands, router
from customer_sync.association.associate_pending import associate_pending
from customer_sync.association.restate_applications import APPLICATIONS
from customer_sync.authorizations.restate_authorizations import AUTHORIZATIONS
from customer_sync.codes.code_senders import chosen_sender
from customer_sync.consumers import consumers
from customer_sync.customers.restate_customers import CUSTOMERS
from customer_sync.list_divisions import load_divisions
from customer_sync.search.count_customers import MERGE_EVERY_SECONDS, merge_tallies
from customer_sync.search.tally_frequent_texts import LOOK_EVERY_SECONDS, tally_frequent_texts
from customer_sync.settings import CustomerSyncSettings
from customer_sync.sweep.pace_requests import UpstreamPace
from customer_sync.sweep.run_sweep import Sweeper
from upstream import Upstream

ASSOCIATION_LOOK_SECONDS = 1.0
SWEEP_LOOK_SECONDS = 1.0  # how often a replica looks whether there is something to sweep
COPIED = Copied({"partner": ["partner"], "billing": ["arrears"], "order": ["order"]})


def build(settings: ServiceSettings, clock: Clock = utc_now) -> FastAPI:
    """The application; it sweeps in connected mode only."""
    assert isinstance(settings, CustomerSyncSettings)
    sweeper = Sweeper(settings, clock)

    schedules = [
        Schedule("merge tallies", MERGE_EVERY_SECONDS, merge_tallies),
        Schedule("tally frequent texts", LOOK_EVERY_SECONDS, tally_frequent_texts),
        Schedule("sweep", SWEEP_LOOK_SECONDS, sweeper.work)
        if settings.connected
        else Schedule("associations", ASSOCIATION_LOOK_SECONDS, associate_pending),
    ]

    @asynccontextmanager
    async def upstream(app: FastAPI) -> AsyncIterator[None]:
        pace = UpstreamPace(app.state.database, settings.upstream_requests_per_second)
        client = await asyncio.to_thread(_client, settings, pace)
        sweeper.source = client
        yield
        await client.close()

    app = service_app(
        "customer_sync",
        settings,
        routers=[router, commands],
        consumers=[consumers],
        schedules=schedules,
        restaters=[CUSTOMERS, AUTHORIZATIONS, APPLICATIONS],
        copied=COPIED,
        resources=[upstream] if settings.connected else [],
        clock=clock,
    )
    app.state.code_sender = chosen_sender(settings)
    app.state.divisions = load_divisions()
    return app


def _client(settings: CustomerSyncSettings, pace: UpstreamPace) -> Upstream:
    """In a thread: importing the SDK takes a second."""
    assert settings.upstream_url
    assert settings.upstream_ak
    assert settings.upstream_sk
    assert settings.upstream_domain_id
    return Upstream(
        settings.upstream_url,
        settings.upstream_ak.get_secret_value(),
        settings.upstream_sk.get_secret_value(),
        settings.upstream_domain_id,
        pace,
        timeout_seconds=settings.upstream_timeout_seconds,
    )


def main() -> None:
    """The command `customer-sync`."""
    cli.main("customer_sync", CustomerSyncSettings, build)
