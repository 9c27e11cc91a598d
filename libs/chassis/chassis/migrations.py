"""Each service migrates its own database with alembic; this is what their migrations share.

A service's `migrations/env.py` is one line: `chassis.migrations.run(Tables.metadata)`.
"""

import asyncio
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command, context
from alembic.config import Config
from sqlalchemy import MetaData, pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from chassis.connecting import Connector, DatabaseUrl, with_database
from chassis.database import REQUEST_ROLE
from chassis.failures import DatabaseAwayError, sqlstate_of
from chassis.logs import get_logger
from chassis.roles import REQUEST_ROLE_GIVEN, REQUEST_ROLE_MADE, RightsMissingError, prove_owned
from chassis.schema import IS_THERE, SERVES_FROM, VERSION, newest_version, prove_served
from chassis.tables import KitTables

log = get_logger(__name__)

LOCK_SECONDS_MAX = 2  # so long may a statement wait for a lock, and all who come after it with it
LOCK_TRIES_MAX = 60
LOCK_PAUSE_SECONDS = 2.0  # for those who waited behind it
TURN_PAUSE_SECONDS = 0.2

_TAKE_TURN = text("SELECT pg_try_advisory_lock(hashtext('channelbus.migrate'))")
_LOCK_NOT_AVAILABLE = "55P03"
_RIGHT_MISSING = "42501"


def migrate(service: str, database_url: str, version: str = "head") -> None:
    """Create the service's database when it is missing and bring it to the version, or the newest.

    `service` is the package's name, `database_url` that of the service's own database. Each version
    is committed by itself, so that a run that was killed goes on where it stood. A schema that is
    newer than this code is left as it is: after a rollback it is served so.

    Raises:
        RightsMissingError: the login may not make what is missing.
        ForeignOwnerError: database or tables belong to somebody else.
        SchemaAheadError: the schema is so much newer that it no longer serves this code.

    """
    try:
        asyncio.run(_ensure_database(database_url))
        if newer := asyncio.run(_newer_version(service, database_url)):
            log.warning("the schema is newer than this release: left as it is", version=newer)
            return
        _between_others(lambda: _upgrade_to(version, service, database_url))
    except (DBAPIError, asyncpg.PostgresError) as error:
        if sqlstate_of(error) == _RIGHT_MISSING:
            raise RightsMissingError(str(getattr(error, "orig", error))) from error
        raise


def _between_others(upgrade: Callable[[], None]) -> None:
    """Let those pass who waited behind a statement that waits for a lock, and try again."""
    for _ in range(LOCK_TRIES_MAX - 1):
        try:
            return upgrade()
        except DBAPIError as error:
            if sqlstate_of(error) != _LOCK_NOT_AVAILABLE:
                raise
            log.warning("a table is in use; tried again", seconds=LOCK_PAUSE_SECONDS)
            time.sleep(LOCK_PAUSE_SECONDS)
    return upgrade()


def _upgrade_to(version: str, service: str, database_url: str) -> None:
    package = Path(str(import_module(service).__file__)).parent
    config = Config()
    config.set_main_option("script_location", str(package / "migrations"))
    config.attributes["url"] = database_url
    command.upgrade(config, version)


async def _ensure_database(database_url: str) -> None:
    """Make it when it is not there; one made beforehand asks for no right to make it."""
    try:
        await _connector(database_url).prove_sessions()
    except DatabaseAwayError as away:
        if not isinstance(away.__cause__, asyncpg.InvalidCatalogNameError):
            raise
        await _create_database(database_url)


async def _newer_version(service: str, database_url: str) -> str | None:
    """The version of the database, where the release that made it came after this one.

    The first look into it: whose it is is asked here as well.
    """
    connection = await _connector(database_url).connect()
    try:
        await prove_owned(connection)
        is_there = await connection.fetchval(str(IS_THERE))
        found: str | None = await connection.fetchval(str(VERSION)) if is_there else None
        serves_from: str | None = await connection.fetchval(str(SERVES_FROM))
    finally:
        await connection.close()
    prove_served(service, found or "", serves_from)
    newest = newest_version(service)
    return found if found and newest and found > newest else None


async def _create_database(database_url: str) -> None:
    name = DatabaseUrl.read(database_url).database
    connection = await _connector(with_database(database_url, "postgres")).connect()
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    except asyncpg.DuplicateDatabaseError:
        pass  # another process was quicker
    finally:
        await connection.close()


def _connector(database_url: str) -> Connector:
    told = {"application_name": "migrate", "lock_timeout": f"{LOCK_SECONDS_MAX}s"}
    return Connector(database_url, told)


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
        await _take_turn(connection)
        await connection.run_sync(_upgrade_with, metadata)
        await connection.commit()
    await engine.dispose()


async def _take_turn(connection: AsyncConnection) -> None:
    """Replicas may migrate at once: the second waits, then finds nothing left to do.

    It asks again and again: a statement that waits would be waited for by an index that is built
    beside others, and neither would ever end.
    """
    while not await connection.scalar(_TAKE_TURN):
        await connection.commit()
        await asyncio.sleep(TURN_PAUSE_SECONDS)
    await connection.commit()


def _upgrade_with(connection: Any, metadata: list[MetaData]) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


def make_request_role(op: Any) -> None:
    """First migration of every service: the role that requests run as, when there is none yet."""
    op.execute(REQUEST_ROLE_MADE)
    op.execute(REQUEST_ROLE_GIVEN)


def serve_from(op: Any, version: str) -> None:
    """Of a migration that takes away what a release whose newest migration is older needs.

    Such a release is not ready on this schema from now on, and says why; what runs goes on.
    """
    op.execute(f"COMMENT ON TABLE alembic_version IS '{version}'")


def run_sql(op: Any, version_file: str) -> None:
    """Carry out the SQL file beside a version: what it makes is frozen, whatever models become."""
    script = Path(version_file).with_suffix(".sql").read_text("utf-8")
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(script))


def wall_kit_tables(op: Any) -> None:
    """The second wall around the chassis's own tables, as of version 0.2.

    A request may append to outbox and audit log, and keep the answers of its own principal; all
    else is bus work, which runs as another role.
    """
    tenant = "current_setting('channelbus.partner_id', true)"
    op.execute(
        "REVOKE ALL ON outbox, relay_slots, relay_replicas, inbox, consumer_positions, parked_keys,"
        " parked_events, restatements, rebuilds, idempotency_keys, audit_log"
        f" FROM {REQUEST_ROLE}"
    )
    op.execute(f"GRANT INSERT ON outbox, audit_log TO {REQUEST_ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON idempotency_keys TO {REQUEST_ROLE}")
    op.execute("ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON audit_log FOR INSERT TO {REQUEST_ROLE}"
        f" WITH CHECK (partner_id = {tenant} OR {tenant} = '*')"
    )
    own = "principal = current_setting('channelbus.principal', true)"
    op.execute("ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_principal ON idempotency_keys TO {REQUEST_ROLE}"
        f" USING ({own}) WITH CHECK ({own})"
    )


def tell_what_is_heard(op: Any) -> None:
    """Until when a consumer has heard everything, and since when and for whom a parked key waits.

    As of version 0.3. What is parked already says whose it is by its header.
    """
    op.execute("ALTER TABLE consumer_positions ADD COLUMN heard_until TIMESTAMPTZ")
    op.execute(
        "ALTER TABLE parked_events ADD COLUMN sent_at TIMESTAMPTZ,"
        " ADD COLUMN partner_id TEXT, ADD COLUMN distributor_id TEXT"
    )
    op.execute(
        "UPDATE parked_events SET partner_id = headers ->> 'ce_partnerid' WHERE state = 'waiting'"
    )


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
