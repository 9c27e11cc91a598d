"""Carry out the items of order's jobs; one that is to be paid has a second turn for that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.business_clock import BusinessNow
from chassis.database import Database
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal
from chassis.job_turns import UNFORESEEN, Jobs
from order.approvals import NOTHING, Approvals
from order.jobs.carry_out_item import carry_out_item
from order.jobs.models import JobItem, OrderJob
from order.orders.models import Order
from order.payments.pay_automatically import Chosen, choose_when_placed, pay_automatically
from order.payments.pay_order import PaymentRunningError
from order.peers import Peers
from order.renewals.refusals import NotPaidAutomaticallyError

LOOK_SECONDS_MAX = 2.0  # between two looks for jobs that another replica took
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
        self._chosen: dict[str, Chosen] = {}  # how what was placed here is to be paid

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
    ) -> None:  # fmt: skip
        """Place, cancel, renew; what was placed by the turn before is paid."""
        # Orders of one instant would share their ids' time: each item has a microsecond of its own.
        at = now + timedelta(microseconds=item.position)
        if item.order_id is not None:
            await self._pay(session, item, item.order_id, at)
            return
        order_id = await carry_out_item(
            self.database, session, self._peers, principal, job.kind, dict(item.wanted), at,
            self._approvals,
        )  # fmt: skip
        if order_id is not None and item.wanted.get("is_auto_pay"):
            item.order_id = order_id  # kept with the deed: a kill before the payment finds it
            order = await session.get_one(Order, order_id)
            if len(self._chosen) >= self.items_a_turn_max:
                self._chosen.clear()  # others paid those: whoever has no choice chooses anew
            self._chosen[order_id] = await choose_when_placed(session, order, at)
        else:
            item.succeed(order_id, at)

    async def _pay(
        self, session: AsyncSession, item: JobItem, order_id: str, now: datetime
    ) -> None:
        """Pay as the system does; refused, the order waits for its payment (H.5)."""
        code = await pay_automatically(
            self.database, self._peers, order_id, now, sandbox=self._approvals.has_rules,
            chosen=self._chosen.pop(order_id, None),
        )  # fmt: skip
        if code is None or await _is_paid(session, order_id):
            item.succeed(order_id, now)
        else:
            self.note_refusal(item, _not_paid(code), await self.clock())


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
