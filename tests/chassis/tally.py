"""A tiny service for proving the chassis: it counts what it hears, and states what it is told.

The table `heard` has no uniqueness of its own: an effect done twice shows as two rows.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from pydantic import SecretStr
from sqlalchemy import BigInteger, Identity, func, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis import outbox
from chassis.consumers import Consumers
from chassis.database import COLUMN_TYPES, REQUEST_ROLE, Database, EventSession
from chassis.migrations import bind_to_tenant, make_request_role, wall_kit_tables
from chassis.outbox import SLOTS
from chassis.restatement import Restater
from chassis.settings import ServiceSettings
from chassis.tables import KitTables
from contracts.billing import BillingFundsMoved
from contracts.event import Event

KEYS = SecretStr("test:c2VjcmV0LWtleS1mb3ItdGVzdHMtMzItYnl0ZXMhISE=")


class Tables(DeclarativeBase):
    """The tally's one table."""

    type_annotation_map = COLUMN_TYPES


class Heard(Tables):
    """An effect of one event."""

    __tablename__ = "heard"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[str]
    version: Mapped[int]
    amount: Mapped[Decimal]


def settings_for(server_url: str, bootstrap: str, prefix: str, **more: Any) -> ServiceSettings:
    """Settings of one tally with databases and topics of its own."""
    return ServiceSettings(
        database_url=SecretStr(server_url),
        database_prefix=prefix,
        kafka_bootstrap_servers=bootstrap,
        topic_prefix=prefix,
        internal_keys=KEYS,
        **more,
    )


async def create_schema(settings: ServiceSettings, service: str = "tally") -> None:
    """What the migrations of a service do, for tables that have no history."""
    engine = create_async_engine(
        settings.database_of(service).replace("postgresql", "postgresql+asyncpg", 1)
    )

    def upgrade(connection: Any) -> None:
        operations = Operations(MigrationContext.configure(connection))
        make_request_role(operations)
        for metadata in (KitTables.metadata, Tables.metadata):
            metadata.create_all(connection)
        wall_kit_tables(operations)
        operations.execute(
            "INSERT INTO relay_slots (slot, held_until)"
            f" SELECT n, now() FROM generate_series(0, {SLOTS - 1}) AS n"
        )
        for table in Tables.metadata.sorted_tables:
            operations.execute(
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {REQUEST_ROLE}"
            )
            if "partner_id" in table.c:
                bind_to_tenant(operations, table.name, has_distributor="distributor_id" in table.c)

    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()


def funds_moved(key: str, version: int, now: datetime, amount: str = "1.00") -> BillingFundsMoved:
    """An event of the shape of a real one."""
    return BillingFundsMoved(
        occurred_at=now,
        partner_id="p",
        version=version,
        account_id=key,
        owner_id=key,
        owner_kind="customer",
        account_type=1,
        currency="CNY",
        amount=Decimal(amount),
        balance=Decimal(version),
        held=Decimal(0),
        movement_id=f"{key}-{version}",
        reason="TEST",
    )


async def state(database: Database, key: str, versions: range, now: datetime) -> None:
    """Commit facts of one key, each in a transaction of its own."""
    for version in versions:
        async with database.transaction() as session:
            outbox.publish(session, funds_moved(key, version, now))


async def _count_keys(session: EventSession) -> int:
    return await session.scalar(select(func.count(Heard.key.distinct()))) or 0


async def _state_keys(session: EventSession, after: str, limit: int) -> list[Event]:
    newest = (
        select(Heard.key, func.max(Heard.version))
        .where(Heard.key > after)
        .group_by(Heard.key)
        .order_by(Heard.key)
        .limit(limit)
    )
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return [funds_moved(key, version, now) for key, version in await session.execute(newest)]


KEYS_RESTATED = Restater("key", _count_keys, _state_keys)


def counting(name: str = "tally") -> Consumers:
    """Consumers with one handler that writes a row for each event."""
    consumers = Consumers(name)

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        if event.amount < 0:
            raise ValueError(f"a tally cannot count {event.amount}")
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))

    return consumers
