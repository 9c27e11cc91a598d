"""Automatic renewal: a schedule that looks for what is due, whatever the replicas.

See docs/domain/resources.md H.8. A try is claimed for a while, so that two replicas do not try
together and what a kill left is tried again. It asks first whether it would succeed: one that would
not makes no order.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import OutsideError, RefusedError
from chassis.failures import DatabaseAwayError
from chassis.identity import Principal
from chassis.logs import get_logger
from chassis.schedules import Work
from contracts.order import OrderCancelled
from order.copies import Customer
from order.ordering.place_trade import place_trade, price_trade
from order.ordering.trades import PlacedBy
from order.orders.facts import order_fact
from order.orders.models import (
    BY_SYSTEM,
    CANCELLED,
    OPEN,
    PENDING,
    RENEWAL,
    Order,
    OrderLine,
    PaymentAttempt,
)
from order.payments.foresee_payment import foresee_payment
from order.payments.pay_automatically import Chosen, choose_when_placed, pay_automatically
from order.payments.pay_order import PaymentRunningError
from order.peers import Peers
from order.renewals.plan_renewal import WantedRenewal
from order.resources.ends import AUTO_RENEW, CLOSED, next_try
from order.resources.facts import resource_renewal_failed
from order.resources.models import Resource
from order.resources.orders_under_way import statuses_under_way
from order.resources.periods import MONTH
from order.sandbox.rehearse_refusal import rehearse_before_placing
from order.system import SYSTEM, SYSTEM_NAME, as_account

PORTION_MAX = 40  # resources that are claimed at once
PORTIONS_MAX = 50  # a turn
TOGETHER_MAX = 4  # tries at a time
CLAIM = timedelta(minutes=10)  # then somebody else tries
BY = PlacedBy(BY_SYSTEM, SYSTEM, SYSTEM_NAME)
TIMES = 1  # periods of one automatic renewal
# A peer is silent, or somebody pays the order at this moment: looked at again when the claim ends.
UNDECIDED = frozenset({OutsideError.code, PaymentRunningError.code})

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Try:
    """A claimed resource, whose it is, and an order that an earlier try left unpaid."""

    resource_id: str
    customer: Customer
    period_type: int
    left_order_id: str | None

    @property
    def payer(self) -> Principal:
        """The system in the place of who pays."""
        return as_account(self.customer, self.customer.paying_master_id or self.principal.id)

    @property
    def principal(self) -> Principal:
        """The system in the customer's place."""
        return as_account(self.customer, self.customer.customer_id)

    @property
    def wanted(self) -> WantedRenewal:
        """What is renewed: the main resource and what is attached to it."""
        ids = [self.resource_id]
        whose = Resource.customer_id == self.customer.customer_id
        return WantedRenewal(
            customer_id=self.customer.customer_id,
            visible=whose,
            resource_ids=ids,
            period_type=self.period_type,
            period_num=TIMES,
            on_behalf=False,
        )


def renew_due(peers: Peers, *, sandbox: bool = False) -> Work:
    """The schedule: in bounded portions, a few tries at a time."""

    async def work(database: Database, now: datetime) -> None:
        for _ in range(PORTIONS_MAX):
            claimed = await _claim(database, now)
            seats = asyncio.Semaphore(TOGETHER_MAX)

            async def one(resource_id: str, seats: asyncio.Semaphore = seats) -> None:
                async with seats:
                    await _try_and_tell(database, peers, resource_id, now, sandbox=sandbox)

            async with asyncio.TaskGroup() as group:
                for resource_id in claimed:
                    group.create_task(one(resource_id))
            if len(claimed) < PORTION_MAX:
                return

    return work


async def next_renewal(session: AsyncSession) -> datetime | None:
    """When the next one is tried: one that is claimed, when its claim ends."""
    due = func.min(func.greatest(Resource.next_renewal_at, Resource.renewing_until))
    found: datetime | None = await session.scalar(
        select(due).where(Resource.next_renewal_at.is_not(None))
    )
    return found


async def _claim(database: Database, now: datetime) -> Sequence[str]:
    due = (
        select(Resource)
        .where(
            Resource.next_renewal_at <= now,
            or_(Resource.renewing_until.is_(None), Resource.renewing_until <= now),
        )
        .order_by(Resource.next_renewal_at)
        .limit(PORTION_MAX)
        .with_for_update(of=Resource, skip_locked=True)
    )
    async with database.transaction() as session:
        found = (await session.scalars(due)).all()
        for resource in found:
            resource.renewing_until = now + CLAIM
        return [resource.resource_id for resource in found]


async def _try_and_tell(
    database: Database, peers: Peers, resource_id: str, now: datetime, *, sandbox: bool
) -> None:
    """What may heal by itself is tried again when the claim has ended, and is no failure."""
    try:
        await renew_one(database, peers, resource_id, now, sandbox=sandbox)
    except (OutsideError, DatabaseAwayError) as error:
        log.warning("renewal not tried", resource_id=resource_id, error=str(error))
    except Exception:
        log.exception("renewal not tried", resource_id=resource_id)


async def renew_one(
    database: Database, peers: Peers, resource_id: str, now: datetime, *, sandbox: bool = False
) -> None:
    """Try it, and state it where it would not succeed; the next try is on the next day.

    Raises:
        OutsideError: billing or voucher is silent, so that nobody knows.

    """
    async with database.transaction() as session:
        wanted = await _look(session, resource_id, now)
    if wanted is None:
        return
    chosen, order_id = None, wanted.left_order_id
    try:
        if order_id is None:
            order_id, chosen = await _order(database, peers, wanted, now, sandbox=sandbox)
    except OutsideError:
        raise
    except RefusedError as refusal:
        await _note_failure(database, resource_id, refusal.refusal_code, now)
        return
    crash_point("renewal.placed")
    code = await pay_automatically(database, peers, order_id, now, sandbox=sandbox, chosen=chosen)
    if code in UNDECIDED:
        raise OutsideError
    if code is not None and await give_up(database, order_id, now):
        await _note_failure(database, resource_id, code, now)


async def _look(session: AsyncSession, resource_id: str, now: datetime) -> Try | None:
    """What is to be tried; None where another order names it: it is looked at the next day."""
    resource = await session.get_one(
        Resource, resource_id, with_for_update={"of": Resource}, populate_existing=True
    )
    if resource.expire_policy != AUTO_RENEW or resource.status == CLOSED:
        resource.next_renewal_at = resource.renewing_until = None
        return None
    customer = await session.get(Customer, resource.customer_id)
    if resource.next_renewal_at is None or resource.next_renewal_at > now or customer is None:
        return None  # it was renewed meanwhile
    left = await session.scalar(
        select(Order.order_id)
        .join(OrderLine, OrderLine.order_id == Order.order_id)
        .where(
            OrderLine.resource_id == resource_id,
            Order.order_type == RENEWAL,
            Order.source_type == BY_SYSTEM,
            Order.status == PENDING,
        )
    )
    if left is None and await statuses_under_way(session, [resource_id]):
        resource.postpone_renewal(next_try(now))
        return None
    return Try(resource_id, customer, resource.auto_renew_period_type or MONTH, left)


async def _order(
    database: Database, peers: Peers, wanted: Try, now: datetime, *, sandbox: bool
) -> tuple[str, Chosen]:
    """Ask whether it would succeed, and place the order then."""
    async with database.transaction() as session:
        planned, priced = await price_trade(session, peers, wanted.principal, wanted.wanted, now)
    asked = [one.as_quoted() for one in planned]
    amount = await foresee_payment(peers, wanted.payer, asked, priced.quote, RENEWAL)
    await peers.check_funds(wanted.payer, wanted.payer.id, amount)
    products = {line.product_id for line in priced.quote.lines}
    customer_id = wanted.customer.customer_id
    await rehearse_before_placing(database, customer_id, products, sandbox=sandbox)
    async with database.transaction() as session:
        order = await place_trade(session, peers, wanted.principal, wanted.wanted, BY, now)
        audit.record(
            session, wanted.principal, "resource.renew", order.order_id, now,
            resource_ids=[wanted.resource_id], amount=str(order.amount_after_discount),
        )  # fmt: skip
        return order.order_id, await choose_when_placed(session, order, now)


async def give_up(database: Database, order_id: str, now: datetime) -> bool:
    """The money went elsewhere between the question and the payment: no order is left.

    False where the customer has paid it, or is paying it.
    """
    running = select(PaymentAttempt.attempt_id).where(
        PaymentAttempt.order_id == order_id, PaymentAttempt.state == OPEN
    )
    async with database.transaction() as session:
        order = await session.get_one(
            Order, order_id, with_for_update={"of": Order}, populate_existing=True
        )
        if order.status == PENDING and await session.scalar(running) is None:
            order.cancel(now)
            outbox.publish(session, order_fact(OrderCancelled, order, now))
        return order.status == CANCELLED


async def _note_failure(database: Database, resource_id: str, code: str, now: datetime) -> None:
    async with database.transaction() as session:
        resource = await session.get_one(
            Resource, resource_id, with_for_update={"of": Resource}, populate_existing=True
        )
        if resource.next_renewal_at is None or resource.next_renewal_at > now:
            return  # it was renewed, or switched off, meanwhile
        resource.try_renewal_at(next_try(now), now, "resource.renewal_failed")
        outbox.publish(session, resource_renewal_failed(resource, code, now))
