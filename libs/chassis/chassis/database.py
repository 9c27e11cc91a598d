"""One database per service, one transaction per request or batch, opened and committed at the door.

Tenants are kept apart twice: by the query's own condition, and by row-level security that binds the
role requests run as. Bus work runs as the owner, which it does not bind (design.md 7).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import BigInteger, DateTime, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from chassis.crash import crash_point
from chassis.identity import CurrentPrincipal, Principal
from chassis.outbox import write_stated
from chassis.settings import ServiceSettings
from wire.json import dumps, loads

REQUEST_ROLE = "channelbus_request"
EVERY_PARTNER = "*"
EventSession = AsyncSession

_ENTER_TENANT = text(
    "SELECT set_config('role', :role, true), set_config('channelbus.partner_id', :partner, true)"
)

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
        self.engine = create_async_engine(
            settings.database_of(service),
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_pool_overflow,
            pool_timeout=10,
            json_serializer=lambda value: dumps(value).decode(),
            json_deserializer=loads,  # fractions come back as Decimal, not as float
            connect_args={
                "timeout": 10,
                "server_settings": {
                    "application_name": service,
                    "timezone": "UTC",
                    "statement_timeout": f"{settings.statement_timeout_seconds}s",
                    "idle_in_transaction_session_timeout": "60s",
                },
            },
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.on_stated: Callable[[], None] = lambda: None  # the relay's wake-up, after the commit

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Bus work and schedules: commits at the end, rolls back on any error."""
        async with self._sessions() as session:
            async with session.begin():
                yield session
                stated = await write_stated(session)
            if stated:
                crash_point("business.committed")
                self.on_stated()

    @asynccontextmanager
    async def transaction_as(self, principal: Principal) -> AsyncIterator[AsyncSession]:
        """A request's transaction: bound to the principal's partner by row-level security."""
        async with self.transaction() as session:
            tenant = {"role": REQUEST_ROLE, "partner": principal.partner_id}
            await session.execute(_ENTER_TENANT, tenant)
            yield session

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


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
