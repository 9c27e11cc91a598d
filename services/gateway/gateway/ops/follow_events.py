"""The event flow as it happens: the newest rows of the feed, read once for all who look."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from chassis.clock import WallClock
from chassis.database import Database
from gateway.feed.shared_look import SharedLook
from gateway.portfolio.models import FeedRow

LOOK_PAUSE_SECONDS = 0.5
EVENTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class FlowEvent:
    """An event by its ids alone: its content stays in the feed."""

    position: int
    event_id: str
    stream: str
    type: str
    subject: str
    partner_id: str
    occurred_at: datetime
    is_new: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """The newest events, newest first, as of an instant."""

    at: datetime
    events: tuple[FlowEvent, ...]


class EventFlow:
    """Reads every tenant's events: the console is the platform's (see `sessions`)."""

    def __init__(self, database: Database, clock: WallClock):
        self._database = database
        self._clock = clock
        self._seen: int | None = None
        self.looks: SharedLook[Flow] = SharedLook(self._look, LOOK_PAUSE_SECONDS)

    async def _look(self) -> Flow:
        row = FeedRow
        columns = (
            row.position, row.event_id, row.stream, row.type, row.subject, row.partner_id,
            row.occurred_at,
        )  # fmt: skip
        newest = select(*columns).order_by(row.position.desc()).limit(EVENTS_SHOWN)
        async with self._database.transaction() as session:
            found = (await session.execute(newest)).all()
        seen, self._seen = self._seen, found[0].position if found else 0
        events = [
            FlowEvent(
                position, str(event_id), stream, event_type, subject, partner_id, occurred_at,
                seen is not None and position > seen,
            )
            for position, event_id, stream, event_type, subject, partner_id, occurred_at in found
        ]  # fmt: skip
        return Flow(self._clock(), tuple(events))
