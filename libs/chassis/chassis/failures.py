"""What kind of failure it was decides what follows: wait, try again, or park."""

from enum import Enum

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis.errors import OutsideError

_CONFLICTS = {"40001", "40P01", "55P03", "57014"}  # serialization, deadlock, lock, time-out
_AWAY = ("08", "57P", "53", "25P03")  # connection, shutdown, out of resources, frozen too long


class DatabaseAwayError(Exception):
    """The database cannot be reached, took the connection away, or has none to lend.

    `chassis.database` raises it for what the driver and SQLAlchemy say in many ways; nothing else
    counts as its absence.
    """


class Failure(Enum):
    """How delivering failed."""

    AWAY = "the database or another service is away: wait for it"
    CONFLICT = "another transaction or the network was in the way: try again, but not for ever"
    POISON = "it will not heal by itself: park it"
    FENCED = "the partition is another member's"


def failure_of(error: BaseException) -> Failure:
    """Classify by type and SQLSTATE; what is not known to heal is poison."""
    if isinstance(error, DatabaseAwayError | OutsideError):
        return Failure.AWAY
    if _sqlstate(error) in _CONFLICTS:
        return Failure.CONFLICT
    if isinstance(error, OSError):  # a handler's own: a file, a socket, a time-out
        return Failure.CONFLICT
    return Failure.POISON


def says_away(error: BaseException) -> bool:
    """Whether SQLAlchemy or the driver means by this that the database is away.

    An `InterfaceError` or `InternalClientError` of the driver may as well be a misuse: who holds
    the connection knows whether it was lost.
    """
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    sqlstate = _sqlstate(error)
    return isinstance(error, PoolTimeoutError) or (
        sqlstate is not None and sqlstate.startswith(_AWAY)
    )


def _sqlstate(error: BaseException) -> str | None:
    """Also of the outbox's insert, which goes past SQLAlchemy."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, asyncpg.PostgresError) or isinstance(error, DBAPIError):
        sqlstate: str | None = getattr(driver, "sqlstate", None)
        return sqlstate
    return None
