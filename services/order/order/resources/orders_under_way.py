"""Orders under way that name resources: until they end, nobody else changes those."""

from collections.abc import Sequence

from sqlalchemy import Exists, Row, exists, text
from sqlalchemy.ext.asyncio import AsyncSession

from order.orders.models import CONFIRM, PENDING, PROCESSING, REVIEW, Order, OrderLine
from order.resources.models import Resource

UNDER_WAY = (REVIEW, CONFIRM, PENDING, PROCESSING)


# By a function of the owner: such an order may be a former partner's (decision 0157).
_NAMED = text("SELECT * FROM orders_under_way(:named)")


async def statuses_under_way(session: AsyncSession, resource_ids: Sequence[str]) -> set[int]:
    """Of the orders that name one of the resources.

    To be asked when the resources are locked, for who places such an order locks them first.
    """
    return {status for _, status in await _named(session, resource_ids)}


async def named_under_way(session: AsyncSession, resource_ids: Sequence[str]) -> set[str]:
    """Of the resources, those that such an order names."""
    return {resource_id for resource_id, _ in await _named(session, resource_ids)}


async def _named(session: AsyncSession, resource_ids: Sequence[str]) -> Sequence[Row[str, int]]:
    await session.flush()  # a text does not
    return (await session.execute(_NAMED, {"named": list(resource_ids)})).all()


def is_under_way() -> Exists:
    """Whether such an order names the resource, as part of a query about resources."""
    return exists().where(
        OrderLine.resource_id == Resource.resource_id,
        Order.order_id == OrderLine.order_id,
        Order.status.in_(UNDER_WAY),
    )
