"""The order service in process, on a database of its own, beside a double of its peers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI

from chassis import copies
from chassis.database import Database
from order.app import build
from order.settings import OrderSettings
from testkit.databases import ServiceDatabase, service_database
from tests.order.caller import Caller
from tests.order.peer_double import PeerDouble

order_database = service_database("order")


class SetClock:
    """A clock that stands where a test puts it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def peers() -> AsyncIterator[PeerDouble]:
    double = PeerDouble()
    await double.start()
    yield double
    await double.close()


@pytest.fixture
async def app(
    order_database: ServiceDatabase,
    peers: PeerDouble,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[FastAPI]:
    monkeypatch.setattr(copies, "WAIT_SECONDS", 0.1)  # nothing is under way in these tests
    settings = order_database.settings(OrderSettings, billing_url=peers.url, voucher_url=peers.url)
    app = build(settings, clock)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
async def caller(app: FastAPI) -> AsyncIterator[Caller]:
    async with Caller(app) as made:
        yield made
