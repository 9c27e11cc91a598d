"""What a service tells and does when business time, moved ahead, stops at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text

from chassis.database import Database
from chassis.parts import Running
from chassis.schedules import Schedule
from chassis.tables import ConsumerPosition, OutboxRow

_LAST_STATED = text("SELECT last_value FROM outbox_id_seq")


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is under way: events not sent and not heard yet; who says the same `mark` did nothing.

    Whatever is under way is in an outbox or behind a position, and a handler moves its position in
    the transaction that states what follows. So two looks at all services between which no mark
    has changed, and which find nothing, show that at an instant between them nothing was under way.
    """

    outbox: int
    unread: int
    mark: str


def business_schedules(running: Running) -> list[Schedule]:
    """Those that go by business time."""
    return [one for one in running.schedules if isinstance(one, Schedule)]


async def due_instants(
    database: Database, schedules: Sequence[Schedule]
) -> dict[str, datetime | None]:
    """From when on each schedule that can say so finds something to do; None: of nothing yet."""
    async with database.transaction() as session:
        return {one.name: await one.next_due(session) for one in schedules if one.next_due}


async def run_due(database: Database, schedules: Sequence[Schedule], now: datetime) -> list[str]:
    """Do what is due by then; the names of the schedules that had something to do, or may have."""
    ran = []
    for one in schedules:
        due = (await due_instants(database, [one])).get(one.name)
        if one.next_due is None or (due is not None and due <= now):
            await (one.at_a_stop or one.work)(database, now)
            ran.append(one.name)
    return ran


async def look_whether_quiet(database: Database, running: Running) -> Quiet:
    """Raises KafkaError where the ends of the streams cannot be asked."""
    position = ConsumerPosition
    columns = select(position.consumer, position.topic, position.partition, position.position)
    async with database.transaction() as session:
        waiting = await session.scalar(select(func.count()).select_from(OutboxRow)) or 0
        last_stated = await session.scalar(_LAST_STATED)
        rows = (await session.execute(columns)).all()
    unread = 0
    for group in running.consumers if running.reader is not None else ():
        stands = {(topic, part): at for consumer, topic, part, at in rows if consumer == group}
        found = await running.reader.unread(stands, group) if running.reader and stands else {}
        unread += sum(one.events for one in found.values())
    heard = sum(at for *_, at in rows)
    return Quiet(waiting, unread, f"{last_stated}/{heard}")
