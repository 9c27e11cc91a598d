"""Carry out the items of order's jobs; one that is to be paid is claimed until that is done."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.business_clock import BusinessNow
from chassis.database import Database
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal
from chassis.job_turns import UNFORESEEN, Jobs, Rest
from chassis.jobs import WAITING
from order.approvals import NOTHING, Approvals
from order.jobs.carry_out_item import ToPay, carry_out_item
from order.jobs.models import JobItem, OrderJob
from order.orders.models import Order
from order.payments.pay_automatically import (
    Chosen,
    choose_when_placed,
    pay_automatically,
    pay_begun,
)
from order.payments.pay_order import PaymentRunningError, open_when_placed
from order.payments.reserve_payment import OpenedAttempt
from order.peers import Peers
from order.renewals.refusals import NotPaidAutomaticallyError

LOOK_SECONDS_MAX = 2.0  # between two looks for jobs that another replica took
# As long as a payment may ask its peers; then an item whose worker was killed is taken up.
CLAIM = timedelta(seconds=15)
PASSING = (OutsideError.code, PaymentRunningError.code, UNFORESEEN)


class OrderJobs(Jobs[OrderJob, JobItem]):
    """An item takes two connections at most.

    The schedule runs often, and asks the database only when there may be something to do.
    """

    jobs, items = OrderJob, JobItem
    service, crash_at = "order", "order.item_done"
    items_at_once = 4
    items_a_turn_max = 400
    passing = PASSING

    def __init__(
        self,
        database: Database,
        peers: Peers,
        clock: BusinessNow,
        expect: Callable[[datetime], None],
        approvals: Approvals,
    ):
        super().__init__(database, clock)
        self._peers, self._expect, self._approvals = peers, expect, approvals
        self._next_look = datetime.min.replace(tzinfo=UTC)

    def wake(self) -> None:
        """A job was just taken in this process."""
        self._next_look = datetime.min.replace(tzinfo=UTC)

    async def work(self, _bus: Database, now: datetime) -> None:
        """Go on with all jobs, each for a bounded number of items."""
        if now < self._next_look:
            return
        self._next_look = now + timedelta(seconds=LOOK_SECONDS_MAX)
        if await self.run():
            self.wake()
            self._expect(now)  # an order that was paid is to be provisioned

    async def at_a_stop(self, _bus: Database, _now: datetime) -> None:
        """The same, whatever was known before."""
        await self.run()

    async def carry_out(
        self, session: AsyncSession, principal: Principal, job: OrderJob, item: JobItem,
        now: datetime,
    ) -> Rest | None:  # fmt: skip
        """Place, cancel, renew; what was placed is paid behind the commit, or by a later turn."""
        # Orders of one instant would share their ids' time: each item has a microsecond of its own.
        at = now + timedelta(microseconds=item.position)
        if item.order_id is not None:
            await self._pay(session, item, item.order_id, at)
            return None
        done = await carry_out_item(
            self.database, session, self._peers, principal, job.kind, dict(item.wanted), at,
            self._approvals,
        )  # fmt: skip
        if isinstance(done, ToPay):
            return await self._begin_payment(session, principal, item, done, at)
        item.succeed(done, at)
        return None

    async def _begin_payment(
        self, session: AsyncSession, principal: Principal, item: JobItem, placed: ToPay,
        now: datetime,
    ) -> Rest | None:  # fmt: skip
        """Its attempt is opened with the order, which the item names: a kill from here on finds it.

        What a master pays, or a rule of the sandbox refuses, is paid by the item's next turn.
        """
        order = placed.order
        chosen = await choose_when_placed(session, order, now, placed.customer)
        item.order_id = order.order_id
        if self._approvals.has_rules or chosen.payer.id != order.customer_id:
            return None
        opened = open_when_placed(session, order, now)
        item.claim(now + CLAIM)
        key = item.job_id, item.position
        return lambda: self._pay_begun(principal, key, chosen, opened, now)

    async def _pay_begun(
        self, principal: Principal, key: tuple[str, int], chosen: Chosen, opened: OpenedAttempt,
        now: datetime,
    ) -> None:  # fmt: skip
        """Paid, the item's outcome is in the payment's own transaction."""
        order_id = opened.order.order_id

        async def succeed(session: AsyncSession) -> None:
            item = await _still_waiting(session, key)
            if item is not None:
                item.succeed(order_id, now)

        code = await pay_begun(self.database, self._peers, chosen, opened, now, succeed)
        if code is None:
            return
        async with self.database.transaction_as(principal) as session:
            item = await _still_waiting(session, key)
            if item is not None and await _is_paid(session, order_id):
                item.succeed(order_id, now)  # by somebody else, whose attempt came before
            elif item is not None:
                self.note_refusal(item, _not_paid(code), await self.clock())

    async def _pay(
        self, session: AsyncSession, item: JobItem, order_id: str, now: datetime
    ) -> None:
        """Pay as the system does; refused, the order waits for its payment (H.5)."""
        code = await pay_automatically(
            self.database, self._peers, order_id, now, sandbox=self._approvals.has_rules
        )
        if code is None or await _is_paid(session, order_id):
            item.succeed(order_id, now)
        else:
            self.note_refusal(item, _not_paid(code), await self.clock())


async def _still_waiting(session: AsyncSession, key: tuple[str, int]) -> JobItem | None:
    """The item, locked; None when whoever took it up after its claim has it, and sees what is."""
    job_id, position = key
    return await session.scalar(_WAITING, {"job_id": job_id, "position": position})


_WAITING = (
    select(JobItem)
    .where(
        JobItem.job_id == bindparam("job_id"),
        JobItem.position == bindparam("position"),
        JobItem.state == WAITING,
    )
    .with_for_update(skip_locked=True)
)


async def _is_paid(session: AsyncSession, order_id: str) -> bool:
    """By a turn before, when a kill came between the payment and the item's outcome."""
    paid_at = select(Order.paid_at).where(Order.order_id == order_id)
    return await session.scalar(paid_at) is not None


async def run_jobs(
    database: Database, peers: Peers, clock: BusinessNow, approvals: Approvals = NOTHING
) -> int:
    """One turn of all jobs, as the schedule does it; how many items were tried."""
    return await OrderJobs(database, peers, clock, lambda _: None, approvals).run()


def _not_paid(code: str) -> RefusedError:
    """What passes by itself as it is; else the vendor's word for an order that is there, unpaid."""
    return RefusedError(code=code) if code in PASSING else NotPaidAutomaticallyError(code)
