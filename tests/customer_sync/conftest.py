"""A migrated database for each test, the HTTP door on it, and partners it knows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from chassis.database import Database
from customer_sync.app import build
from customer_sync.settings import CustomerSyncSettings
from testkit.databases import ServiceDatabase, service_database
from tests.customer_sync.builders import Clock, Door, know_partners, partner_joined, tell
from tests.customer_sync.sweep_builders import OVERLAP, PAGE, DoorSource, Mirror

service_store = service_database("customer_sync")


@pytest.fixture
def settings(service_store: ServiceDatabase, tmp_path: Path) -> CustomerSyncSettings:
    """Settings without a bus: what was stated is read from the outbox, codes from a file."""
    return service_store.settings(
        CustomerSyncSettings,
        verification_sender="file",
        verification_file=str(tmp_path / "codes"),
        mobile_accounts_max=2,
        verification_pause_seconds=0,
    )


@pytest.fixture
async def database(settings: CustomerSyncSettings) -> AsyncIterator[Database]:
    """The test's own view of the database, which no tenant's rule binds; it knows the partners."""
    database = Database(settings, "customer_sync")
    await know_partners(database)
    yield database
    await database.close()


@pytest.fixture
def clock() -> Clock:
    """The service's clock, which a test may move."""
    return Clock()


@pytest.fixture
async def door(
    settings: CustomerSyncSettings, database: Database, clock: Clock
) -> AsyncIterator[Door]:
    """Sends requests as a principal, as the gateway would."""
    app = build(settings)
    app.state.clock = clock
    async with AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://customer-sync"
    ) as client:
        yield Door(client, settings, database)
    await app.state.database.close()


mirror_store = service_database("customer_sync")


@pytest.fixture
def connected(mirror_store: ServiceDatabase) -> CustomerSyncSettings:
    """Settings of the connected service; the address is never called here."""
    return mirror_store.settings(
        CustomerSyncSettings,
        upstream_url="http://127.0.0.1:1",
        upstream_ak="ak",
        upstream_sk="sk",
        upstream_domain_id="sp1",
        sweep_page_customers=PAGE,
        sweep_overlap_customers=OVERLAP,
        sweep_every_seconds=60,
        sweep_lease_seconds=30,
    )


@pytest.fixture
async def mirror(
    door: Door, connected: CustomerSyncSettings, clock: Clock
) -> AsyncIterator[Mirror]:
    """The connected service's database, its sweeper, and the way to the upstream."""
    database = Database(connected, "customer_sync")
    await tell(database, partner_joined("sp1", "solution_provider"))
    yield Mirror(database, connected, clock, DoorSource(door))
    await database.close()


@pytest.fixture
async def mirror_door(
    mirror: Mirror, connected: CustomerSyncSettings, clock: Clock
) -> AsyncIterator[Door]:
    """The connected service's HTTP door."""
    app = build(connected, clock)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://mirror") as client:
        yield Door(client, connected, mirror.database)
    await app.state.database.close()
