"""Events that are parked without a broker: delivered by hand, the first of them as poison."""

from datetime import UTC, datetime

from chassis.database import Database
from chassis.delivery import Delivery, Move
from chassis.messages import Message
from tests.chassis.tally import counting, funds_moved

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def message(position: int, key: str, version: int, amount: str = "1.00") -> Message:
    event = funds_moved(key, version, NOW, amount)
    headers = {
        "ce_id": str(event.event_id),
        "ce_type": event.TYPE,
        "ce_dataschema": event.data_schema,
    }
    body = event.model_dump_json().encode()
    return Message("billing", 0, position, key, headers, body, NOW.timestamp())


async def park_first_of(database: Database, *messages: Message) -> None:
    """Deliver the messages one by one; the first is poison."""
    delivery = Delivery(counting(), database)
    for number, each in enumerate(messages):
        move = {("billing", 0): Move(each.position, each.position + 1, each.event_id)}
        error = "ValueError: poison" if number == 0 else None
        await delivery.deliver([each], move, parking=error)
