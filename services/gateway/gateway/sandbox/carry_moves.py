"""Carry a move of business time out, step by step; each can be taken again after a kill."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import RefusedError
from chassis.logs import get_logger
from gateway.portfolio.models import FeedRow
from gateway.sandbox.ask_clocks import Clocks, Look
from gateway.sandbox.models import ClockMove, ClockStep

log = get_logger(__name__)

LOOK_EVERY_SECONDS = 0.5
LOOK_SECONDS_MAX = 5.0  # between two looks into the database that nobody asked for
STEP_MAX = timedelta(days=1)
LEASE_SECONDS = 10  # then another replica goes on; both at once do no harm
SETTLE_PAUSE_SECONDS = 0.05
LOOKS_MAX = 4000  # of one step: some minutes; then it says what it waits for, and begins again


class NotSettlingError(Exception):
    """A step does not end."""


class ClockMover:
    """A schedule: finds the open move, if there is one that nobody carries out, and does it."""

    def __init__(self, clocks: Clocks, wall: Callable[[], datetime]):
        self._clocks = clocks
        self._wall = wall
        self._next_look = 0.0

    def expect(self) -> None:
        """A move was asked for here."""
        self._next_look = 0.0

    async def work(self, database: Database, _wall_now: datetime) -> None:
        """One move, or nothing; what another replica left is looked for every few seconds."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS_MAX
        move_id = await _take(database)
        if move_id is None:
            return
        try:
            await self._carry(database, move_id)
        except (RefusedError, NotSettlingError) as error:
            log.warning("business time does not move on", why=str(error))
            async with database.transaction() as session:
                move = await session.get_one(ClockMove, move_id, with_for_update=True)
                move.problem, move.held_until = str(error), None
            self.expect()

    async def _carry(self, database: Database, move_id: int) -> None:
        async with database.transaction() as session:
            reached = (await session.get_one(ClockMove, move_id)).reached
        reached = await self._clocks.stand(reached)
        async with database.transaction() as session:
            move = await session.get_one(ClockMove, move_id, with_for_update=True)
            move.reached = max(move.reached, reached)
        quiet = await self._clocks.look()
        while (step := await self._next_step(database, move_id, quiet)) is not None:
            quiet = await self._stop_at(database, step, quiet)
        await self._go_on(database, move_id)

    async def _next_step(
        self, database: Database, move_id: int, looks: list[Look]
    ) -> ClockStep | None:
        """The one that a kill left, or to the next due instant; None when the move is there."""
        last = select(ClockStep).where(ClockStep.move_id == move_id).order_by(
            ClockStep.number.desc()
        )  # fmt: skip
        async with database.transaction() as session:
            step = (await session.scalars(last.limit(1))).one_or_none()
            move = await session.get_one(ClockMove, move_id)
        if step is not None and step.ended_at is None:
            return step
        if step is not None and move.reached >= move.to_at:
            return None
        due = [at for look in looks for at in look.due.values()]
        at = min(
            move.to_at, move.reached + STEP_MAX, max(min(due, default=move.to_at), move.reached)
        )
        async with database.transaction() as session:
            await _keep_hold(session, move_id)
            begun = ClockStep(
                move_id=move_id,
                number=1 if step is None else step.number + 1,
                at=at,
                ran=[],
                events={},
                events_after=await session.scalar(select(func.max(FeedRow.position))) or 0,
            )
            session.add(begun)
        crash_point("clock.step_begun")
        return begun

    async def _stop_at(self, database: Database, step: ClockStep, last: list[Look]) -> list[Look]:
        """Stand there until every service did what is due and everything was sent and heard.

        Two looks without a change show it; the first of them may be the last one before the step.
        """
        reached = await self._clocks.stand(step.at)
        ran_at = None
        quiet_at = None if any(look.under_way for look in last) else [look.mark for look in last]
        for _ in range(LOOKS_MAX):
            looks = await self._clocks.look()
            marks = [look.mark for look in looks]
            if any(look.under_way for look in looks):
                quiet_at = None
                await self._wait(database, step)
            elif _has_due(looks, reached) or (ran_at != marks and _has_stops(looks)):
                ran_at = marks
                await self._run_due(database, step)
            elif quiet_at == marks:
                await _end(database, step, reached, self._wall())
                crash_point("clock.step_ended")
                return looks
            else:
                quiet_at = marks
        due = [f"{look.service}: {name}" for look in looks for name in look.due_by(reached)]
        under_way = {str(look.service): look.under_way for look in looks if look.under_way}
        raise NotSettlingError(f"at {reached}: due {due}, events under way {under_way}")

    async def _wait(self, database: Database, step: ClockStep) -> None:
        await asyncio.sleep(SETTLE_PAUSE_SECONDS)
        async with database.transaction() as session:
            await _keep_hold(session, step.move_id)

    async def _run_due(self, database: Database, step: ClockStep) -> None:
        ran = await self._clocks.run_due()
        crash_point("clock.step_ran")
        async with database.transaction() as session:
            await _keep_hold(session, step.move_id)
            row = await session.get_one(
                ClockStep, (step.move_id, step.number), with_for_update=True
            )  # fmt: skip
            row.ran = list(dict.fromkeys([*row.ran, *ran]))

    async def _go_on(self, database: Database, move_id: int) -> None:
        """Run on from there; how far ahead is kept first, so that all are told the same."""
        async with database.transaction() as session:
            move = await session.get_one(ClockMove, move_id, with_for_update=True)
            move.ahead = move.ahead or max(move.reached - self._wall(), timedelta())
            ahead = move.ahead
        await self._clocks.go_on(ahead)
        crash_point("clock.gone_on")
        async with database.transaction() as session:
            move = await session.get_one(ClockMove, move_id, with_for_update=True)
            move.is_open, move.finished_at, move.problem = None, self._wall(), None


def _has_due(looks: list[Look], at: datetime) -> bool:
    return any(look.due_by(at) for look in looks)


def _has_stops(looks: list[Look]) -> bool:
    return any(look.at_each_stop for look in looks)


async def _take(database: Database) -> int | None:
    """The open move, held for a while; None when there is none, or another replica has it."""
    move = ClockMove
    free = or_(move.held_until.is_(None), move.held_until < func.now())
    async with database.transaction() as session:
        held = await session.execute(
            update(move)
            .where(move.is_open.is_(True), free)
            .values(held_until=func.now() + timedelta(seconds=LEASE_SECONDS))
            .returning(move.id)
        )
        return held.scalar()


async def _keep_hold(session: AsyncSession, move_id: int) -> None:
    until = func.now() + timedelta(seconds=LEASE_SECONDS)
    await session.execute(
        update(ClockMove).where(ClockMove.id == move_id).values(held_until=until)
    )  # fmt: skip


async def _end(database: Database, step: ClockStep, reached: datetime, wall: datetime) -> None:
    """The step is done, with what was stated in it."""
    types = select(FeedRow.type).where(FeedRow.position > step.events_after)
    async with database.transaction() as session:
        await _keep_hold(session, step.move_id)
        counted = Counter((await session.scalars(types)).all())
        row = await session.get_one(ClockStep, (step.move_id, step.number), with_for_update=True)
        row.events, row.ended_at = dict(counted), wall
        move = await session.get_one(ClockMove, step.move_id, with_for_update=True)
        move.reached, move.problem = max(move.reached, reached), None
