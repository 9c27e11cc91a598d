"""End a resource that is used on demand: nothing was paid ahead, so nothing goes back."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import RefusedError
from chassis.identity import Principal
from order.authorizations import hold_authorization, require_authorization
from order.copies import Customer
from order.orders.find_order import CustomerFrozenError, hold_association, visible_with_resellers
from order.refunds.plan_refund import check_no_orders
from order.resources.facts import resource_closed
from order.resources.find_resource import ResourceNotFoundError
from order.resources.models import CLOSED_ON_DEMAND, Resource
from wire.vocabulary import ChargingMode


class NotClosableError(RefusedError):
    """The resource is paid for a period, or it is closed already."""

    code = "CHB.0409"


async def close_resource(
    session: AsyncSession, principal: Principal, resource_id: str, now: datetime
) -> Resource:
    """The resource, and what is attached to it, is closed from now on.

    Raises:
        ResourceNotFoundError, NotClosableError, CustomerFrozenError, NotAuthorizedError,
        ResourcePendingError, ResourceBusyError: nothing is changed.

    """
    customer, resources = await _lock(session, principal, resource_id)
    if principal.is_partner or principal.acting_for_partner is not None:
        await require_authorization(session, customer)
        await hold_authorization(session, customer)
    if customer.is_frozen:
        raise CustomerFrozenError("the customer is frozen")
    named = next(one for one in resources if one.resource_id == resource_id)
    if named.charging_mode != ChargingMode.ON_DEMAND:
        raise NotClosableError("what is paid for a period is unsubscribed")
    if named.status == CLOSED_ON_DEMAND:
        raise NotClosableError
    resources = [
        one
        for one in resources
        if one.charging_mode == ChargingMode.ON_DEMAND and one.status != CLOSED_ON_DEMAND
    ]
    await check_no_orders(session, resources)
    for resource in resources:
        resource.close_on_demand(now)
        outbox.publish(session, resource_closed(resource, now))
        audit.record(session, principal, "resource.close", resource.resource_id, now)
    return named


async def _lock(
    session: AsyncSession, principal: Principal, resource_id: str
) -> tuple[Customer, list[Resource]]:
    """The resource's customer, then the resource and what is attached to it."""
    seen = visible_with_resellers(principal, Resource)
    owner = select(Resource.customer_id).where(Resource.resource_id == resource_id, seen)
    customer = await hold_association(session, owner.scalar_subquery())
    if customer is None:
        raise ResourceNotFoundError
    found = await session.scalars(
        select(Resource)
        .where(
            or_(Resource.resource_id == resource_id, Resource.main_resource_id == resource_id),
            seen,
        )
        .order_by(Resource.resource_id)
        .with_for_update(of=Resource)
        .execution_options(populate_existing=True)
    )
    resources = list(found)
    if all(one.resource_id != resource_id for one in resources):
        raise ResourceNotFoundError
    return customer, resources
