"""What a transaction kept until its end, audit entries and facts, written in one round trip.

It goes past SQLAlchemy: mapping the rows cost a small business transaction more than its own work.
"""

from typing import Any

from sqlalchemy import AdaptedConnection
from sqlalchemy.orm import Session

from chassis.at_commit import kept
from chassis.audit_rows import AUDITED
from chassis.failures import DatabaseAwayError
from chassis.outbox import STATED

_FACT = "slot, stream, key, event_id, attributes, body"
_ENTRY = "at, principal, partner_id, action, subject, detail, request_id"
_ONE_FACT = f"INSERT INTO outbox ({_FACT}) VALUES ($1, $2, $3, $4, $5, $6)"
_ONE_ENTRY = f"INSERT INTO audit_log ({_ENTRY}) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7)"
_BOTH = f"""
    WITH audited AS (
        INSERT INTO audit_log ({_ENTRY}) VALUES ($7, $8, $9, $10, $11, $12::jsonb, $13)
    )
    INSERT INTO outbox ({_FACT}) VALUES ($1, $2, $3, $4, $5, $6)
"""
_FACTS = f"""
    INSERT INTO outbox ({_FACT})
    SELECT {_FACT}
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::uuid[], $5::bytea[], $6::bytea[])
        WITH ORDINALITY AS stated ({_FACT}, position)
    ORDER BY position
"""
_ENTRIES = """
    INSERT INTO audit_log ({columns})
    SELECT at, principal, partner_id, action, subject, detail::jsonb, request_id
    FROM unnest({arrays}) WITH ORDINALITY AS audited ({columns}, position)
    ORDER BY position
"""
_ARRAYS = ("timestamptz[]", *("text[]",) * 6)


def _entries(first: int) -> str:
    """The statement for several entries, its parameters numbered from there."""
    arrays = ", ".join(f"${first + place}::{kind}" for place, kind in enumerate(_ARRAYS))
    return _ENTRIES.format(columns=_ENTRY, arrays=arrays)


_SEVERAL_ENTRIES = _entries(1)
_SEVERAL = f"WITH audited AS ({_entries(7)}) {_FACTS}"


def written_last(session: Session) -> tuple[str, tuple[Any, ...]] | None:
    """The last statement before the commit with its parameters; None: nothing was kept."""
    facts, entries = kept(session, STATED), kept(session, AUDITED)
    if not entries:
        if not facts:
            return None
        return (_ONE_FACT, facts[0]) if len(facts) == 1 else (_FACTS, _columns(facts))
    if not facts:
        return (_ONE_ENTRY, entries[0]) if len(entries) == 1 else (
            _SEVERAL_ENTRIES, _columns(entries)
        )  # fmt: skip
    if len(facts) == len(entries) == 1:
        return _BOTH, (*facts[0], *entries[0])
    return _SEVERAL, (*_columns(facts), *_columns(entries))


def _columns(rows: list[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*rows, strict=True)))


def write_kept(session: Session) -> bool:
    """Insert what was kept; whether there are facts among it, for the relay."""
    last = written_last(session)
    if last is None:
        return False
    session.flush()  # first: the order of one aggregate's ids is that of the locks on it
    statement, values = last
    connection = session.connection()
    adapted = connection.connection.dbapi_connection
    assert isinstance(adapted, AdaptedConnection)
    if not adapted.driver_connection.is_in_transaction():
        connection.exec_driver_sql("SELECT 1")  # SQLAlchemy begins before its own statements only
    try:
        adapted.run_async(lambda driver: driver.execute(statement, *values))
    except Exception as error:
        if not adapted.driver_connection.is_closed():
            raise
        # SQLAlchemy has not noticed: its rollback would fail, too, and hide the reason.
        connection.invalidate()
        raise DatabaseAwayError("the connection was lost while facts were written") from error
    return bool(kept(session, STATED))
