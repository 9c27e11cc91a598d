"""Whether the database has the schema that this code was written for.

A process that is ahead of its migration waits: it joins no group and is not ready, and says for
what. A schema that is ahead of the code serves it as long as it does not say otherwise: migrations
leave what the release before them needs, and one that takes it away writes down whom the schema
serves from then on (decisions 0115 and 0168).
"""

from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.failures import DatabaseAwayError

_VERSION_CHARACTERS = 4
IS_THERE = text("SELECT to_regclass('alembic_version') IS NOT NULL")
VERSION = text("SELECT version_num FROM alembic_version")
SERVES_FROM = text("SELECT obj_description(to_regclass('alembic_version'), 'pg_class')")


class SchemaError(DatabaseAwayError):
    """The schema is none that this release can work with; the text says what to do."""


class SchemaBehindError(SchemaError):
    """The migration of this release has not run yet, or has not ended."""

    def __init__(self, service: str, found: str | None, wanted: str):
        command = f"{service.replace('_', '-')} migrate"
        has = f"the schema of {service} is at {found}" if found else f"{service} has no schema yet"
        super().__init__(f"{has}, and this release needs {wanted}: waiting for `{command}`")


class SchemaAheadError(SchemaError):
    """What this release needs was taken away by one that came two or more after it."""

    def __init__(self, service: str, found: str, serves_from: str, newest: str):
        super().__init__(
            f"the schema of {service} is at {found} and serves releases from {serves_from} on; this"
            f" one ends at {newest}: install a newer release, or restore a backup from before"
        )


def prove_served(service: str, found: str, serves_from: str | None) -> None:
    """Raises SchemaAheadError where the schema no longer has what this code needs."""
    newest = newest_version(service)
    if newest and serves_from and newest < serves_from:
        raise SchemaAheadError(service, found, serves_from, newest)


class Schema:
    """What one process knows of its database's schema; once it is there it stays."""

    def __init__(self, service: str):
        self._service = service
        self._wanted = newest_version(service)

    async def prove(self, session: AsyncSession) -> None:
        """Raises SchemaError while it is not there. Several may ask at the same time."""
        wanted = self._wanted
        if wanted is None:
            return
        is_there = await session.scalar(IS_THERE)
        found = await session.scalar(VERSION) if is_there else None
        if found is None or found < wanted:
            raise SchemaBehindError(self._service, found, wanted)
        prove_served(self._service, found, await session.scalar(SERVES_FROM))
        self._wanted = None


def newest_version(service: str) -> str | None:
    """The last of the service's migrations; None where it has none."""
    spec = find_spec(service)
    if spec is None or spec.origin is None:
        return None
    versions = Path(spec.origin).parent / "migrations" / "versions"
    found = (path.name[:_VERSION_CHARACTERS] for path in versions.glob("[0-9]*_*.py"))
    return max(found, default=None)
