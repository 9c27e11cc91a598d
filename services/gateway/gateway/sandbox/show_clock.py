"""How business time stands, and what each step of the last move did."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.sandbox.models import ClockMove, ClockStep
from wire.native import NativeAnswer

STEPS_SHOWN_MAX = 1000  # the last ones


class EventCount(NativeAnswer):
    """How many events of a type were stated."""

    type: str
    count: int


class StepShown(NativeAnswer):
    """A step: `at` of the business clock, `ran` as `service: schedule`; `ended` by the wall."""

    number: int
    at: datetime
    ran: list[str]
    events: list[EventCount]
    ended: datetime | None


class ClockAnswer(NativeAnswer):
    """The business clock; `to` and `steps` are those of the move under way, or of the last one."""

    now: datetime
    offset_seconds: float
    moving: bool
    to: datetime | None
    problem: str | None
    steps_done: int
    steps: list[StepShown]


async def show_clock(session: AsyncSession, now: datetime, wall: datetime) -> ClockAnswer:
    """As it is now; `problem` says why a move that is under way does not go on."""
    newest = select(ClockMove).order_by(ClockMove.id.desc()).limit(1)
    move = (await session.scalars(newest)).one_or_none()
    steps, done = ([], 0) if move is None else await _steps(session, move.id)
    return ClockAnswer(
        now=now,
        offset_seconds=(now - wall).total_seconds(),
        moving=bool(move and move.is_open),
        to=move.to_at if move else None,
        problem=move.problem if move else None,
        steps_done=done,
        steps=steps,
    )


async def _steps(session: AsyncSession, move_id: int) -> tuple[list[StepShown], int]:
    step = ClockStep
    last = select(step).where(step.move_id == move_id).order_by(step.number.desc())
    found = (await session.scalars(last.limit(STEPS_SHOWN_MAX))).all()
    ended = select(func.count()).where(step.move_id == move_id, step.ended_at.is_not(None))
    shown = [
        StepShown(
            number=one.number,
            at=one.at,
            ran=one.ran,
            events=[EventCount(type=name, count=one.events[name]) for name in sorted(one.events)],
            ended=one.ended_at,
        )
        for one in reversed(found)
    ]
    return shown, await session.scalar(ended) or 0
