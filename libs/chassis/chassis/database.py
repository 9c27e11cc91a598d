"""One database per service, one transaction per request or batch, opened and committed at the door.

Tenants are kept apart twice: by the query's own condition, and by row-level security that binds the
role requests run as. Bus work runs as the owner, which it does not bind (decision 0011).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import BigInteger, DateTime, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from chassis.at_commit import StatingSession, has_kept
from chassis.attempt import note_commit
from chassis.connecting import DRIVER_ERRORS, Connector
from chassis.crash import crash_point
from chassis.credentials import database_seen
from chassis.failures import READ_ONLY, DatabaseAwayError, says_away, says_gone, sqlstate_of
from chassis.identity import CurrentPrincipal, Principal
from chassis.parts import application_of
from chassis.pool import LOAN_WAIT_SECONDS_MAX, ConnectionPool, Generation
from chassis.schema import Schema
from chassis.settings import ServiceSettings
from chassis.write_kept import write_kept

REQUEST_ROLE = "channelbus_request"
PRINCIPAL = "principal"
EventSession = AsyncSession

_ENTER_TENANT = (
    f"BEGIN; SET LOCAL ROLE {REQUEST_ROLE}; SET LOCAL channelbus.partner_id = %s;"
    " SET LOCAL channelbus.principal = %s"
)
_ENTER_READING = (
    f"BEGIN READ ONLY; SET LOCAL ROLE {REQUEST_ROLE}; SET LOCAL channelbus.partner_id = %s"
)
_IS_READ_ONLY = text("SELECT current_setting('transaction_read_only') = 'on'")
_WRITE = text("SELECT pg_current_xact_id()")  # so that the commit has something to write
READER_IDLE_SECONDS_MAX = 60.0  # then its connection is closed

COLUMN_TYPES: dict[Any, Any] = {
    datetime: DateTime(timezone=True),
    str: Text(),
    int: BigInteger(),
    Decimal: Numeric(38, 2),
    dict[str, Any]: JSONB(),
    list[Any]: JSONB(),
}
"""How Python types become columns; put it in each service's `Tables.type_annotation_map`."""


class Database:
    """A service's connection pool and its two kinds of transaction."""

    def __init__(self, settings: ServiceSettings, service: str):
        self._settings = settings
        self._service = service
        self._generation = Generation()
        self._readers_generation = 0
        self._readers: asyncpg.Pool | None = None
        self._readers_opening = asyncio.Lock()
        self._returning: set[asyncio.Task[None]] = set()
        self.connector = Connector(
            partial(settings.database_of, service),
            _session_settings(settings, service),
            REQUEST_ROLE,
        )
        self._use_pool(settings.database_pool_size, settings.database_pool_overflow)
        self._files = database_seen(settings)
        self._sessions_proven = False
        self._schema = Schema(service)
        self.on_stated: Callable[[], None] = lambda: None  # the relay's wake-up, after the commit

    def for_bus(self) -> "Database":
        """The same with connections that no request can take: it brings what requests wait for."""
        bus = Database(self._settings, self._service)
        bus._generation = self._generation
        bus._use_pool(self._settings.database_bus_pool_size, 0)
        self.on_stated = lambda: bus.on_stated()
        return bus

    def _use_pool(self, size: int, overflow: int) -> None:
        self._pool = ConnectionPool(self.connector, size, overflow, self._generation)
        self._sessions = async_sessionmaker(
            self.engine, expire_on_commit=False, sync_session_class=StatingSession
        )

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's own door to the pool."""
        return self._pool.engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Bus work and schedules: commits at the end, rolls back on any error.

        Raises:
            DatabaseAwayError: not reached, or lost on the way; whether it committed is unknown.

        """
        with self._noticing_absence():
            async with self._sessions() as session:
                async with session.begin():
                    yield session
                    stated = has_kept(session) and await session.run_sync(write_kept)
                note_commit()
                if stated:
                    crash_point("business.committed")
                    self.on_stated()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection, each of whose statements is a transaction of its own.

        For what is one statement and nothing else: BEGIN and COMMIT are two round trips, and
        SQLAlchemy's part is ten times the statement's.

        Raises:
            DatabaseAwayError: not reached, or lost on the way; whether it committed is unknown.

        """
        with self._noticing_absence():
            async with self.engine.connect() as connection:
                yield _driver_of(connection)
                note_commit()

    @contextmanager
    def _noticing_absence(self) -> Iterator[None]:
        self._look_at_credentials()
        generation = self._generation.number
        try:
            yield
        except (SQLAlchemyError, *DRIVER_ERRORS) as error:
            if says_gone(error):
                self._generation.renew(generation)
            if says_away(error):
                raise DatabaseAwayError(str(getattr(error, "orig", error))) from error
            raise

    async def prove_sessions(self) -> None:
        """Show once that no pooler shares our sessions with others.

        Raises:
            SharedSessionError: one does.
            DatabaseAwayError: not reached; it is shown by `prove_writable` later.

        """
        if not self._sessions_proven:
            await self.connector.prove_sessions()
            self._sessions_proven = True

    async def prove_writable(self) -> None:
        """Show that a commit is written, and not only that somebody answers, into our tables.

        Raises:
            SchemaError: some of those tables are not there yet, or no longer.
            DatabaseAwayError: not reached, or what it reaches takes no writes.

        """
        await self.prove_sessions()
        generation = self._generation.number
        async with self.transaction() as session:
            if await session.scalar(_IS_READ_ONLY):
                self._generation.renew(generation)
                raise DatabaseAwayError("the server takes no writes")
            await self._schema.prove(session)
            await session.execute(_WRITE)

    def _look_at_credentials(self) -> None:
        """Lend nothing again that was made by what the files said before."""
        if self._files.changed():
            self.renew()
            self._pool.replace(self._settings.credentials_grace_seconds)

    def renew(self) -> None:
        """Lend no connection again that is open now: the server it leads to is going or wrong."""
        self._generation.renew(self._generation.number)

    @asynccontextmanager
    async def transaction_as(self, principal: Principal) -> AsyncIterator[AsyncSession]:
        """A request's transaction: bound to the principal's partner by row-level security."""
        async with self.transaction() as session:
            entered = _ENTER_TENANT % (_quoted(principal.partner_id), _quoted(principal.name))
            _driver_of(await session.connection()).opening = entered
            session.info[PRINCIPAL] = principal
            yield session

    def transaction_of(
        self, principal: Principal | None
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction like the one whose `principal_of` this was."""
        return self.transaction() if principal is None else self.transaction_as(principal)

    @staticmethod
    def principal_of(session: AsyncSession) -> Principal | None:
        """Whose transaction it is; None for the bus."""
        principal: Principal | None = session.info.get(PRINCIPAL)
        return principal

    @asynccontextmanager
    async def read_as(self, principal: Principal) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection, for reads so hot that SQLAlchemy is most of their cost.

        It can only read what the principal may see: its transaction is read-only and in the role
        that row-level security binds. Each statement is a snapshot of its own; what must agree is
        asked in one.

        Raises:
            DatabaseAwayError: not reached, or lost on the way.

        """
        self._look_at_credentials()
        generation = self._generation.number
        readers = self._readers or await self._open_readers()
        if self._readers_generation != generation:
            self._readers_generation = generation
            await readers.expire_connections()
        connection = await _lent(readers)
        try:
            await connection.execute(_ENTER_READING % _quoted(principal.partner_id))
            yield connection
        except DRIVER_ERRORS as error:
            if sqlstate_of(error) == READ_ONLY:
                raise  # a mistake of ours: no reader may write
            if says_gone(error):
                self._generation.renew(generation)
            if says_away(error) or _is_lost(connection):
                raise DatabaseAwayError(str(error)) from error
            raise
        finally:  # nobody waits for it: what was read is known
            returning = asyncio.create_task(_give_back(readers, connection))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)

    async def _open_readers(self) -> asyncpg.Pool:
        async with self._readers_opening:
            if self._readers is None:
                self._readers = await asyncpg.create_pool(
                    min_size=0,
                    max_size=self._settings.database_readers_max,
                    max_inactive_connection_lifetime=READER_IDLE_SECONDS_MAX,
                    connect=self.connector.connect,
                    reset=_keep_as_it_is,
                )
            return self._readers

    async def close(self) -> None:
        """Give all connections back."""
        if self._readers is not None:
            await self._readers.close()
        await self._pool.close()


def _driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    pooled: Any = connection.sync_connection.connection  # type: ignore[union-attr]
    return pooled.driver_connection


def _quoted(value: str) -> str:
    """As a literal of a statement that takes no parameters."""
    return "'" + value.replace("'", "''") + "'"


def _session_settings(settings: ServiceSettings, service: str) -> dict[str, str]:
    return {
        "application_name": service,
        "timezone": "UTC",
        "statement_timeout": f"{settings.statement_timeout_seconds}s",
        "idle_in_transaction_session_timeout": f"{settings.transaction_idle_seconds}s",
        "standard_conforming_strings": "on",  # a quote in a text is doubled, and no more
    }


async def _lent(readers: asyncpg.Pool) -> asyncpg.Connection:
    try:
        return await readers.acquire(timeout=LOAN_WAIT_SECONDS_MAX)
    except (TimeoutError, asyncpg.InterfaceError) as error:  # all lent out; the pool is closing
        raise DatabaseAwayError(repr(error)) from error


def _is_lost(connection: asyncpg.Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool took it back when it broke, and only then
        return True


async def _give_back(readers: asyncpg.Pool, connection: asyncpg.Connection) -> None:
    """Role and tenant end with the reader's transaction; there is nothing else to tidy up."""
    try:
        await connection.execute("ROLLBACK")
    except (OSError, *DRIVER_ERRORS):
        with suppress(asyncpg.InterfaceError):  # the pool took it back when it broke
            connection.terminate()
    await readers.release(connection)


async def _keep_as_it_is(_connection: asyncpg.Connection) -> None:
    """No second round trip: `_give_back` has ended the transaction."""


async def http_session(
    request: Request, principal: CurrentPrincipal
) -> AsyncIterator[AsyncSession]:
    """The request's one transaction."""
    database = application_of(request.scope).parts.database
    async with database.transaction_as(principal) as session:
        yield session


# scope="function": commit before the answer leaves. With FastAPI's default the client would hear
# 200 although the commit failed afterwards.
HttpSession = Annotated[AsyncSession, Depends(http_session, scope="function")]
