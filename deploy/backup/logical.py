"""Dumps, one for each database: the second way, for moving to another server.

They are of no common instant. So a dump is taken while the services stand still, or the copies and
read models are rebuilt afterwards; `channelbus-restore check` says that it cannot judge them.
"""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from backup.physical import BackupError, program, run


def dump(url: str, folder: Path, prefix: str, programs: str) -> list[str]:
    """Each database of the prefix into a file; what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in _databases(url, prefix):
        target = folder / f"{name}.dump"
        unfinished = target.with_suffix(".part")
        run(
            [program(programs, "pg_dump"), "--format=custom", "--no-password",
             "--file", str(unfinished), _of(url, name)]
        )  # fmt: skip
        unfinished.rename(target)
        written.append(str(target))
    if not written:
        raise BackupError(f"There is no database whose name begins with {prefix}.")
    return written


def load(url: str, folder: Path, programs: str) -> list[str]:
    """Each dump into a database of its name, which must not be there; what was made.

    The role of requests is there before: `migrate --print-roles` of each service makes it.
    """
    made = []
    for source in sorted(folder.glob("*.dump")):
        asyncio.run(_execute(url, f'CREATE DATABASE "{source.stem}"'))
        run(
            [program(programs, "pg_restore"), "--exit-on-error", "--no-owner", "--no-password",
             "--single-transaction", "--dbname", _of(url, source.stem), str(source)]
        )  # fmt: skip
        made.append(source.stem)
    if not made:
        raise BackupError(f"{folder} has no dump.")
    return made


def _databases(url: str, prefix: str) -> list[str]:
    async def asked() -> list[str]:
        connection = await asyncpg.connect(_of(url, "postgres"))
        try:
            rows = await connection.fetch(
                "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1", prefix
            )
        finally:
            await connection.close()
        return [row[0] for row in rows]

    return asyncio.run(asked())


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(_of(url, "postgres"))
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        raise BackupError(str(error)) from error
    finally:
        await connection.close()


def _of(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))
