"""Provision paid orders: in standalone mode the resources open when their time has passed."""

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.ids import new_id
from chassis.outbox import publish
from contracts.order import OrderCompleted
from order.orders.facts import order_fact
from order.orders.models import PROCESSING, Order, OrderLine
from order.resources.facts import resource_opened
from order.resources.models import Resource
from order.resources.periods import expiry_of

PORTION_MAX = 20  # orders in one transaction; each may open many resources
PORTIONS_MAX = 20  # a turn
LOOK_SECONDS_MAX = 5.0  # between two looks for orders that another replica was paid
PERIOD = 1  # charging mode
# status codes of period and of on-demand resources (docs/domain/resources.md B.6)
IN_USE, NORMAL = 2, 1
NAME_DIGITS = 4  # bytes of randomness behind a resource's name


class Provisioning:
    """A schedule that runs often and asks the database only when something may be due.

    It knows when the next order is due as of its last look, and of those paid in this process
    since; what other replicas were paid it finds by looking every few seconds.
    """

    def __init__(self) -> None:
        self._next_look = datetime.min.replace(tzinfo=UTC)

    def expect(self, at: datetime) -> None:
        """An order that was just paid is due then."""
        self._next_look = min(self._next_look, at)

    async def work(self, database: Database, now: datetime) -> None:
        """Complete what is due."""
        if now < self._next_look:
            return
        self._next_look = now + timedelta(seconds=LOOK_SECONDS_MAX)
        await complete_orders(database, now)
        async with database.transaction() as session:
            next_due = await session.scalar(
                select(func.min(Order.provision_at)).where(Order.status == PROCESSING)
            )
        if next_due is not None:
            self.expect(next_due)


async def complete_orders(database: Database, now: datetime) -> None:
    """Open what is due and state it, in bounded portions."""
    for _ in range(PORTIONS_MAX):
        if await _complete_portion(database, now) < PORTION_MAX:
            return


async def _complete_portion(database: Database, now: datetime) -> int:
    due = (
        select(Order)
        .where(Order.status == PROCESSING, Order.provision_at <= now)
        .order_by(Order.provision_at)
        .limit(PORTION_MAX)
        .with_for_update(of=Order, skip_locked=True)
    )
    async with database.transaction() as session:
        orders = (await session.scalars(due)).all()
        for order in orders:
            complete_order(session, order, now)
    return len(orders)


def complete_order(session: AsyncSession, order: Order, now: datetime) -> None:
    """Open one resource for each piece of each line; the order is completed."""
    for line in order.lines:
        line.effective_at, line.expire_at = now, _expiry(line, now)
        for _ in range(line.quantity):
            resource = _resource(order, line, now)
            session.add(resource)
            publish(session, resource_opened(resource, now))
    order.complete(now)
    publish(session, order_fact(OrderCompleted, order, now))


def _expiry(line: OrderLine, now: datetime) -> datetime | None:
    if line.charging_mode != PERIOD or line.period_type is None or line.period_num is None:
        return None
    return expiry_of(now, line.period_type, line.period_num)


def _resource(order: Order, line: OrderLine, now: datetime) -> Resource:
    kind = line.resource_type_code.rpartition(".")[2]
    return Resource(
        resource_id=new_id(),
        resource_name=f"{kind}-{secrets.token_hex(NAME_DIGITS)}",
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        order_id=order.order_id,
        line_id=line.line_id,
        product_id=line.product_id,
        service_type_code=line.service_type_code,
        service_type_name=line.service_type_name,
        resource_type_code=line.resource_type_code,
        resource_type_name=line.resource_type_name,
        resource_spec_code=line.resource_spec_code,
        region_code=line.region_code,
        measure_size=line.measure_size,
        charging_mode=line.charging_mode,
        status=IN_USE if line.charging_mode == PERIOD else NORMAL,
        effective_at=now,
        expire_at=line.expire_at,
        expire_policy=0,
        updated_at=now,
        version=1,
    )
