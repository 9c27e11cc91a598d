"""Until when a consumer has heard everything: it goes on in silence, and waits for what waits."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from chassis.app import basic_parts, service_app
from chassis.consumers import Consumers
from chassis.database import Database, EventSession
from chassis.errors import OutsideError
from chassis.heard import heard_until
from chassis.messages import message_of
from chassis.metrics import HEARD_AGE
from chassis.settings import ServiceSettings
from contracts.billing import BillingFundsMoved
from tests.chassis.processes import shown, until
from tests.chassis.tally import counting, state

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NAME = "heard_tally"
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


async def heard(database: Database) -> datetime:
    """The beginning of time, as long as it is not known."""
    async with database.transaction() as session:
        return await heard_until(session, NAME) or datetime.min.replace(tzinfo=UTC)


async def heard_since(database: Database, instant: datetime) -> None:
    async def has_heard() -> bool:
        return await heard(database) > instant

    await until(has_heard)


async def test_it_is_known_as_soon_as_partitions_are_assigned(settings: ServiceSettings) -> None:
    """Break: in `Subscription._watch`, sleep for the whole pause whatever is assigned meanwhile."""
    slow = settings.model_copy(update={"consumer_watch_seconds": 3600.0})
    app = service_app(basic_parts("tally", slow), routers=[], consumers=[counting(NAME)])
    began = datetime.now(UTC)
    async with app.router.lifespan_context(app):
        await heard_since(app.parts.database, began)


async def test_it_goes_on_while_nothing_is_said_and_stands_while_an_event_waits(
    settings: ServiceSettings,
) -> None:
    """Break: in `Subscription._note_heard`, do not look at the lags."""
    quick = settings.model_copy(update={"consumer_watch_seconds": 0.1})
    consumers, going, held = Consumers(NAME), asyncio.Event(), asyncio.Event()

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(_event: BillingFundsMoved, _session: EventSession) -> None:
        going.set()
        if not held.is_set():
            raise OutsideError  # tried again and again, and nothing is locked meanwhile

    app = service_app(basic_parts("tally", quick), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        database = app.parts.database
        await heard_since(database, datetime.now(UTC))
        await state(database, "k", range(1, 2), NOW)
        sent = datetime.now(UTC)
        async with asyncio.timeout(60):
            await going.wait()
        lags: dict[tuple[str, int], int] = app.running.subscriptions[0].progress.lags

        async def has_looked_again() -> bool:
            return sum(lags.values()) == 1

        await until(has_looked_again)
        stood = await heard(database)
        await asyncio.sleep(1.0)  # ten looks
        assert await heard(database) == stood < datetime.now(UTC)

        def told() -> float:
            (age,) = shown(HEARD_AGE, NAME)
            return age

        assert told() >= 1.0
        held.set()
        await heard_since(database, max(sent, datetime.now(UTC)))

        async def is_told() -> bool:
            return told() < 1.0

        await until(is_told)


class Record:
    topic, partition, offset, key, value, headers = "billing", 0, 7, b"k", b"{}", ()

    def __init__(self, timestamp: int):
        self.timestamp = timestamp


@pytest.mark.parametrize("timestamp", [-1, 0, 2**62, 4_102_444_800_000])
def test_no_producers_clock_makes_a_consumer_hear_the_future(timestamp: int) -> None:
    """Break: believe the record. No database knows the year 146,138,512."""
    before = time.time()
    assert before <= message_of(Record(timestamp)).sent_at_seconds <= time.time()
