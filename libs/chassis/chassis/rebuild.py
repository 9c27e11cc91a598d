"""What a service copies of others, to be rebuilt in place while it serves (decision 0007)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.tables import Rebuild

Tell = Callable[[str], None]
Finish = Callable[[Database, Rebuild, Tell], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Copied:
    """The owners of what a service copies, each with the aggregates to be stated again.

    `finish` runs once all of it was heard; it may run again after a kill.
    """

    owners: Mapping[str, Sequence[str]]
    finish: Finish | None = None


async def running_rebuild(session: AsyncSession) -> Rebuild | None:
    """The rebuild under way, its row locked: what it counts is counted in one place at a time."""
    found = await session.scalars(
        select(Rebuild)
        .where(Rebuild.finished_at.is_(None))
        .order_by(Rebuild.id)
        .limit(1)
        .with_for_update()
    )
    return found.one_or_none()


def count_change(rebuild: Rebuild, what: str, change: str, number: int) -> None:
    """Add to `changes[what][change]`; committed with the change itself, so that it stays exact."""
    if number:
        name = str(what)  # a table's name is more than a str, which JSON refuses as a key
        counted = rebuild.changes.get(name, {})
        counted = {**counted, change: counted.get(change, 0) + number}
        rebuild.changes = {**rebuild.changes, name: counted}
