"""A migrated database for each test, and the service's HTTP door on it."""

from collections.abc import AsyncIterator

import pytest

from chassis.database import Database
from chassis.parts import Parts, ServiceApp
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, service_database
from tests.voucher.builders import NOW, PARTNER, VoucherDoor
from voucher.app import build
from voucher.settings import VoucherSettings

service_store = service_database("voucher")


@pytest.fixture
def clock() -> StandingClock:
    """The service's clock, which a test may move."""
    return StandingClock(NOW)


@pytest.fixture
async def app(
    service_store: ServiceDatabase, clock: StandingClock
) -> AsyncIterator[ServiceApp[Parts]]:
    """The application without a bus: what it stated is read from the outbox."""
    app = build(service_store.settings(VoucherSettings), clock)
    yield app
    await app.parts.database.close()


@pytest.fixture
def database(door: VoucherDoor) -> Database:
    """The application's own database: bus work runs on it as the handlers do."""
    return door.database


@pytest.fixture
async def door(app: ServiceApp[Parts]) -> AsyncIterator[VoucherDoor]:
    """Sends requests as the partner, unless told otherwise."""
    async with VoucherDoor.of(app, PARTNER) as door:
        yield door
