"""Resources of who owes money, or is frozen (docs/domain/resources.md H.8).

What a resource is follows from its customer's standing and the time: it is computed anew, so that
what is settled twice is settled once. A portion in a transaction; the schedule does the others.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, exists, func, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from order.copies import Arrears, Customer
from order.orders.models import Order
from order.resources.ends import (
    DELETE,
    EXPIRED,
    FROZEN,
    GRACE_TIME,
    IN_USE,
    WITHOUT_GRACE,
    status_at,
)
from order.resources.facts import resource_changed, resource_frozen, resource_unfrozen
from order.resources.follow_customer import follow_customer
from order.resources.models import FROZEN_ON_DEMAND, Resource, StandingToSettle
from wire.times import SECOND
from wire.vocabulary import ChargingMode

ARREARS_GRACE = timedelta(days=15)  # then on-demand resources are frozen
PORTION_MAX = 200  # resources in one transaction
CUSTOMERS_MAX = 100  # in a turn
WITH_RESOURCES = 2  # is_frozen: the account and its resources
NORMAL, IN_GRACE = 1, 2  # on-demand ones
PERIOD, ON_DEMAND = ChargingMode.PERIOD, ChargingMode.ON_DEMAND


async def settle_standing(session: AsyncSession, customer: Customer, now: datetime) -> None:
    """Bring the customer's resources to what its debts and its freeze make of them.

    The customer is the transaction's alone. What is left after a portion, and the end of the grace
    of arrears, is the schedule's.
    """
    arrears = await session.get(
        Arrears, customer.customer_id, with_for_update=True, populate_existing=True
    )
    if arrears is None:
        arrears = Arrears(
            customer_id=customer.customer_id,
            partner_id=customer.partner_id,
            distributor_id=customer.distributor_id,
            debt_amount=0,
            version=0,
        )
        session.add(arrears)
    resources = await _to_settle(session, customer, arrears.since, now)
    for resource in resources:
        _settle(session, resource, customer, arrears.since, now)
    frozen_at = None if arrears.since is None else arrears.since + ARREARS_GRACE
    if len(resources) == PORTION_MAX:
        arrears.settle_at = now
    else:
        arrears.settle_at = frozen_at if frozen_at is not None and now < frozen_at else None


async def settle_soon(session: AsyncSession, customer_id: str, now: datetime) -> None:
    """What it uses is more or other from now on, and it may owe money or be frozen.

    Waits for nobody: the caller has locked resources, and who settles waits for those.
    """
    frozen = exists().where(
        Customer.customer_id == customer_id, Customer.is_frozen == WITH_RESOURCES
    )
    settled_so = and_(Arrears.customer_id == customer_id, or_(Arrears.since.is_not(None), frozen))
    whose = (Arrears.customer_id, Arrears.partner_id, Arrears.distributor_id)
    wish = select(*whose, literal(now)).where(settled_so)
    columns = ["customer_id", "partner_id", "distributor_id", "at"]
    await session.execute(insert(StandingToSettle).from_select(columns, wish))


async def follow_soon(session: AsyncSession, order: Order, now: datetime) -> None:
    """What the order has opened or paid is of the partner that its customer has by now.

    The customer may have another one since it paid. Held until the commit, it is moved afterwards,
    and what was opened moves with it. Where somebody holds it to move it now, nobody waits: the
    wish is left for whoever settles next.
    """
    held = (
        select(Customer)
        .where(Customer.customer_id == order.customer_id)
        .with_for_update(read=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    customer = await session.scalar(held)
    ours = (order.partner_id, order.distributor_id)
    if customer is not None and (customer.partner_id, customer.distributor_id) == ours:
        return
    whose = (Customer.customer_id, Customer.partner_id, Customer.distributor_id)
    wish = select(*whose, literal(now)).where(Customer.customer_id == order.customer_id)
    columns = ["customer_id", "partner_id", "distributor_id", "at"]
    await session.execute(insert(StandingToSettle).from_select(columns, wish))


async def settle_standings(database: Database, now: datetime) -> None:
    """Schedule: whose grace of arrears is over, what a portion left, who uses more or other.

    What was opened for who has another partner by then follows.
    """
    due = (
        select(Arrears.customer_id)
        .where(Arrears.settle_at <= now)
        .order_by(Arrears.settle_at)
        .limit(CUSTOMERS_MAX)
    )
    wished = (
        select(StandingToSettle.customer_id)
        .where(StandingToSettle.at <= now)
        .order_by(StandingToSettle.at)
        .limit(CUSTOMERS_MAX)
    )
    async with database.transaction() as session:
        customers = dict.fromkeys([*await session.scalars(due), *await session.scalars(wished)])
    for customer_id in customers:
        async with database.transaction() as session:
            customer = await session.get(Customer, customer_id, with_for_update=True)
            is_wished = await _take_wishes(session, customer_id, now)
            if is_wished and customer is not None:
                await follow_customer(session, customer, now)
            is_due = is_wished or await session.scalar(
                due.where(Arrears.customer_id == customer_id).with_for_update(skip_locked=True)
            )
            if is_due and customer is not None:
                await settle_standing(session, customer, now)


async def _take_wishes(session: AsyncSession, customer_id: str, now: datetime) -> bool:
    """Whether there are any; the customer is locked, so that nobody else takes them."""
    taken = await session.scalars(
        delete(StandingToSettle)
        .where(StandingToSettle.customer_id == customer_id, StandingToSettle.at <= now)
        .returning(StandingToSettle.id)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.all())


async def next_settling(session: AsyncSession) -> datetime | None:
    """When the next customer is to be looked at."""
    due = select(func.min(Arrears.settle_at)).where(Arrears.settle_at.is_not(None))
    found = [await session.scalar(due), await session.scalar(select(func.min(StandingToSettle.at)))]
    return min((at for at in found if at is not None), default=None)


async def _to_settle(
    session: AsyncSession, customer: Customer, since: datetime | None, now: datetime
) -> Sequence[Resource]:
    """A portion of those that are not what they are to be, locked."""
    wanted = _on_demand_status(customer, since, now)
    on_demand = and_(
        Resource.charging_mode == ON_DEMAND,
        Resource.status.in_((NORMAL, IN_GRACE, FROZEN_ON_DEMAND)),
        Resource.status != wanted,
    )
    period = Resource.charging_mode == PERIOD
    if customer.is_frozen == WITH_RESOURCES:
        period &= Resource.status.in_((IN_USE, EXPIRED))
    else:  # what the account's freeze let go; in retention it stays frozen
        in_use = or_(Resource.expire_at.is_(None), Resource.expire_at > now - SECOND)
        in_grace = and_(
            Resource.expire_at > now - SECOND - GRACE_TIME,
            Resource.expire_policy.not_in((DELETE, *WITHOUT_GRACE)),
        )
        period &= (Resource.status == FROZEN) & or_(in_use, in_grace)
    found = await session.scalars(
        select(Resource)
        .where(Resource.customer_id == customer.customer_id, or_(on_demand, period))
        .order_by(Resource.resource_id)
        .limit(PORTION_MAX)
        .with_for_update(of=Resource)
        .execution_options(populate_existing=True)
    )
    return found.all()


def _settle(
    session: AsyncSession,
    resource: Resource,
    customer: Customer,
    since: datetime | None,
    now: datetime,
) -> None:
    if resource.charging_mode == ON_DEMAND:
        status, frozen = _on_demand_status(customer, since, now), FROZEN_ON_DEMAND
    elif customer.is_frozen == WITH_RESOURCES:
        status, frozen = FROZEN, FROZEN
    else:
        status, frozen = status_at(resource.expire_at, resource.expire_policy, now), FROZEN
    if status == frozen:
        resource.freeze(status, now)
        outbox.publish(session, resource_frozen(resource, now))
    elif resource.status == frozen:
        resource.unfreeze(status, now)
        outbox.publish(session, resource_unfrozen(resource, now))
    else:
        resource.move_to(status, now)
        outbox.publish(session, resource_changed(resource, now))


def _on_demand_status(customer: Customer, since: datetime | None, now: datetime) -> int:
    if customer.is_frozen == WITH_RESOURCES:
        return FROZEN_ON_DEMAND
    if since is None:
        return NORMAL
    return IN_GRACE if now < since + ARREARS_GRACE else FROZEN_ON_DEMAND
