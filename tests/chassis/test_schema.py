"""A process that came before its migration waits, says for what, and goes on by itself."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import text

from chassis.app import basic_parts, service_app
from chassis.database import Database
from chassis.migrations import migrate, serve_from
from chassis.parts import Parts, ServiceApp
from chassis.schema import Schema, SchemaAheadError, newest_version
from chassis.settings import ServiceSettings
from local.services import SERVICES, Service
from testkit.databases import Templates, unique_prefix
from testkit.servers import blocking

SERVICE = "partner"
_NO_LONGER = (
    "the schema of partner is at 9999 and serves releases from 9990 on; this one ends at {}:"
    " install a newer release, or restore a backup from before"
)


@pytest.fixture
async def app(service_templates: Templates) -> AsyncIterator[ServiceApp[Parts]]:
    copied = service_templates.copy(SERVICE, unique_prefix())
    made = service_app(basic_parts(SERVICE, copied.settings(ServiceSettings)), routers=[])
    async with made.router.lifespan_context(made):
        yield made
    service_templates.drop(copied)


async def _readiness(app: ServiceApp[Parts]) -> tuple[int, str | None]:
    transport = httpx.ASGITransport(app.ops)
    async with httpx.AsyncClient(transport=transport, base_url="http://ops") as client:
        answer = await client.get("/readyz")
    return answer.status_code, answer.json()["waits_for"]


async def _at(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


def taking_away(version: str) -> str:
    """What a migration does that takes away what releases before the version need."""
    said: list[str] = []
    serve_from(SimpleNamespace(execute=said.append), version)
    return said[0]


async def test_it_waits_for_its_schema_and_goes_on_when_it_is_there(
    app: ServiceApp[Parts],
) -> None:
    """Seen to fail when the schema is not proven, and when what was found is kept."""
    database, newest = app.parts.database, newest_version(SERVICE)
    await _at(database, "ALTER TABLE alembic_version RENAME TO kept")
    wanted = f"and this release needs {newest}: waiting for `partner migrate`"
    assert await _readiness(app) == (503, f"partner has no schema yet, {wanted}")
    await _at(database, "ALTER TABLE kept RENAME TO alembic_version")
    await _at(database, "UPDATE alembic_version SET version_num = '0001'")
    assert await _readiness(app) == (503, f"the schema of partner is at 0001, {wanted}")
    await _at(database, "UPDATE alembic_version SET version_num = '9999'")  # of the next release
    assert await _readiness(app) == (200, None)


async def test_it_refuses_a_schema_that_no_longer_serves_it(app: ServiceApp[Parts]) -> None:
    """Seen to fail without the proof, and with one that looks at the version instead."""
    database, newest = app.parts.database, newest_version(SERVICE)
    await _at(database, "UPDATE alembic_version SET version_num = '9999'")
    await _at(database, taking_away("9990"))
    assert await _readiness(app) == (503, _NO_LONGER.format(newest))
    await _at(database, taking_away(str(newest)))
    assert await _readiness(app) == (200, None)


async def test_several_that_ask_at_the_same_time_are_all_answered(app: ServiceApp[Parts]) -> None:
    """Seen to fail when the one that is answered first forgets what the others compare with."""
    schema, database = Schema(SERVICE), app.parts.database
    async with database.transaction() as one, database.transaction() as other:
        for session in (one, other):
            await session.execute(text("SELECT 1"))  # both are connected
        await asyncio.gather(schema.prove(one), schema.prove(other))


def test_migrating_leaves_a_newer_schema_as_it_is(service_templates: Templates) -> None:
    """So does a release that was rolled back. Seen to fail: alembic knows no such version."""
    copied = service_templates.copy(SERVICE, unique_prefix())

    async def at(statement: str) -> object:
        database = Database(copied.settings(ServiceSettings), SERVICE)
        async with database.transaction() as session:
            result = await session.execute(text(statement))
            found = result.scalars().all() if result.returns_rows else None  # type: ignore[attr-defined]
        await database.close()
        return found

    newer = "UPDATE alembic_version SET version_num = '9999' RETURNING version_num"
    assert blocking(at(newer)) == ["9999"]
    migrate(SERVICE, copied.url)
    assert blocking(at("SELECT version_num FROM alembic_version")) == ["9999"]
    blocking(at(taking_away("9990")))
    with pytest.raises(SchemaAheadError, match="serves releases from 9990 on"):
        migrate(SERVICE, copied.url)
    service_templates.drop(copied)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_each_service_knows_the_version_that_it_needs(service: Service) -> None:
    assert newest_version(service.package) is not None


def test_who_has_no_migrations_waits_for_none() -> None:
    assert newest_version("tally") is None
