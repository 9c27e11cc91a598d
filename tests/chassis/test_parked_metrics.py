"""What is parked shows in the metrics until somebody decides; it is no lag: scaling cannot help."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from chassis.app import basic_parts, service_app
from chassis.consumers import Consumers
from chassis.database import EventSession
from chassis.metrics import LAG_EVENTS, LAG_SECONDS, PARKED, PARKED_KEYS, PARKED_OLDEST
from chassis.release import Desk
from chassis.settings import ServiceSettings
from chassis.tables import ParkedEvent
from contracts.billing import BillingFundsMoved
from testkit.door import ADMINISTRATOR
from tests.chassis.conftest import PARTITIONS
from tests.chassis.processes import Outcome, shown, until
from tests.chassis.tally import Heard, state

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NAME = "parked_tally"
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def refusing(keys: set[str]) -> Consumers:
    """Cannot handle these keys, as long as they are in the set."""
    consumers = Consumers(NAME)

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        if event.owner_id in keys:
            raise ValueError(f"{event.owner_id} is refused")
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))

    return consumers


async def shows(keys: int, events: int) -> None:
    async def as_told() -> bool:
        told = [*shown(PARKED_KEYS, NAME), *shown(PARKED, NAME)]
        oldest = shown(PARKED_OLDEST, NAME)
        return told == [keys, events] and (max(oldest) > 0) == (keys > 0)

    await until(as_told)


def lag(settings: ServiceSettings) -> list[tuple[float, float]]:
    topic = f"{settings.topic_prefix}billing"
    labels = [(NAME, topic, str(number)) for number in range(PARTITIONS)]
    return [
        (LAG_EVENTS.labels(*one)._value.get(), LAG_SECONDS.labels(*one)._value.get())
        for one in labels
    ]


async def test_parked_events_are_counted_until_replayed_or_skipped_and_are_no_lag(
    settings: ServiceSettings,
) -> None:
    quick = settings.model_copy(update={"consumer_watch_seconds": 0.1})
    refused = {"bad", "worse"}
    consumers = refusing(refused)
    app = service_app(basic_parts("tally", quick), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        outcome, database = Outcome(quick), app.parts.database
        await shows(0, 0)
        await state(database, "bad", range(1, 4), NOW)
        await state(database, "worse", range(1, 3), NOW)
        await state(database, "good", range(1, 3), NOW)
        await outcome.settled("good", 2)
        await shows(2, 5)

        async def caught_up() -> bool:
            return lag(quick) == [(0, 0)] * PARTITIONS

        await until(caught_up)

        desk = Desk({NAME: consumers}, database, ADMINISTRATOR, NOW)
        async with database.transaction() as session:
            first, last = list(
                await session.scalars(
                    select(ParkedEvent.id)
                    .where(ParkedEvent.key == "worse")
                    .order_by(ParkedEvent.id)
                )
            )
        await desk.skip(first, "a test")
        await shows(2, 4)
        await desk.skip(last, "a test")
        await shows(1, 3)
        refused.clear()
        assert await desk.replay(NAME, f"{quick.topic_prefix}billing", "bad") == 3
        await shows(0, 0)
        await outcome.database.close()
