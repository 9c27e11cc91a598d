"""Order what a partner wants of a customer's resources: one way for all kinds of orders.

See docs/domain/acting-on-behalf.md F6, decision 0100.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, copies
from chassis.identity import Principal
from order.approvals import Approvals
from order.copies import ASSOCIATED, Customer
from order.ordering.place_trade import place_trade
from order.ordering.trades import PlacedBy
from order.orders.models import BY_AGENT, Order
from order.orders.place_order import NotOwnCustomerError, NotResaleError, refuse_past_times
from order.packages.find_package import refuse_packages
from order.peers import Peers
from order.placing.orders_wanted import ResourcesWanted
from wire.vocabulary import RESALE_TYPES


async def place_for_customer(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: ResourcesWanted,
    now: datetime,
    approvals: Approvals,
) -> Order:
    """The order waits for payment, or has given back what a change costs less.

    Raises:
        BadFieldError, NotOwnCustomerError, NotResaleError, PartOfPackageError, and the refusals of
        `place_trade`.

    """
    wanted.check_named_once()
    refuse_past_times(wanted.pay_before, now)
    customer = await copies.find(session, Customer, wanted.customer_id)
    if customer is None or customer.association_status != ASSOCIATED:
        raise NotOwnCustomerError
    if principal.id not in (customer.partner_id, customer.distributor_id):
        raise NotOwnCustomerError
    if customer.association_type not in RESALE_TYPES:
        raise NotResaleError
    await refuse_packages(session, principal, wanted.resource_ids)
    by = PlacedBy(BY_AGENT, principal.operator_id or principal.id, principal.login_name)
    trade = replace(wanted.trade(), approvals=approvals)
    order = await place_trade(session, peers, principal, trade, by, now)
    audit.record(
        session, principal, "order.place", order.order_id, now,
        customer_id=order.customer_id, amount=str(order.amount_after_discount),
    )  # fmt: skip
    return order
