"""What the bus counts: sent by the relay, taken by consumers, met twice by the inbox."""

from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import Counter

from chassis.app import service_app
from chassis.metrics import CONSUMED, DUPLICATES, RELAYED
from chassis.settings import ServiceSettings
from contracts.billing import BillingFundsMoved
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import counting, funds_moved, state

NAME = "counted_tally"
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def count(counter: Counter) -> float:
    return float(counter._value.get())


async def send_twice(settings: ServiceSettings, event: BillingFundsMoved) -> None:
    """As a relay does that was killed between send and delete."""
    headers = {
        "ce_type": event.TYPE,
        "ce_id": str(event.event_id),
        "ce_dataschema": event.data_schema,
    }
    pairs = [(name, value.encode()) for name, value in headers.items()]
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        for _ in range(2):
            await producer.send_and_wait(
                settings.topic_prefix + "billing",
                event.model_dump_json().encode(),
                key=event.owner_id.encode(),
                headers=pairs,
            )


async def test_what_is_sent_taken_and_met_twice_is_counted(settings: ServiceSettings) -> None:
    taken = CONSUMED.labels(NAME, BillingFundsMoved.TYPE)
    doubles = DUPLICATES.labels(NAME)
    sent_before, taken_before, doubles_before = count(RELAYED), count(taken), count(doubles)
    app = service_app("tally", settings, routers=[], consumers=[counting(NAME)])
    async with app.router.lifespan_context(app):
        outcome = Outcome(settings)
        await state(app.state.database, "k", range(1, 7), NOW)
        await outcome.settled("k", 6)
        await send_twice(settings, funds_moved("twice", 1, NOW))

        async def counted() -> bool:
            return count(doubles) == doubles_before + 1

        await until(counted, 30)
        assert await outcome.heard("twice") == [("twice", 1)]
        assert count(RELAYED) == sent_before + 6
        assert count(taken) == taken_before + 7
        await outcome.database.close()
