"""What a service must know of another's things it keeps as its own copy, fed by events."""

import asyncio
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

WAIT_SECONDS = 2.0  # create, then transfer at once, must work (decision 0008)
WAIT_STEP_SECONDS = 0.03
UPSERTS_CACHED_MAX = 256

T = TypeVar("T", bound=DeclarativeBase)


async def keep(session: AsyncSession, copy: type[DeclarativeBase], values: dict[str, Any]) -> None:
    """Write a copy's row by its primary key, unless the row is newer (`version`).

    An equal version is written again: it says the same, and so a restatement mends a copy.
    """
    await session.execute(_upsert(copy, tuple(values)), values)


@lru_cache(UPSERTS_CACHED_MAX)
def _upsert(copy: type[DeclarativeBase], columns: tuple[str, ...]) -> Insert:
    """Made once: building it costs more than a database needs to carry it out."""
    table = copy.__table__
    assert isinstance(table, Table)
    keys = [column.name for column in table.primary_key]
    statement = insert(table).values({name: bindparam(name) for name in columns})
    changed = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(
        index_elements=keys, set_=changed, where=table.c.version <= statement.excluded.version
    )


async def find(session: AsyncSession, copy: type[T], key: Any, *, lock: bool = False) -> T | None:
    """The row, waiting up to two seconds for the event that makes it; None when none comes."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    while True:
        found = await session.get(copy, key, with_for_update=lock, populate_existing=True)
        if found is not None or loop.time() >= deadline:
            return found
        await asyncio.sleep(WAIT_STEP_SECONDS)
