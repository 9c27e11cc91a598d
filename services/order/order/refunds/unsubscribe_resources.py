"""Unsubscribe period resources, or their renewed periods: cancel_resources_subscription.

See docs/domain/resources.md H.9.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError
from chassis.identity import Principal
from contracts.order import OrderCreated
from order.approvals import NOTHING, Approvals
from order.authorizations import hold_authorization, require_authorization
from order.copies import Customer
from order.orders.facts import order_fact
from order.orders.find_order import hold_association, visible
from order.orders.models import BY_AGENT, BY_CUSTOMER, REVIEW, Order
from order.packages.models import Package
from order.refunds.end_periods import end_periods
from order.refunds.make_refund import (
    AskedBy,
    refund_order,
    refunds_of,
    settle_refund,
)
from order.refunds.models import AccountFrozenError, ResourceUnknownError
from order.refunds.plan_refund import plan_refund
from order.resources.models import Resource
from wire.types import Id, WireRequest

RESOURCES_MAX = 10


class UnsubscribeResources(WireRequest, operation="cancel_resources_subscription"):
    """The body of cancel_resources_subscription."""

    resource_ids: Annotated[list[Id], Field(min_length=1, max_length=RESOURCES_MAX)]
    unsubscribe_type: Annotated[int, Field(ge=1, le=2)]
    unsubscribe_reason_type: Annotated[int, Field(ge=1, le=5)] | None = None
    unsubscribe_reason: Annotated[str, Field(max_length=512)] | None = None


async def unsubscribe_resources(
    session: AsyncSession,
    principal: Principal,
    wanted: UnsubscribeResources,
    now: datetime,
    approvals: Approvals = NOTHING,
) -> Order:
    """All of the named resources or none; the order is carried out and refunded at once.

    Unless it waits for a review, or its refund for an approval.

    Raises:
        AccountFrozenError and the refusals of `plan_refund`: nothing is changed.

    """
    if len(set(wanted.resource_ids)) != len(wanted.resource_ids):
        raise BadFieldError("resource_ids", "the same resource twice")
    customer = await _hold_customer(session, principal)
    plan = await plan_refund(
        session,
        visible(principal, Resource, None),
        wanted.resource_ids,
        wanted.unsubscribe_type,
        now,
        visible(principal, Package, None),
    )
    order = refund_order(plan.refunds, customer.currency, _asked_by(principal), now)
    refunds = refunds_of(plan.refunds, order, now)
    products = {one.product_id for one in plan.resources}
    if await approvals.wants_review(session, order.customer_id, products):
        order.status = REVIEW
    session.add(order)
    await session.flush()
    session.add_all(refunds)
    outbox.publish(session, order_fact(OrderCreated, order, now))
    if order.status != REVIEW:
        periods = [planned.period for planned in plan.refunds]
        end_periods(session, order, periods, plan.resources, now, closes=plan.closes)
        settle_refund(session, order, refunds, now, approvals)
    audit.record(
        session, principal, "resource.unsubscribe", order.order_id, now,
        resource_ids=wanted.resource_ids, amount=str(order.amount_after_discount),
        reason_type=wanted.unsubscribe_reason_type, reason=wanted.unsubscribe_reason,
    )  # fmt: skip
    return order


async def _hold_customer(session: AsyncSession, principal: Principal) -> Customer:
    """The customer as it stays; one unsubscription of it after another, so that ten are ten."""
    one_at_a_time = func.pg_advisory_xact_lock(func.hashtext(f"order.refunds.{principal.id}"))
    await session.execute(select(one_at_a_time))
    customer = await hold_association(session, principal.id)
    if customer is None:
        raise ResourceUnknownError
    if customer.is_frozen:
        raise AccountFrozenError
    if principal.acting_for_partner is not None:
        await require_authorization(session, customer)
        await hold_authorization(session, customer)
    return customer


def _asked_by(principal: Principal) -> AskedBy:
    source_type = BY_CUSTOMER if principal.acting_for_partner is None else BY_AGENT
    return AskedBy(source_type, principal.operator_id or principal.id, principal.login_name)
