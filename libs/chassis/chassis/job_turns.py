"""Carry out the items of jobs: several replicas, a few items at once, each in one transaction.

A kind of job whose deeds are cheap together takes portions: some hundred items and the outcome of
each are one transaction (decision 0184). What nobody foresaw spoils a portion, and not its items:
each of them is tried again alone.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Generic

from sqlalchemy import Select, bindparam, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.business_clock import BusinessNow
from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import OutsideError, RefusedError
from chassis.failures import DatabaseAwayError
from chassis.identity import Principal, principal_of
from chassis.jobs import DONE, RUNNING, RUNNING_MAX, WAITING, I, J
from chassis.logs import get_logger

log = get_logger(__name__)

JOBS_A_TURN_MAX = 10 * RUNNING_MAX
TRIES_MAX = 20
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 1, 60  # before another try; it doubles each time
UNFORESEEN = "CBC.0999"
Rest = Callable[[], Awaitable[None]]  # of a deed, behind the commit of its first part
KEPT_DAYS = 90  # a job that has ended, with its items; what it did stays


class Jobs(ABC, Generic[J, I]):
    """All jobs of one kind, whichever replica took them; `work` is the schedule's."""

    jobs: type[J]
    items: type[I]
    service: ClassVar[str]
    crash_at: ClassVar[str]  # an item's deed and outcome are there, and not committed
    items_at_once = 3  # of a replica; portions, where there are any
    items_together = 1  # in one transaction
    items_a_turn_max = 1000  # of one job, before the next job has its turn
    tries_max = TRIES_MAX
    # What ends by itself: the item is tried again.
    passing: ClassVar[tuple[str, ...]] = (OutsideError.code, UNFORESEEN)

    def __init__(self, database: Database, clock: BusinessNow):
        self.database, self.clock = database, clock

    @abstractmethod
    async def carry_out(
        self, session: AsyncSession, principal: Principal, job: J, item: I, now: datetime
    ) -> Rest | None:
        """The deed, and that it is done; RefusedError leaves nothing of it but the refusal.

        An item that still waits when it returns comes again at once, in a transaction of its own;
        or `claim` it, and return what this worker does of it when the first part is committed. A
        kill leaves that to whoever takes the item when the claim has ended.
        """

    async def carry_out_together(
        self, session: AsyncSession, principal: Principal, job: J, items: Sequence[I],
        now: datetime,
    ) -> None:  # fmt: skip
        """A portion's deeds, and the outcome of each; what it raises is foreseen by nobody."""
        for item in items:
            await self.carry_out(session, principal, job, item, now)

    async def on_refusal(
        self, session: AsyncSession, principal: Principal, item: I, refusal: RefusedError,
        now: datetime,
    ) -> None:  # fmt: skip
        """What else is written beside the item's outcome."""

    async def work(self, _bus: Database, _now: datetime) -> None:
        """A bounded number of items of each job, and again while any has more than that."""
        while await self.run() >= self.items_a_turn_max:
            pass

    async def run(self) -> int:
        """Carry out what waits, in the order of the jobs; how many items were tried."""
        async with self.database.transaction() as session:
            running = await session.scalars(
                select(self.jobs)
                .where(self.jobs.status == RUNNING)
                .order_by(self.jobs.job_id)
                .limit(JOBS_A_TURN_MAX)
            )
            jobs = running.all()
        tried = 0
        for job in jobs:
            turn = _Turn(self, job)
            ends = await asyncio.gather(
                *(turn.work() for _ in range(self.items_at_once)), return_exceptions=True
            )
            for failure in filter(None, ends):
                raise failure
            tried += turn.tried
            if turn.is_over:
                await self._end_if_done(job.job_id)
        return tried

    async def next_item(self, session: AsyncSession) -> datetime | None:
        """When the next item of a job that runs may be tried."""
        due = select(func.min(self.items.not_before)).join(
            self.jobs, self.jobs.job_id == self.items.job_id
        )
        return await session.scalar(
            due.where(self.jobs.status == RUNNING, self.items.state == WAITING)
        )

    def note_refusal(self, item: I, refusal: RefusedError, now: datetime) -> None:
        """Another try for what passes by itself; else the item has failed."""
        if refusal.refusal_code in self.passing and item.tries < self.tries_max:
            pause = min(PAUSE_SECONDS * 2**item.tries, PAUSE_SECONDS_MAX)
            item.try_again(now + timedelta(seconds=pause))
        else:
            item.fail(refusal, now)

    async def _end_if_done(self, job_id: str) -> None:
        """Done, unless an item still waits: for another try, or in another replica's hands."""
        waiting = exists().where(self.items.job_id == self.jobs.job_id, self.items.state == WAITING)
        async with self.database.transaction() as session:
            await session.execute(
                update(self.jobs)
                .where(self.jobs.job_id == job_id, self.jobs.status == RUNNING, ~waiting)
                .values(status=DONE, ended_at=await self.clock())
            )


class _Turn(Generic[J, I]):
    """What this replica does of one job before the next one has its turn."""

    def __init__(self, kind: Jobs[J, I], job: J):
        self._kind, self._job = kind, job
        self._principal = principal_of(job.started_by, kind.service)
        self._next = _next_of(kind.jobs, kind.items, job.job_id)
        self._untried = self._next.where(kind.items.tries == 0).limit(kind.items_together)
        self._takes_portions = kind.items_together > 1  # until all of them were tried
        self._after = 0  # the last position that was taken: those before it are done or locked
        self.tried = 0
        self.is_over = False

    async def work(self) -> None:
        """Take one item, or one portion, after another."""
        while not self.is_over and self.tried < self._kind.items_a_turn_max:
            together = self._kind.items_together if self._takes_portions else 1
            self.tried += together
            taken = await self._next_items()
            self.tried -= together - taken
            if not taken and self._takes_portions:
                self._takes_portions, self._after = False, 0
            elif not taken:
                self.is_over = True

    async def _next_items(self) -> int:
        """How many there were. What nobody foresaw is tried again, and fails in the end."""
        positions: list[int] = []
        rest: Rest | None = None
        try:
            async with self._kind.database.transaction_as(self._principal) as session:
                items = await self._take(session)
                if not items:
                    return 0
                positions = [item.position for item in items]
                self._after = max(self._after, positions[-1])
                if len(items) == 1:
                    rest = await self._carry_out(session, items[0])
                else:
                    now = await self._kind.clock()
                    await self._kind.carry_out_together(
                        session, self._principal, self._job, items, now
                    )
                crash_point(self._kind.crash_at)
            if rest is not None:
                await rest()
        except DatabaseAwayError:
            raise
        except Exception:
            if not positions:
                raise
            log.exception("items failed", job=self._job.job_id, positions=positions[:10])
            for position in positions:
                await self._note_failure(position)
        return len(positions)

    async def _take(self, session: AsyncSession) -> Sequence[I]:
        """What waits, locked: no other worker or replica sees it."""
        told = {"after": self._after, "now": await self._kind.clock()}
        taken = self._untried if self._takes_portions else self._next
        return (await session.scalars(taken, told)).all()

    async def _carry_out(self, session: AsyncSession, item: I) -> Rest | None:
        """The deed and the item's outcome are one transaction; a refusal leaves that alone."""
        kind, now, rest = self._kind, await self._kind.clock(), None
        try:
            async with session.begin_nested():
                rest = await kind.carry_out(session, self._principal, self._job, item, now)
        except RefusedError as refusal:
            await session.refresh(item)
            kind.note_refusal(item, refusal, now)
            await kind.on_refusal(session, self._principal, item, refusal, now)
        if item.state == WAITING and item.not_before <= now:  # the deed has a second part
            self._after = min(self._after, item.position - 1)
        return rest

    async def _note_failure(self, position: int) -> None:
        kind = self._kind
        async with kind.database.transaction_as(self._principal) as session:
            key = (self._job.job_id, position)
            item = await session.get_one(kind.items, key, with_for_update=True)
            if item.state == WAITING:
                kind.note_refusal(item, RefusedError(code=UNFORESEEN), await kind.clock())


def _next_of(jobs: type[J], items: type[I], job_id: str) -> Select[I]:
    """Made once for all items of a turn."""
    is_running = exists().where(jobs.job_id == job_id, jobs.status == RUNNING)
    return (
        select(items)
        .where(
            items.job_id == job_id,
            items.position > bindparam("after"),
            items.state == WAITING,
            items.not_before <= bindparam("now"),
            is_running,
        )
        .order_by(items.position)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


async def forget_jobs(
    database: Database, jobs: type[J], items: type[I], jobs_at_once: int, now: datetime
) -> None:
    """Those that ended long ago, with their items, in bounded portions."""
    ended_before = now - timedelta(days=KEPT_DAYS)
    while await _forget_portion(database, jobs, items, jobs_at_once, ended_before) == jobs_at_once:
        pass


async def _forget_portion(
    database: Database, jobs: type[J], items: type[I], jobs_at_once: int, ended_before: datetime
) -> int:
    old = (
        select(jobs.job_id)
        .where(jobs.ended_at < ended_before)
        .order_by(jobs.ended_at)
        .limit(jobs_at_once)
        .with_for_update(skip_locked=True)
    )
    async with database.transaction() as session:
        ids = (await session.scalars(old)).all()
        await session.execute(delete(items).where(items.job_id.in_(ids)))
        await session.execute(delete(jobs).where(jobs.job_id.in_(ids)))
    return len(ids)
