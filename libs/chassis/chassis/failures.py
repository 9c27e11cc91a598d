"""What kind of failure it was decides what follows: wait, try again, or park."""

from enum import Enum

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis.errors import OutsideError

_CONFLICTS = {"40001", "40P01", "55P03", "57014"}  # serialization, deadlock, lock, time-out
_AWAY = ("08", "57P", "53", "25P03")  # connection, shutdown, out of resources, frozen too long


class Failure(Enum):
    """How delivering failed."""

    AWAY = "the database or the network is away: wait for it"
    CONFLICT = "another transaction was in the way: try again, a bounded number of times"
    POISON = "it will not heal by itself: park it"
    FENCED = "the partition is another member's"


def failure_of(error: BaseException) -> Failure:
    """Classify by SQLSTATE and type; what is not known to heal is poison."""
    if isinstance(error, PoolTimeoutError | OutsideError | ConnectionError):
        return Failure.AWAY
    if isinstance(error, InterfaceError):
        return Failure.AWAY if error.connection_invalidated else Failure.POISON
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return Failure.AWAY
        return _failure_of_state(getattr(error.orig, "sqlstate", None))
    if isinstance(error, asyncpg.PostgresError):  # of the outbox's insert, past SQLAlchemy
        return _failure_of_state(error.sqlstate)
    if isinstance(error, OSError | TimeoutError):
        return Failure.AWAY
    return Failure.POISON


def _failure_of_state(sqlstate: str | None) -> Failure:
    if sqlstate in _CONFLICTS:
        return Failure.CONFLICT
    if sqlstate is not None and sqlstate.startswith(_AWAY):
        return Failure.AWAY
    return Failure.POISON
