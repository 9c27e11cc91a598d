"""A migrated database for each test, and the service's HTTP door on it."""

from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient

from chassis.database import Database
from chassis.settings import ServiceSettings
from partner.app import build
from testkit.databases import ServiceDatabase, service_database
from tests.partner.builders import Door

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
async def door(settings: ServiceSettings) -> AsyncIterator[Door]:
    """Sends requests as a principal, as the gateway would."""
    app = build(settings)
    async with AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://partner"
    ) as client:
        yield Door(client, settings)
    await app.state.database.close()
