"""A period resource is charged by use from now on; it keeps its id."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from order.resources.facts import resource_converted
from order.resources.models import Resource
from order.resources.settle_standing import settle_soon


async def become_on_demand(
    session: AsyncSession, resource: Resource, now: datetime, order_id: str | None = None
) -> None:
    """By that order, or because its end is set so (expire policy 1); the resource is locked."""
    resource.become_on_demand(now, order_id)
    outbox.publish(session, resource_converted(resource, now))
    await settle_soon(session, resource.customer_id, now)
