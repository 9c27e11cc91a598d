"""What kind of failure it was decides what follows: wait, try again, stop, or park.

The one place that knows what PostgreSQL's codes and its driver's exceptions mean. Everybody asks
`failure_of`; the pools ask `says_gone`, whether their connections have to go.
"""

from enum import Enum

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis.errors import OutsideError

READ_ONLY = "25006"  # a standby, or a primary that was demoted under its connections

# The server is going, is the wrong one, or does not know this session.
_GONE = (
    "08",  # connection
    "57P",  # shut down, starting up, database dropped, idle for too long
    "58",  # its disk fails
    "28",  # it does not know our login
    "3D000",  # it does not have our database
    READ_ONLY,
    "26000",  # a statement that was prepared in another session: a pooler gave us that one
    "42P05",  # prepared by another session in ours
)
_AWAY = (
    *_GONE,
    "53",  # out of connections, memory or disk
    "25P03",  # our transaction was frozen for too long
    "25P04",  # our transaction took too long
)
_OVERLAPS = {"40001", "40P01"}  # serialization, deadlock
_CONFLICTS = {*_OVERLAPS, "55P03", "57014"}  # lock, time-out: who waited in vain waits no more

# A table was altered under a session: it plans and reads again when it is asked again.
_STALE = (asyncpg.InvalidCachedStatementError, asyncpg.exceptions.OutdatedSchemaCacheError)
_INTERNAL_ERROR = "XX000"
_STALE_WORDS = ("cache lookup failed", "could not open relation", "concurrently")

# Undefined column, table, function or type, missing privilege, schema or constraint.
_MISFITS = ("42", "3F")
# Of these, what a half-done roll-out alone brings: a missing right may be the second wall's no.
_ONE_STEP_APART = {"42703", "42P01", "42883", "42704", "3F000"}


class DatabaseAwayError(Exception):
    """The database cannot be reached, took the connection away, or has none to lend.

    `chassis.database` raises it for what the driver and SQLAlchemy say in many ways; nothing else
    counts as its absence.
    """


class Failure(Enum):
    """How delivering failed."""

    AWAY = "the database or another service is away: wait for it"
    CONFLICT = "another transaction or the network was in the way: try again, but not for ever"
    MISFIT = "code and schema do not fit: every key fails until one of the two changes"
    POISON = "it will not heal by itself: park it"
    FENCED = "the partition is another member's"

    @property
    def lasts(self) -> bool:
        """Whether trying again alone heals nothing."""
        return self in (Failure.POISON, Failure.MISFIT)


def failure_of(error: BaseException) -> Failure:
    """Classify by type and SQLSTATE; what is not known to heal is poison."""
    if isinstance(error, DatabaseAwayError | OutsideError) or says_away(error):
        return Failure.AWAY
    if says_stale(error) or sqlstate_of(error) in _CONFLICTS:
        return Failure.CONFLICT
    if (sqlstate_of(error) or "").startswith(_MISFITS):
        return Failure.MISFIT
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
    return isinstance(error, PoolTimeoutError) or (sqlstate_of(error) or "").startswith(_AWAY)


def says_gone(error: BaseException) -> bool:
    """Whether none of the connections that are open leads any longer to where it should."""
    return (sqlstate_of(error) or "").startswith(_GONE)


def says_transient(error: BaseException) -> bool:
    """Whether the same transaction, begun again at once, may go well."""
    return says_stale(error) or sqlstate_of(error) in _OVERLAPS


def says_one_step_apart(error: BaseException) -> bool:
    """Whether code and schema do not fit each other now, as in the middle of a roll-out."""
    return sqlstate_of(error) in _ONE_STEP_APART


def says_stale(error: BaseException) -> bool:
    """Whether the schema changed under the session, so that the same again may go well at once."""
    driver = _driver_error(error)
    return isinstance(driver, _STALE) or (
        sqlstate_of(error) == _INTERNAL_ERROR and any(word in str(driver) for word in _STALE_WORDS)
    )


def sqlstate_of(error: BaseException) -> str | None:
    """PostgreSQL's code, also of the outbox's insert, which goes past SQLAlchemy."""
    driver = _driver_error(error)
    if isinstance(driver, asyncpg.PostgresError):
        sqlstate: str | None = driver.sqlstate
        return sqlstate
    return None


def _driver_error(error: BaseException) -> BaseException | None:
    """What asyncpg raised: SQLAlchemy wraps it twice, and its second wrapping drops the code."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error
