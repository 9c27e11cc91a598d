"""A migrated database for each test, and the service's HTTP door on it."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from chassis.database import Database
from chassis.settings import ServiceSettings
from testkit.databases import ServiceDatabase, service_database
from tests.voucher.builders import NOW, Door
from voucher.app import build

service_store = service_database("voucher")


@pytest.fixture
def app(service_store: ServiceDatabase) -> FastAPI:
    """The application without a bus, standing at `NOW`; what it stated is read from the outbox."""
    app = build(service_store.settings(ServiceSettings))
    app.state.clock = lambda: NOW
    return app


@pytest.fixture
async def database(app: FastAPI) -> AsyncIterator[Database]:
    """The application's own database: bus work runs on it as the handlers do."""
    yield app.state.database
    await app.state.database.close()


@pytest.fixture
async def door(app: FastAPI, database: Database) -> AsyncIterator[Door]:
    """Sends requests as a principal, as the gateway would."""
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://voucher") as client:
        yield Door(client, app.state.settings, database)
