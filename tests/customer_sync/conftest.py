"""A migrated database for each test, the HTTP door on it, and partners it knows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.database import Database
from customer_sync.settings import CustomerSyncSettings
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, service_database
from tests.customer_sync.builders import NOW, CustomerDoor, know_partners, know_sp1, running
from tests.customer_sync.sweep_builders import OVERLAP, PAGE, DoorSource, Mirror

service_store = service_database("customer_sync", know_partners)


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
    """The test's own view of the database, which no tenant's rule binds."""
    database = Database(settings, "customer_sync")
    yield database
    await database.close()


@pytest.fixture
def clock() -> StandingClock:
    """The service's clock, which a test may move."""
    return StandingClock(NOW)


@pytest.fixture
async def door(settings: CustomerSyncSettings, clock: StandingClock) -> AsyncIterator[CustomerDoor]:
    """Sends requests as `sp1`, unless told otherwise."""
    async with running(settings, clock) as door:
        yield door


mirror_store = service_database("customer_sync", know_sp1)


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
    door: CustomerDoor, connected: CustomerSyncSettings, clock: StandingClock
) -> AsyncIterator[Mirror]:
    """The connected service's database, its sweeper, and the way to the upstream."""
    database = Database(connected, "customer_sync")
    yield Mirror(database, connected, clock, DoorSource(door))
    await database.close()


@pytest.fixture
async def mirror_door(
    connected: CustomerSyncSettings, clock: StandingClock
) -> AsyncIterator[CustomerDoor]:
    """The connected service's HTTP door."""
    async with running(connected, clock) as door:
        yield door
