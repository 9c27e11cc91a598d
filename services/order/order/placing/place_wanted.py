"""Place what a partner orders for a customer, of whatever type: at its door, and by a job."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from order.approvals import Approvals
from order.orders.models import Order
from order.orders.place_order import PlaceOrder, place_order
from order.peers import Peers
from order.placing.orders_wanted import ResourcesWanted
from order.placing.place_for_customer import place_for_customer


async def place_wanted(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: PlaceOrder | ResourcesWanted,
    now: datetime,
    approvals: Approvals,
) -> Order:
    """New products, or an order about resources.

    Raises:
        The refusals of `place_order` and of `place_for_customer`.

    """
    if isinstance(wanted, PlaceOrder):
        return await place_order(session, peers, principal, wanted, now, approvals)
    return await place_for_customer(session, peers, principal, wanted, now, approvals)
