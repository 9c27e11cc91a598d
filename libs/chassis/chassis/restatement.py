"""An owner states its aggregates anew, so that copies and read models can be rebuilt while serving.

Same contracts, marked `restated`, through the outbox, in portions of one transaction each. Progress
is kept with the portion: a killed restatement goes on where it stood (decision 0007). Copies take
an equal or newer version, so what changed meanwhile is never overwritten by its past.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import BadFieldError
from chassis.identity import Principal
from chassis.logs import get_logger
from chassis.schedules import WallSchedule
from chassis.tables import OutboxRow, Restatement
from contracts.event import Event

log = get_logger(__name__)

PORTION_AGGREGATES = 500
LOOK_EVERY_SECONDS = 5.0

Portion = Callable[[AsyncSession, str, int], Awaitable[Sequence[Event]]]
Count = Callable[[AsyncSession], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Restater:
    """How one kind of aggregate is stated again.

    `portion(session, after, limit)` gives one event for each of the next `limit` aggregates whose
    id is greater than `after` (empty at first), in the order of their ids; the event's subject is
    the id, and the event must have no effect but to be copied. `count` says how many there are.
    """

    aggregate: str
    count: Count
    portion: Portion


def is_known(version: int, event: Event) -> bool:
    """Whether a copy of that version has nothing to take from the event.

    What is stated again is taken at an equal version too: that is how a copy is mended.
    """
    return version > event.version or (version == event.version and not event.restated)


async def request_restatement(
    session: AsyncSession,
    restaters: Sequence[Restater],
    principal: Principal,
    now: datetime,
    aggregates: Sequence[str] = (),
) -> list[int]:
    """Ask for the aggregates named, or for all; the ids of the restatements, one per aggregate.

    Raises:
        BadFieldError: this service states no such aggregate.

    """
    known = {restater.aggregate: restater for restater in restaters}
    if unknown := set(aggregates) - set(known):
        raise BadFieldError("aggregates", f"{sorted(unknown)}; known: {sorted(known)}")
    asked = []
    for name in aggregates or known:
        total = await known[name].count(session)
        asked.append(Restatement(aggregate=name, requested_at=now, total=total, after="", done=0))
    session.add_all(asked)
    await session.flush()
    for one in asked:
        audit.record(session, principal, "restatement.request", one.aggregate, now, total=one.total)
    return [one.id for one in asked]


async def list_restatements(
    session: AsyncSession, ids: Sequence[int] = (), limit: int = 20
) -> list[dict[str, Any]]:
    """The newest first, or those of the ids, with their progress."""
    table = Restatement
    columns = (table.id, table.aggregate, table.requested_at, table.done, table.total,
               table.finished_at)  # fmt: skip
    wanted = select(*columns).order_by(table.id.desc())
    wanted = wanted.where(table.id.in_(ids)) if ids else wanted.limit(limit)
    return [dict(row) for row in (await session.execute(wanted)).mappings()]


async def outbox_ends(session: AsyncSession) -> dict[str, int | None]:
    """The ids of the oldest and the newest event not sent yet; what is below the oldest is sent."""
    ends = select(func.min(OutboxRow.id), func.max(OutboxRow.id))
    oldest, newest = (await session.execute(ends)).one()
    return {"oldest": oldest, "newest": newest}


def restating(restaters: Sequence[Restater]) -> WallSchedule:
    """The schedule that carries requested restatements out; one replica at a time works on each."""
    known = {restater.aggregate: restater for restater in restaters}

    async def work(database: Database, now: datetime) -> None:
        while await _state_portion(database, known, now):
            crash_point("restatement.portion")

    return WallSchedule("restate", LOOK_EVERY_SECONDS, work)


async def _state_portion(database: Database, known: dict[str, Restater], now: datetime) -> bool:
    """State one portion of the oldest open restatement; False when there is none to work on."""
    table = Restatement
    async with database.transaction() as session:
        found = await session.scalars(
            select(table)
            .where(table.finished_at.is_(None), table.aggregate.in_(known))
            .order_by(table.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        restatement = found.one_or_none()
        if restatement is None:
            return False
        portion = known[restatement.aggregate].portion
        events = await portion(session, restatement.after, PORTION_AGGREGATES)
        outbox.publish(session, *(event.model_copy(update={"restated": True}) for event in events))
        restatement.done += len(events)
        if len(events) < PORTION_AGGREGATES:
            restatement.finished_at = now
            restatement.total = restatement.done
        else:
            restatement.after = events[-1].subject
        log.info("restated", aggregate=restatement.aggregate, done=restatement.done,
                 total=restatement.total)  # fmt: skip
    return True


async def unfinished(session: AsyncSession) -> int:
    """How many restatements are still under way."""
    open_ones = select(func.count()).where(Restatement.finished_at.is_(None))
    return await session.scalar(open_ones) or 0
