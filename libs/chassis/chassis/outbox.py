"""Events leave here: a row in the business transaction, sent by the relay after the commit."""

import zlib
from typing import Any

from sqlalchemy import AdaptedConnection
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from chassis.at_commit import keep, kept
from chassis.failures import DatabaseAwayError
from chassis.logs import trace_parent
from contracts.event import Event
from wire.json import dumps

SLOTS = 64  # keys are spread over them; replicas of a relay share them under leases
EVENT_BYTES_MAX = 900_000  # below the broker's limit of 1 MB for a message with its headers
STATED = "stated"

_INSERT_ONE = """
    INSERT INTO outbox (slot, stream, key, event_id, attributes, body)
    VALUES ($1, $2, $3, $4, $5, $6)
"""
_INSERT_ALL = """
    INSERT INTO outbox (slot, stream, key, event_id, attributes, body)
    SELECT slot, stream, key, event_id, attributes, body
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::uuid[], $5::bytea[], $6::bytea[])
        WITH ORDINALITY AS stated (slot, stream, key, event_id, attributes, body, position)
    ORDER BY position
"""


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


def write_stated(session: Session) -> bool:
    """Insert what was stated; the last statement before the commit. False when there is nothing.

    It goes past the ORM: mapping the rows cost a small business transaction more than its own work.
    """
    rows = kept(session, STATED)
    if not rows:
        return False
    session.flush()  # first: the order of one aggregate's ids is that of the locks on it
    if len(rows) == 1:
        statement, values = _INSERT_ONE, rows[0]
    else:
        statement, values = _INSERT_ALL, tuple(map(list, zip(*rows, strict=True)))
    connection = session.connection()
    adapted = connection.connection.dbapi_connection
    assert isinstance(adapted, AdaptedConnection)
    try:
        adapted.run_async(lambda driver: driver.execute(statement, *values))
    except Exception as error:
        if not adapted.driver_connection.is_closed():
            raise
        # SQLAlchemy has not noticed: its rollback would fail, too, and hide the reason.
        connection.invalidate()
        raise DatabaseAwayError("the connection was lost while facts were written") from error
    return True


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
