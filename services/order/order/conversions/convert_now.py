"""Charge period resources on demand at once: update_period_to_on_demand_instantly.

See docs/domain/resources.md H.10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal
from contracts.order import OrderCreated
from order.approvals import NOTHING, Approvals
from order.conversions.find_convertible import (
    Group,
    check_group,
    check_named_once,
    check_sold_on_demand,
    find_groups,
    hold_customer,
    packages_named,
    under_way,
)
from order.conversions.refusals import FrozenAccountError, PackageNotConvertibleError
from order.copies import Customer
from order.orders.facts import order_fact
from order.orders.models import BY_AGENT, BY_CUSTOMER, REVIEW, Order
from order.peers import Peers
from order.refunds.end_periods import lock_named, periods_of
from order.refunds.make_refund import AskedBy, refund_order, refunds_of, settle_refund
from order.refunds.models import Refund, ResourceUnknownError
from order.refunds.plan_refund import PaidPeriod, PlannedRefund, means_of
from order.refunds.reductions import Reductions, reductions_of
from order.refunds.refund_rules import GivenBack, give_all_back, give_rest_back
from order.resources.become_on_demand import become_on_demand
from order.resources.models import Resource, ResourcePeriod
from wire.times import SECOND
from wire.types import Id, WireRequest
from wire.vocabulary import OrderType

RESOURCES_MAX = 10
NO_FEE = Decimal(0)  # the rate


class ConvertNow(WireRequest, operation="update_period_to_on_demand_instantly"):
    """The body of update_period_to_on_demand_instantly."""

    resource_ids: Annotated[list[Id], Field(min_length=1, max_length=RESOURCES_MAX)]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one named resource: the order that converted it, or why it was not."""

    resource_id: str
    order_id: str | None
    refusal: RefusedError | None
    is_reviewed: bool = False  # the order waits for that


async def convert_now(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: ConvertNow,
    now: datetime,
    approvals: Approvals = NOTHING,
) -> list[Conversion]:
    """Each resource for itself, in the order asked; those that may are one order.

    What is left of the periods goes back at once and without a fee, unless the order waits for a
    review or its refund for an approval.
    """
    check_named_once(wanted.resource_ids)
    found = await find_groups(session, principal, wanted.resource_ids, lock=False)
    refused = await _not_sold(peers, principal, found)
    customer = await hold_customer(session, principal)
    groups = await find_groups(session, principal, wanted.resource_ids, lock=True)
    packages = await packages_named(session, principal, wanted.resource_ids)
    busy = await under_way(session, groups.values())
    for resource_id in wanted.resource_ids:
        try:
            if resource_id in packages:
                raise PackageNotConvertibleError
            _check(groups.get(resource_id), customer, busy, now)
        except RefusedError as refusal:
            refused[resource_id] = refusal
    taken = [groups[one] for one in wanted.resource_ids if one not in refused]
    order = None
    if taken:
        order = await _convert(session, principal, customer, taken, now, approvals)
    return [
        Conversion(
            one,
            order.order_id if order is not None and one not in refused else None,
            refused.get(one),
            is_reviewed=order is not None and order.status == REVIEW,
        )
        for one in wanted.resource_ids
    ]


async def _not_sold(
    peers: Peers, principal: Principal, groups: dict[str, Group]
) -> dict[str, RefusedError]:
    """Nothing is locked while billing is asked for each."""
    refused: dict[str, RefusedError] = {}
    for resource_id, group in groups.items():
        try:
            await check_sold_on_demand(peers, principal, principal.id, [group])
        except OutsideError:
            raise
        except RefusedError as refusal:
            refused[resource_id] = refusal
    return refused


def _check(group: Group | None, customer: Customer, busy: set[str], now: datetime) -> None:
    if group is None:
        raise ResourceUnknownError
    if customer.is_frozen:
        raise FrozenAccountError
    check_group(group, busy, now)


async def _convert(
    session: AsyncSession,
    principal: Principal,
    customer: Customer,
    groups: Sequence[Group],
    now: datetime,
    approvals: Approvals,
) -> Order:
    periods = [x for group in groups for one in group.resources for x in one.paid_periods]
    planned = _plan(groups, await reductions_of(session, periods), now)
    source_type = BY_CUSTOMER if principal.acting_for_partner is None else BY_AGENT
    asked = AskedBy(source_type, principal.operator_id or principal.id, principal.login_name)
    order = refund_order(planned, customer.currency, asked, now)
    order.order_type = OrderType.TO_ON_DEMAND
    refunds = refunds_of(planned, order, now)
    resources = [one for group in groups for one in group.resources]
    products = {one.product_id for one in resources}
    if await approvals.wants_review(session, order.customer_id, products):
        order.status = REVIEW
    session.add(order)
    await session.flush()
    session.add_all(refunds)
    outbox.publish(session, order_fact(OrderCreated, order, now))
    if order.status != REVIEW:
        await _carry_out(session, order, [one.period for one in planned], resources, now)
        settle_refund(session, order, refunds, now, approvals)
    audit.record(
        session, principal, "resource.convert", order.order_id, now,
        resource_ids=[group.main.resource_id for group in groups],
        amount=str(order.amount_after_discount),
    )  # fmt: skip
    return order


async def convert_reviewed(
    session: AsyncSession, order: Order, refunds: Sequence[Refund], now: datetime
) -> None:
    """The review let it pass: what the order named when it was asked for, with what is attached."""
    resources = await lock_named(session, [refund.resource_id for refund in refunds])
    await _carry_out(session, order, await periods_of(session, refunds), resources, now)


async def _carry_out(
    session: AsyncSession,
    order: Order,
    periods: Sequence[PaidPeriod],
    resources: Sequence[Resource],
    now: datetime,
) -> None:
    for period in periods:
        period.refund_order_id = order.order_id
    for resource in resources:
        await become_on_demand(session, resource, now, order.order_id)


def _plan(groups: Sequence[Group], reductions: Reductions, now: datetime) -> list[PlannedRefund]:
    return [
        PlannedRefund(resource, period, _given(period, reductions, now))
        for resource in [one for group in groups for one in group.resources]
        for period in resource.paid_periods
        if period.end_at is None or period.end_at + SECOND > now  # its last second is paid, too
    ]


def _given(period: ResourcePeriod, reductions: Reductions, now: datetime) -> GivenBack:
    """All of a period that has not begun, and what is left of the one in effect."""
    paid = means_of(period)
    if period.begin_at > now or period.end_at is None:
        return give_all_back("not_effective", paid)
    reduced = reductions.get(period.period_id, ())
    return give_rest_back(paid, period.begin_at, period.end_at, now, NO_FEE, reduced)
