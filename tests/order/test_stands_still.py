"""A replica that stands still with its transaction open, as by SIGSTOP, while another goes on.

At the points at which tests/flows/test_killed_refunds.py and test_killed_jobs.py kill. Payments:
tests/flows/test_stopped_payments.py; automatic renewals: test_killed_renewals.py.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest

from chassis import job_turns
from chassis.database import Database
from chassis.parts import ServiceApp
from order.app import build
from order.parts import OrderParts
from order.provisioning.complete_orders import complete_orders
from order.refunds import make_refund
from order.settings import OrderSettings
from testkit import outbox
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase
from testkit.door import Door
from tests.order.builders import keep_customer, keep_partner, line
from tests.order.renewal_builders import bought
from tests.order.test_failed_pieces import Failing, listed, paid
from tests.order.test_moving_customers import somebody_waits
from tests.order.test_order_jobs import pending, progress, run, start
from tests.order.test_unsubscribe_resources import unsubscribe

pytestmark = pytest.mark.postgres

App = ServiceApp[OrderParts]
PATIENCE_SECONDS = 60
CLOSED = "CBC.30000067"
ORDERS = 12


class Replica:
    """Another process of order, as far as its database can tell: a thread with its own loop."""

    def __init__(self, made: Callable[[], App], deed: Callable[[App], Awaitable[Any]], point: str):
        self.point, self.answer = point, None
        self._reached, self._goes_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(made(), deed)))

    async def _live(self, app: App, deed: Callable[[App], Awaitable[Any]]) -> None:
        try:
            self.answer = await deed(app)
        finally:
            self._reached.set()
            await app.parts.database.close()

    def passes(self, name: str) -> None:
        """In place of `crash_point`: it stands at its point once, and nobody else does."""
        stands = threading.current_thread() is self._thread and not self._reached.is_set()
        if stands and name == self.point:
            self._reached.set()
            assert self._goes_on.wait(PATIENCE_SECONDS)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """It stands there; it goes on and ends behind this."""
        self._thread.start()
        try:
            assert await asyncio.to_thread(self._reached.wait, PATIENCE_SECONDS)
            assert self._thread.is_alive(), "it came to its end and not to the point"
            async with asyncio.timeout(PATIENCE_SECONDS):
                yield
        finally:
            self._goes_on.set()
            await asyncio.to_thread(self._thread.join)


@pytest.fixture
def replica(
    order_database: ServiceDatabase, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[ModuleType, str, Callable[[App], Awaitable[Any]]], Replica]:
    """One that will stand still at a point of the module."""

    def made(module: ModuleType, point: str, deed: Callable[[App], Awaitable[Any]]) -> Replica:
        settings = order_database.settings(OrderSettings)
        found = Replica(lambda: build(settings, clock), deed, point)
        monkeypatch.setattr(module, "crash_point", found.passes)
        return found

    return made


async def test_a_refund_that_stands_still_is_waited_for_and_made_once(
    door: Door, database: Database, clock: StandingClock, replica: Any
) -> None:
    """Break: leave the locks out of `_hold_customer` and of `_lock_resources`."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer, line())

    async def give_back(app: App) -> Any:
        async with Door.of(app) as its_door:
            return await unsubscribe(its_door, customer, resource)

    first = replica(make_refund, "order.refund_stated", give_back)
    async with first.still():
        second = asyncio.create_task(unsubscribe(door, customer, resource))
        while not second.done() and not await somebody_waits(database):
            await asyncio.sleep(0.01)
        assert "order.refunded" not in await outbox.types(database)
    assert first.answer.status_code == 200
    assert (await second).json()["error_code"] == CLOSED
    assert (await outbox.types(database)).count("order.refunded") == 1


async def test_what_stands_still_while_it_gives_a_failed_piece_back_is_left_alone(
    door: Door, database: Database, clock: StandingClock, replica: Any
) -> None:
    """Break: wait for orders in `complete_orders`, or take them without a lock."""
    customer, _ = await paid(door, database)
    clock.forward(minutes=1)

    async def complete(app: App) -> None:
        await complete_orders(app.parts.database, Failing(1), clock.now)

    async with replica(make_refund, "order.refund_stated", complete).still():
        other = Failing(1)
        await complete_orders(database, other, clock.now)
        assert other.asked == []
    await complete_orders(database, other, clock.now)
    assert other.asked == []
    assert {kind: one["status"] for kind, one in (await listed(door, customer)).items()} == {
        1: 5, 4: 5,
    }  # fmt: skip
    told = Counter(await outbox.types(database))
    assert (told["order.refunded"], told["order.completed"]) == (1, 2)


async def test_items_of_who_stands_still_are_left_alone_and_the_others_are_done(
    app: App, door: Door, database: Database, clock: StandingClock, replica: Any
) -> None:
    """Break: take an item without SKIP LOCKED, or without a lock."""
    await keep_partner(database)
    customer = await keep_customer(database)
    orders = await pending(door, customer, ORDERS)
    job_id = await start(door, "cancel", [{"order_id": one} for one in orders])

    async with replica(job_turns, "order.item_done", lambda its: run(its, clock)).still():
        tried = await run(app, clock)
        assert ORDERS - 4 <= tried < ORDERS
        assert await progress(door, job_id) == ("running", tried, 0, ORDERS - tried)
    await run(app, clock)
    assert await progress(door, job_id) == ("done", ORDERS, 0, 0)
    told = Counter(one["order_id"] for one in await outbox.bodies(database, "order.cancelled"))
    assert told == dict.fromkeys(orders, 1)
