"""The customer-sync service: `customer-sync serve`, `customer-sync migrate`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis import cli
from chassis.app import service_app
from chassis.clock import WallClock, wall_now
from chassis.database import Database
from chassis.parts import ServiceApp
from chassis.rebuild import Copied
from chassis.schedules import AnySchedule, Schedule, WallSchedule
from chassis.sideways import Sideways
from customer_sync.association import api as association
from customer_sync.association.associate_pending import associate_pending, next_association
from customer_sync.association.restate_applications import APPLICATIONS
from customer_sync.authorizations import api as authorizations
from customer_sync.authorizations.restate_authorizations import AUTHORIZATIONS
from customer_sync.codes.code_senders import chosen_sender
from customer_sync.codes.prune_code_pauses import PRUNE_SECONDS, prune_code_pauses
from customer_sync.consumers import consumers
from customer_sync.customers import api as customers
from customer_sync.customers.restate_customers import CUSTOMERS
from customer_sync.divisions import api as divisions
from customer_sync.divisions.list_divisions import load_divisions
from customer_sync.enterprise import api as enterprise
from customer_sync.freezing import api as freezing
from customer_sync.parts import CustomerSyncParts
from customer_sync.realname import api as realname
from customer_sync.saml import api as saml
from customer_sync.search import api as search
from customer_sync.search.count_customers import MERGE_EVERY_SECONDS, merge_tallies
from customer_sync.search.tally_frequent_texts import LOOK_EVERY_SECONDS, tally_frequent_texts
from customer_sync.settings import CustomerSyncSettings
from customer_sync.sweep import api as sweep
from customer_sync.sweep.pace_requests import UpstreamPace
from customer_sync.sweep.run_sweep import Sweeper
from upstream import Upstream

ASSOCIATION_LOOK_SECONDS = 1.0
SWEEP_LOOK_SECONDS = 1.0  # how often a replica looks whether there is something to sweep
COPIED = Copied({"partner": ["partner"], "billing": ["arrears"], "order": ["order"]})


def build(
    settings: CustomerSyncSettings, clock: WallClock = wall_now
) -> ServiceApp[CustomerSyncParts]:
    """The application; it sweeps in connected mode only."""
    parts = CustomerSyncParts(
        name="customer_sync",
        settings=settings,
        wall_clock=clock,
        database=Database(settings, "customer_sync"),
        sideways=Sideways(settings),
        code_sender=chosen_sender(settings),
        divisions=load_divisions(),
    )
    sweeper = Sweeper(settings, clock)

    schedules: list[AnySchedule] = [
        WallSchedule("merge tallies", MERGE_EVERY_SECONDS, merge_tallies),
        WallSchedule("prune code pauses", PRUNE_SECONDS, prune_code_pauses),
        WallSchedule("tally frequent texts", LOOK_EVERY_SECONDS, tally_frequent_texts),
        WallSchedule("sweep", SWEEP_LOOK_SECONDS, sweeper.work)
        if settings.connected
        else Schedule(
            "associations", ASSOCIATION_LOOK_SECONDS, associate_pending, next_association
        ),
    ]

    @asynccontextmanager
    async def upstream() -> AsyncIterator[None]:
        pace = UpstreamPace(parts.database, settings.upstream_requests_per_second)
        client = await asyncio.to_thread(_client, settings, pace)
        sweeper.source = client
        yield
        await client.close()

    return service_app(
        parts,
        routers=[
            search.router,
            association.router,
            authorizations.router,
            divisions.router,
            sweep.router,
            customers.router,
            realname.router,
            enterprise.router,
            freezing.router,
            saml.router,
        ],
        consumers=[consumers],
        schedules=schedules,
        restaters=[CUSTOMERS, AUTHORIZATIONS, APPLICATIONS],
        copied=COPIED,
        resources=[upstream] if settings.connected and settings.works else [],
    )


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
