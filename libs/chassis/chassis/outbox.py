"""Events leave here: a row in the business transaction, sent by the relay after the commit."""

import zlib
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.at_commit import keep
from chassis.logs import trace_parent
from contracts.event import Event
from wire.json import dumps

SLOTS = 64  # keys are spread over them; replicas of a relay share them under leases
EVENT_BYTES_MAX = 900_000  # below the broker's limit of 1 MB for a message with its headers
STATED = "stated"


class EventTooLargeError(ValueError):
    """The event would be refused by the broker, and block its key for ever."""


def slot_of(key: str) -> int:
    """The slot in which a key's order is kept."""
    return zlib.crc32(key.encode()) % SLOTS


def publish(session: AsyncSession, *events: Event) -> None:
    """State facts in the session's transaction: they are told if and only if it commits.

    Rows of one key get their ids in the order of the calls; two transactions that state facts of
    one aggregate are ordered by the lock they hold on it.
    """
    keep(session, STATED, [_row(event) for event in events])


def _row(event: Event) -> tuple[Any, ...]:
    body = event.model_dump_json().encode()
    if len(body) > EVENT_BYTES_MAX:
        raise EventTooLargeError(f"{event.TYPE} {event.subject}: {len(body)} bytes")
    key = event.key
    return slot_of(key), event.STREAM, key, event.event_id, _attributes(event), body


def _attributes(event: Event) -> bytes:
    """The CloudEvents attributes, ready to become Kafka headers."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event.event_id),
        "ce_type": event.TYPE,
        "ce_source": f"/channelbus/{event.STREAM}",
        "ce_time": event.occurred_at.isoformat(),
        "ce_subject": event.subject,
        "ce_sequence": str(event.version),
        "ce_partnerid": event.partner_id,
        "ce_dataschema": event.data_schema,
        "content-type": "application/json",
    }
    if event.restated:
        attributes["ce_restated"] = "true"
    if parent := trace_parent():
        attributes["traceparent"] = parent
    return dumps(attributes)
