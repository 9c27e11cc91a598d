"""The order service in process, on a database of its own, beside a double of its peers."""

from collections.abc import AsyncIterator

import pytest

from chassis.database import Database
from chassis.parts import ServiceApp
from order.app import build
from order.parts import OrderParts
from order.settings import OrderSettings
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, service_database
from testkit.door import Door
from tests.order.builders import MORNING
from tests.order.peer_double import PeerDouble

order_database = service_database("order")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(MORNING)


@pytest.fixture
async def peers() -> AsyncIterator[PeerDouble]:
    double = PeerDouble()
    await double.start()
    yield double
    await double.close()


@pytest.fixture
async def app(
    order_database: ServiceDatabase, peers: PeerDouble, clock: StandingClock
) -> AsyncIterator[ServiceApp[OrderParts]]:
    settings = order_database.settings(OrderSettings, billing_url=peers.url, voucher_url=peers.url)
    app = build(settings, clock)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def database(app: ServiceApp[OrderParts]) -> Database:
    found: Database = app.parts.database
    return found


@pytest.fixture
async def door(app: ServiceApp[OrderParts]) -> AsyncIterator[Door]:
    async with Door.of(app) as made:
        yield made
