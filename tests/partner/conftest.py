"""A migrated database for each test, and the service's HTTP door on it."""

from collections.abc import AsyncIterator

import pytest

from chassis.database import Database
from chassis.settings import ServiceSettings
from partner.app import build
from testkit.databases import ServiceDatabase, service_database
from tests.partner.builders import PartnerDoor

service_store = service_database("partner")


@pytest.fixture
def settings(service_store: ServiceDatabase) -> ServiceSettings:
    """Settings without a bus: what was stated is read from the outbox."""
    return service_store.settings(ServiceSettings)


@pytest.fixture
async def database(settings: ServiceSettings) -> AsyncIterator[Database]:
    """The test's own view of the database, which no tenant's rule binds."""
    database = Database(settings, "partner")
    yield database
    await database.close()


@pytest.fixture
async def door(settings: ServiceSettings) -> AsyncIterator[PartnerDoor]:
    """Sends requests as the administrator, unless told otherwise."""
    async with PartnerDoor.of(build(settings)) as door:
        yield door
    await door.database.close()
