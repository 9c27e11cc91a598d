"""Resources are whose customer theirs is (docs/domain/orders.md H.15)."""

from datetime import datetime

from sqlalchemy import ColumnElement, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from order.copies import Customer
from order.resources.ends import CLOSED
from order.resources.facts import resource_changed
from order.resources.models import (
    CLOSED_ON_DEMAND,
    Resource,
    ResourceHistory,
    ResourcePeriod,
)
from wire.vocabulary import ChargingMode

PORTION_RESOURCES = 500  # read at once


async def follow_customer(session: AsyncSession, customer: Customer, now: datetime) -> None:
    """The customer's new partner sees and handles its resources; the former one does not.

    Orders and refunds stay with the partner under which they were made. What is not closed is
    stated, so that copies follow, too. What is the partner's already stays as it is: a copy of the
    customer that is rebuilt moves nothing. The customer is the transaction's alone; a resource that
    a schedule takes a step further is waited for, since that step is behind what is stated.
    """
    own = select(Resource.resource_id).where(Resource.customer_id == customer.customer_id)
    is_closed = or_(
        (Resource.charging_mode == ChargingMode.PERIOD) & (Resource.status == CLOSED),
        (Resource.charging_mode == ChargingMode.ON_DEMAND) & (Resource.status == CLOSED_ON_DEMAND),
    )
    wanted = (
        select(Resource)
        .where(
            Resource.customer_id == customer.customer_id,
            not_(is_closed),
            _is_elsewhere(Resource, customer),
        )
        .order_by(Resource.resource_id)
        .limit(PORTION_RESOURCES)
        .with_for_update(of=Resource)
        .execution_options(populate_existing=True)
    )
    while resources := (await session.scalars(wanted)).all():
        for resource in resources:
            resource.follow(customer.partner_id, customer.distributor_id, now)
            outbox.publish(session, resource_changed(resource, now))
        await session.flush()
    now_of = {"partner_id": customer.partner_id, "distributor_id": customer.distributor_id}
    for table in (ResourcePeriod, ResourceHistory, Resource):
        left = update(table).where(table.resource_id.in_(own), _is_elsewhere(table, customer))
        quietly = left.values(**now_of).execution_options(synchronize_session=False)
        await session.execute(quietly)


def _is_elsewhere(
    table: type[Resource | ResourcePeriod | ResourceHistory], customer: Customer
) -> ColumnElement[bool]:
    return or_(
        table.partner_id != customer.partner_id,
        table.distributor_id.is_distinct_from(customer.distributor_id),
    )
