"""Renew period resources: renewal_resources (docs/domain/resources.md H.7)."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.database import Database
from chassis.errors import BadFieldError
from chassis.identity import Principal
from order.ordering.place_trade import place_trade
from order.ordering.trades import PlacedBy
from order.orders.find_order import visible
from order.orders.models import BY_AGENT, BY_CUSTOMER, Order
from order.packages.find_package import refuse_packages
from order.payments.pay_automatically import choose_when_placed, pay_automatically
from order.peers import Peers
from order.renewals.plan_renewal import WantedRenewal
from order.renewals.refusals import NotPaidAutomaticallyError
from order.resources.models import Resource
from wire.types import Id, WireRequest

RESOURCES_MAX = 10
MONTHS_MAX = 11


class RenewResources(WireRequest, operation="renewal_resources"):
    """The body of renewal_resources."""

    resource_ids: Annotated[list[Id], Field(min_length=1, max_length=RESOURCES_MAX)]
    period_type: Annotated[int, Field(ge=2, le=3)]
    period_num: Annotated[int, Field(ge=1, le=MONTHS_MAX)]
    is_auto_pay: Annotated[int, Field(ge=0, le=1)] = 0


async def renew_resources(
    database: Database,
    peers: Peers,
    principal: Principal,
    wanted: RenewResources,
    now: datetime,
    *,
    sandbox: bool = False,
) -> Order:
    """The order of all named resources, paid at once where that is wanted.

    Raises:
        NotPaidAutomaticallyError: the order is there and waits for payment.
        The refusals of `place_trade`: nothing is changed.

    """
    async with database.transaction_as(principal) as session:
        order = await place_wanted_renewal(session, peers, principal, wanted, now)
        chosen = await choose_when_placed(session, order, now) if wanted.is_auto_pay else None
    if chosen is not None:
        code = await pay_automatically(
            database, peers, order.order_id, now, sandbox=sandbox, chosen=chosen
        )
        if code is not None:
            raise NotPaidAutomaticallyError(order.order_id)
    return order


async def place_wanted_renewal(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: RenewResources,
    now: datetime,
    *,
    grant_is_held: bool = False,
) -> Order:
    """The order, to be paid afterwards, whatever is said of paying it.

    `grant_is_held`: this transaction has looked for the customer's grant and keeps it.

    Raises:
        The refusals of `place_trade`.

    """
    if len(set(wanted.resource_ids)) != len(wanted.resource_ids):
        raise BadFieldError("resource_ids", "the same resource twice")
    await refuse_packages(session, principal, wanted.resource_ids)
    on_behalf = principal.acting_for_partner is not None
    by = PlacedBy(
        BY_AGENT if on_behalf else BY_CUSTOMER,
        principal.operator_id or principal.id,
        principal.login_name,
    )
    asked = WantedRenewal(
        customer_id=principal.id,
        visible=visible(principal, Resource, None),
        resource_ids=wanted.resource_ids,
        period_type=wanted.period_type,
        period_num=wanted.period_num,
        on_behalf=on_behalf and not grant_is_held,
    )
    order = await place_trade(session, peers, principal, asked, by, now)
    audit.record(
        session, principal, "resource.renew", order.order_id, now,
        resource_ids=wanted.resource_ids, amount=str(order.amount_after_discount),
    )  # fmt: skip
    return order
