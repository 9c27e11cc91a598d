"""Each service migrates its own database with alembic; this is what their migrations share.

A service's `migrations/env.py` is one line: `chassis.migrations.run(Tables.metadata)`.
"""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from alembic import command, context
from alembic.config import Config
from sqlalchemy import MetaData, Table, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.connecting import Connector, with_database
from chassis.database import REQUEST_ROLE
from chassis.failures import DatabaseAwayError
from chassis.outbox import SLOTS
from chassis.tables import KitTables

_OWN_ROLE = f"""
DO $$ BEGIN
    CREATE ROLE {REQUEST_ROLE} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
"""


def migrate(service: str, database_url: str) -> None:
    """Create the service's database when it is missing and bring it to the newest version.

    `service` is the package's name, `database_url` that of the service's own database.
    """
    asyncio.run(_ensure_database(database_url))
    package = Path(str(import_module(service).__file__)).parent
    config = Config()
    config.set_main_option("script_location", str(package / "migrations"))
    config.attributes["url"] = database_url
    command.upgrade(config, "head")


async def _ensure_database(database_url: str) -> None:
    """Make it when it is not there; one made beforehand asks for no right to make it."""
    try:
        await _connector(database_url).prove_sessions()
    except DatabaseAwayError as away:
        if not isinstance(away.__cause__, asyncpg.InvalidCatalogNameError):
            raise
        await _create_database(database_url)


async def _create_database(database_url: str) -> None:
    name = urlsplit(database_url).path.removeprefix("/")
    connection = await _connector(with_database(database_url, "postgres")).connect()
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    except asyncpg.DuplicateDatabaseError:
        pass  # another process was quicker
    finally:
        await connection.close()


def _connector(database_url: str) -> Connector:
    return Connector(database_url, {"application_name": "migrate"})


def run(*metadata: MetaData) -> None:
    """The body of every service's `migrations/env.py`."""
    asyncio.run(_upgrade(context.config.attributes["url"], [*metadata, KitTables.metadata]))


async def _upgrade(url: str, metadata: list[MetaData]) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=_connector(url).connect,
        poolclass=pool.NullPool,
    )
    async with engine.connect() as connection:
        # Replicas may migrate at once: the second waits, then finds nothing left to do.
        await connection.execute(text("SELECT pg_advisory_lock(hashtext('channelbus.migrate'))"))
        await connection.commit()
        await connection.run_sync(_upgrade_with, metadata)
        await connection.commit()
    await engine.dispose()


def _upgrade_with(connection: Any, metadata: list[MetaData]) -> None:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


def create_kit_tables(op: Any) -> None:
    """First migration of every service: the chassis's tables, and the role that requests run as."""
    op.execute(_OWN_ROLE)
    op.execute(f"GRANT {REQUEST_ROLE} TO CURRENT_USER")
    KitTables.metadata.create_all(op.get_bind())
    op.execute(
        "INSERT INTO relay_slots (slot, held_until)"
        f" SELECT n, now() FROM generate_series(0, {SLOTS - 1}) AS n"
    )
    # The outbox empties as fast as it fills: vacuum it by the row, not by the share.
    op.execute(
        "ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.0,"
        " autovacuum_vacuum_threshold = 5000)"
    )
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, idempotency_keys TO {REQUEST_ROLE}"
    )
    op.execute(f"GRANT SELECT, INSERT ON audit_log, restatements TO {REQUEST_ROLE}")
    op.execute(f"GRANT SELECT ON parked_events, parked_keys, consumer_positions TO {REQUEST_ROLE}")


def create_tables(op: Any, metadata: MetaData, *names: str) -> None:
    """Create the named tables of a service (all when none is named) and let requests use them.

    A table with a `partner_id` column gets row-level security: a request sees the rows that its
    partner owns or stands above as distributor; the administrator sees all.
    """
    tables: list[Table] = [t for t in metadata.sorted_tables if not names or t.name in names]
    metadata.create_all(op.get_bind(), tables=tables)
    for table in tables:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {REQUEST_ROLE}")
        if "partner_id" in table.c:
            bind_to_tenant(op, table.name, has_distributor="distributor_id" in table.c)


def bind_to_tenant(op: Any, table: str, *, has_distributor: bool) -> None:
    """Row-level security for one table: the second wall behind the query's own condition."""
    tenant = "current_setting('channelbus.partner_id', true)"
    owned = f"partner_id = {tenant} OR {tenant} = '*'"
    if has_distributor:
        owned += f" OR distributor_id = {tenant}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO {REQUEST_ROLE} USING ({owned}) WITH CHECK ({owned})"
    )
