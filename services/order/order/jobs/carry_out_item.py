"""One item of a job: the command that a caller would send, in the name of who started the job."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.identity import Principal
from order.approvals import Approvals
from order.authorizations import acting_for, hold_authorization
from order.copies import Customer
from order.orders.cancel_order import cancel_order
from order.orders.find_order import OrderInvalidError, visible
from order.orders.models import Order
from order.peers import Peers
from order.placing.orders_wanted import read_order
from order.placing.place_wanted import place_wanted
from order.refunds.models import ResourceUnknownError
from order.refunds.unsubscribe_resources import UnsubscribeResources, unsubscribe_resources
from order.renewals.renew_resources import RenewResources, place_wanted_renewal
from order.renewals.set_auto_renewal import SetAutoRenewal, set_auto_renewal
from order.requests.pay_request import pay_request
from order.resources.models import Resource


@dataclass(frozen=True, slots=True)
class ToPay:
    """An order that was placed and is to be paid, and its customer: both are held."""

    order: Order
    customer: Customer


async def carry_out_item(
    database: Database,
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    kind: str,
    wanted: dict[str, Any],
    now: datetime,
    approvals: Approvals,
) -> ToPay | str | None:
    """Do it in `session`, which keeps the outcome, too; the order it is about or has made, if any.

    Raises:
        RefusedError: what the command answers; nothing of it is left in `session`.

    """
    match kind:
        case "cancel":
            return await _cancel(session, principal, wanted["order_id"], now)
        case "unsubscribe":
            return await _unsubscribe(session, principal, wanted, now, approvals)
        case "place":
            body = read_order(wanted)
            order = await place_wanted(session, peers, principal, body, now, approvals)
            return order.order_id
        case "pay_requests":
            request_id = wanted["request_id"]
            request, _ = await pay_request(
                database, session, peers, principal, request_id, now, sandbox=approvals.has_rules
            )
            return request.order_id
        case "renew":
            return await _renew(session, peers, principal, wanted, now)
        case "auto_renewal":
            await _renew_automatically(session, principal, wanted, now)
            return None
        case _:
            raise ValueError(f"no such kind of job: {kind}")


async def _cancel(session: AsyncSession, principal: Principal, order_id: str, now: datetime) -> str:
    named = select(Order.customer_id, Order.order_id).where(
        Order.order_id == order_id.upper(), visible(principal, Order, None)
    )
    found = (await session.execute(named)).one_or_none()
    if found is None:
        raise OrderInvalidError
    actor = await _actor(session, principal, found.customer_id)
    await cancel_order(session, actor, found.order_id, now)
    return str(found.order_id)


async def _unsubscribe(
    session: AsyncSession,
    principal: Principal,
    wanted: dict[str, Any],
    now: datetime,
    approvals: Approvals,
) -> str:
    body = UnsubscribeResources.model_validate(wanted)
    actor = await _actor_for(session, principal, body.resource_ids[0])
    return (await unsubscribe_resources(session, actor, body, now, approvals)).order_id


async def _renew(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: dict[str, Any],
    now: datetime,
) -> ToPay | str:
    """The order; where it is to be paid at once, whoever asks does it, behind the commit."""
    body = RenewResources.model_validate({**wanted, "is_auto_pay": 0})
    customer = await _holder_of(session, principal, body.resource_ids[0])
    actor = acting_for(principal, customer)
    order = await place_wanted_renewal(session, peers, actor, body, now, grant_is_held=True)
    return ToPay(order, customer) if wanted.get("is_auto_pay") else order.order_id


async def _renew_automatically(
    session: AsyncSession, principal: Principal, wanted: dict[str, Any], now: datetime
) -> None:
    resource_id = wanted["resource_id"]
    actor = await _actor_for(session, principal, resource_id)
    times, period = wanted.get("auto_renew_times"), wanted.get("auto_renew_period")
    body = SetAutoRenewal.model_validate({"auto_renew_times": times, "period_type": period})
    await set_auto_renewal(session, actor, resource_id, body, now)


async def _actor_for(session: AsyncSession, principal: Principal, resource_id: str) -> Principal:
    """Whoever has the resource, as the partner acts for it."""
    return acting_for(principal, await _holder_of(session, principal, resource_id))


async def _holder_of(session: AsyncSession, principal: Principal, resource_id: str) -> Customer:
    """Whoever has the resource; its grant stays as it is."""
    customer_id = await session.scalar(
        select(Resource.customer_id).where(
            Resource.resource_id == resource_id, visible(principal, Resource, None)
        )
    )
    if customer_id is None:
        raise ResourceUnknownError(resource_id)
    return await _granting(session, customer_id)


async def _actor(session: AsyncSession, principal: Principal, customer_id: str) -> Principal:
    """The customer, as the partner acts for it with its grant."""
    return acting_for(principal, await _granting(session, customer_id))


async def _granting(session: AsyncSession, customer_id: str) -> Customer:
    customer = await session.get_one(Customer, customer_id, populate_existing=True)
    await hold_authorization(session, customer)
    return customer
