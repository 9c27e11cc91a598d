"""One database per service, one transaction per request or batch, opened and committed at the door.

Tenants are kept apart twice: by the query's own condition, and by row-level security that binds the
role requests run as. Bus work runs as the owner, which it does not bind (design.md 7).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import BigInteger, DateTime, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from chassis.crash import crash_point
from chassis.failures import DatabaseAwayError, says_away
from chassis.identity import CurrentPrincipal, Principal
from chassis.outbox import STATED, StatingSession, write_stated
from chassis.settings import ServiceSettings
from wire.json import dumps, loads

REQUEST_ROLE = "channelbus_request"
EventSession = AsyncSession

_ENTER_TENANT = text(
    "SELECT set_config('role', :role, true), set_config('channelbus.partner_id', :partner, true)"
)
_SEE_AS = "SELECT set_config('channelbus.partner_id', $1, false)"
CONNECT_SECONDS_MAX = 10
LOAN_WAIT_SECONDS_MAX = 10  # for a connection, while all are lent out
_DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
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
        self._readers: asyncpg.Pool | None = None
        self._readers_opening = asyncio.Lock()
        self.engine = create_async_engine(
            settings.database_of(service),
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_pool_overflow,
            pool_timeout=LOAN_WAIT_SECONDS_MAX,
            hide_parameters=True,  # names and phones: not in logs, not in what a parked event shows
            json_serializer=lambda value: dumps(value).decode(),
            json_deserializer=loads,  # fractions come back as Decimal, not as float
            connect_args={
                "async_creator_fn": _connect,
                "timeout": CONNECT_SECONDS_MAX,
                "server_settings": self._session_settings(),
            },
        )
        self._sessions = async_sessionmaker(
            self.engine, expire_on_commit=False, sync_session_class=StatingSession
        )
        self.on_stated: Callable[[], None] = lambda: None  # the relay's wake-up, after the commit

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Bus work and schedules: commits at the end, rolls back on any error.

        Raises:
            DatabaseAwayError: not reached, or lost on the way; whether it committed is unknown.

        """
        try:
            async with self._sessions() as session:
                async with session.begin():
                    yield session
                    stated = STATED in session.info and await session.run_sync(write_stated)
                if stated:
                    crash_point("business.committed")
                    self.on_stated()
        except (SQLAlchemyError, *_DRIVER_ERRORS) as error:
            if says_away(error):
                raise DatabaseAwayError(str(getattr(error, "orig", error))) from error
            raise

    @asynccontextmanager
    async def transaction_as(self, principal: Principal) -> AsyncIterator[AsyncSession]:
        """A request's transaction: bound to the principal's partner by row-level security."""
        async with self.transaction() as session:
            tenant = {"role": REQUEST_ROLE, "partner": principal.partner_id}
            await session.execute(_ENTER_TENANT, tenant)
            yield session

    @asynccontextmanager
    async def read_as(self, principal: Principal) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection, for reads so hot that SQLAlchemy is most of their cost.

        It can only read what the principal may see: its role is the one that row-level security
        binds from the first statement on, and whom it sees for is set anew at every loan. Each
        statement is a snapshot of its own; what must agree is asked in one.

        Raises:
            DatabaseAwayError: not reached, or lost on the way.

        """
        readers = self._readers or await self._open_readers()
        connection = await _lent(readers)
        try:
            await connection.fetchval(_SEE_AS, principal.partner_id)
            yield connection
        except _DRIVER_ERRORS as error:
            if says_away(error) or _is_lost(connection):
                raise DatabaseAwayError(str(error)) from error
            raise
        finally:
            await readers.release(connection)

    async def _open_readers(self) -> asyncpg.Pool:
        async with self._readers_opening:
            if self._readers is None:
                self._readers = await asyncpg.create_pool(
                    self._settings.database_of(self._service).replace("+asyncpg", "", 1),
                    min_size=0,
                    max_size=self._settings.database_readers_max,
                    max_inactive_connection_lifetime=READER_IDLE_SECONDS_MAX,
                    connect=_connect,
                    reset=_keep_as_it_is,
                    timeout=CONNECT_SECONDS_MAX,
                    server_settings={
                        **self._session_settings(),
                        "role": REQUEST_ROLE,
                        "default_transaction_read_only": "on",
                    },
                )
            return self._readers

    def _session_settings(self) -> dict[str, str]:
        return {
            "application_name": self._service,
            "timezone": "UTC",
            "statement_timeout": f"{self._settings.statement_timeout_seconds}s",
            "idle_in_transaction_session_timeout": f"{self._settings.transaction_idle_seconds}s",
        }

    async def close(self) -> None:
        """Give all connections back."""
        if self._readers is not None:
            await self._readers.close()
        await self.engine.dispose()


async def _connect(*args: Any, **options: Any) -> asyncpg.Connection:
    """The one place where a failing socket means the database."""
    try:
        return await asyncpg.connect(*args, **options)
    except OSError as error:
        raise DatabaseAwayError(repr(error)) from error


async def _lent(readers: asyncpg.Pool) -> asyncpg.Connection:
    try:
        return await readers.acquire(timeout=LOAN_WAIT_SECONDS_MAX)
    except (TimeoutError, asyncpg.InterfaceError) as error:  # all lent out; the pool is closing
        raise DatabaseAwayError(repr(error)) from error
    except asyncpg.PostgresError as error:
        if says_away(error):
            raise DatabaseAwayError(str(error)) from error
        raise


def _is_lost(connection: asyncpg.Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool took it back when it broke, and only then
        return True


async def _keep_as_it_is(_connection: asyncpg.Connection) -> None:
    """No round trip to tidy up: a reader opens no transaction and takes no lock."""


async def http_session(
    request: Request, principal: CurrentPrincipal
) -> AsyncIterator[AsyncSession]:
    """The request's one transaction."""
    database: Database = request.app.state.database
    async with database.transaction_as(principal) as session:
        yield session


# scope="function": commit before the answer leaves. With FastAPI's default the client would hear
# 200 although the commit failed afterwards.
HttpSession = Annotated[AsyncSession, Depends(http_session, scope="function")]
