"""What a service must know of another's things it keeps as its own copy, fed by events.

A command may name what was made a moment ago: it waits for the event that brings the copy. Who
waits holds no connection and no lock, for the event needs them, and so do others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from chassis.attempt import current_attempt
from chassis.database import Database

WAIT_SECONDS = 2.0  # create, then transfer at once, must work (decision 0008)
FIRST_STEP_SECONDS = 0.03  # most events are under way for less
STEP_SECONDS_MAX = 0.25
UPSERTS_CACHED_MAX = 256

T = TypeVar("T", bound=DeclarativeBase)
Found = TypeVar("Found")
Look = Callable[[AsyncSession], Awaitable[Found | None]]


class NotYetKnownError(Exception):
    """What the request names is not there yet: roll back, wait, and begin it again."""

    def __init__(self, look: Look[Any], session: AsyncSession):
        self.look = look
        self.principal = Database.principal_of(session)
        super().__init__("not known yet")


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


async def find(session: AsyncSession, copy: type[T], key: Any) -> T | None:
    """The row, waiting up to two seconds for the event that makes it; None when none comes."""
    return await until(session, lambda asked: asked.get(copy, key, populate_existing=True))


async def until(session: AsyncSession, look: Look[Found]) -> Found | None:
    """What `look` finds, waiting up to two seconds for the event that brings it; None without one.

    A request does not wait here: its transaction is rolled back, and the whole request is begun
    again when a `look` in another session has found it (`chassis.try_again`). So `look` must hold
    nothing of this session. Who was committed in part, or is no request, waits in its transaction.
    """
    found = await look(session)
    if found is not None:
        return found
    attempt = current_attempt.get()
    if attempt is not None and attempt.can_begin_anew:
        if attempt.waited_out:
            return None
        raise NotYetKnownError(look, session)
    for pause in pauses(wait_end()):
        await asyncio.sleep(pause)
        if (found := await look(session)) is not None:
            return found
    return None


async def wait_for(database: Database, look: Look[Found]) -> Found | None:
    """As `until`, for who has no transaction: each look is one of its own."""
    for pause in chain([0.0], pauses(wait_end())):
        await asyncio.sleep(pause)
        async with database.transaction() as session:
            if (found := await look(session)) is not None:
                return found
    return None


def wait_end() -> float:
    """When a wait that begins now is over, by the loop's clock."""
    return asyncio.get_running_loop().time() + WAIT_SECONDS


def pauses(end: float, crowd: Callable[[], float] = lambda: 1.0) -> Iterator[float]:
    """Seconds to sleep before each look, longer and longer; the last look is when the wait ends.

    Where a `crowd` waits, each of it looks so many times less often.
    """
    loop, step = asyncio.get_running_loop(), FIRST_STEP_SECONDS
    while (left := end - loop.time()) > 0:
        yield min(step * crowd(), left)
        step = min(step * 1.5, STEP_SECONDS_MAX)
