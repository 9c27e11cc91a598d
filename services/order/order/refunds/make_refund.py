"""The order that gives something back, its refunds, and how they are stated.

See docs/domain/resources.md H.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.crash import crash_point
from chassis.ids import new_id
from contracts.order import OrderCompleted
from order.approvals import Approvals
from order.orders.facts import order_fact
from order.orders.models import PROCESSING, UNSUBSCRIPTION, Order, OrderLine
from order.orders.place_order import new_order_id
from order.refunds.facts import order_refund_held, order_refunded
from order.refunds.models import Refund
from order.refunds.plan_refund import GivenUp, PlannedRefund
from order.refunds.refund_rules import Means
from wire.money import share


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Who gives it back: the customer, its partner for it, or the system."""

    source_type: int
    placed_by: str
    user_name: str | None


def refund_order(
    planned: Sequence[PlannedRefund], currency: str, asked: AskedBy, now: datetime
) -> Order:
    """One line for each resource; several main resources make a combined order."""
    groups = [
        (resource, list(refunds))
        for resource, refunds in groupby(planned, key=lambda one: one.resource)
    ]
    mains = [resource for resource, _ in groups if resource.main_resource_id is None]
    first, back = planned[0].resource, _back(planned)
    order = Order(
        order_id=new_order_id(now),
        customer_id=first.customer_id,
        partner_id=first.partner_id,
        distributor_id=first.distributor_id,
        status=PROCESSING,
        order_type=UNSUBSCRIPTION,
        source_type=asked.source_type,
        currency=currency,
        service_type_code=first.service_type_code,
        service_type_name=first.service_type_name,
        official_amount=back.total,
        discount_amount=Decimal("0.00"),
        amount_after_discount=back.total,
        coupon_amount=back.coupon,
        flexipurchase_coupon_amount=back.flexi,
        stored_card_amount=back.card,
        cash_amount=back.cash,
        credit_amount=back.credit,
        consumed_amount=_sum(planned, "consumed"),
        commission_amount=_sum(planned, "fee"),
        is_combined=len(mains) > 1,
        placed_by=asked.placed_by,
        user_name=asked.user_name,
        created_at=now,
        provisioning_seconds=0,
        updated_at=now,
        version=1,
    )
    members = {main.resource_id: new_order_id(now) for main in mains}
    order.lines = [
        _line(order, number, resource, refunds, members if order.is_combined else {})
        for number, (resource, refunds) in enumerate(groups, start=1)
    ]
    return order


def _line(
    order: Order,
    number: int,
    resource: GivenUp,
    refunds: Sequence[PlannedRefund],
    members: dict[str, str],
) -> OrderLine:
    back = _back(refunds)
    return OrderLine(
        line_id=f"{order.order_id}-{number:06}",
        member_order_id=members.get(resource.main_resource_id or resource.resource_id),
        partner_id=resource.partner_id,
        distributor_id=resource.distributor_id,
        position=number,
        resource_id=resource.resource_id,
        product_id=resource.product_id,
        service_type_code=resource.service_type_code,
        service_type_name=resource.service_type_name,
        resource_type_code=resource.resource_type_code,
        resource_type_name=resource.resource_type_name,
        resource_spec_code=resource.resource_spec_code,
        product_spec_desc=resource.product_spec_desc,
        region_code=resource.region_code,
        charging_mode=resource.charging_mode,
        quantity=1,
        measure_size=resource.measure_size,
        size_measure_id=resource.size_measure_id,
        official_amount=back.total,
        discount_amount=Decimal("0.00"),
        amount_after_discount=back.total,
        coupon_amount=back.coupon,
        flexipurchase_coupon_amount=back.flexi,
        stored_card_amount=back.card,
        cash_amount=back.cash,
        credit_amount=back.credit,
        consumed_amount=_sum(refunds, "consumed"),
        commission_amount=_sum(refunds, "fee"),
    )


def _back(refunds: Sequence[PlannedRefund]) -> Means:
    return sum((refund.given.back for refund in refunds), Means())


def _sum(refunds: Sequence[PlannedRefund], name: str) -> Decimal:
    return sum((getattr(refund.given, name) for refund in refunds), Decimal("0.00"))


def refunds_of(planned: Sequence[PlannedRefund], order: Order, now: datetime) -> list[Refund]:
    """A row for each period, with the line of its resource."""
    lines = {line.resource_id: line.line_id for line in order.lines}
    return [
        _refund(one, order, lines[one.resource.resource_id], number, now)
        for number, one in enumerate(planned, start=1)
    ]


def _refund(
    planned: PlannedRefund, order: Order, line_id: str, number: int, now: datetime
) -> Refund:
    resource, period, given = planned.resource, planned.period, planned.given
    is_counted = resource.main_resource_id is None and period.base_period_id is None
    return Refund(
        refund_id=new_id(),
        order_id=order.order_id,
        line_id=line_id,
        number=number,
        resource_id=resource.resource_id,
        period_id=period.period_id,
        base_order_id=period.order_id,
        base_line_id=period.line_id,
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        payer_id=period.payer_id,
        at=now,
        rule=given.rule,
        counts=is_counted and given.rule == "five_days",
        paid_amount=given.paid,
        consumed_amount=given.consumed,
        commission_amount=given.fee,
        coupon_amount=given.back.coupon,
        flexipurchase_coupon_amount=given.back.flexi,
        stored_card_amount=given.back.card,
        cash_amount=given.back.cash,
        credit_amount=given.back.credit,
        coupons=coupons_back(period.coupons, given.back),
    )


def coupons_back(coupons: Sequence[dict[str, Any]], back: Means) -> list[dict[str, Any]]:
    """Which coupon gets how much: in proportion to what each of its type paid of the period."""
    shares = []
    for coupon_type, amount in ((1, back.coupon), (4, back.flexi), (5, back.card)):
        own = [one for one in coupons if one["coupon_type"] == coupon_type]
        if amount and not own:
            raise ValueError(f"nobody knows which coupon paid the {amount} that go back")
        parts = share(amount, [Decimal(one["amount"]) for one in own]) if own else []
        shares += [
            {**one, "amount": f"{part:f}"} for one, part in zip(own, parts, strict=True) if part
        ]
    return shares


def settle_refund(
    session: AsyncSession,
    order: Order,
    refunds: Sequence[Refund],
    now: datetime,
    approvals: Approvals,
) -> None:
    """Everything is released: what goes back is made, or waits where it is large."""
    if approvals.holds(order.amount_after_discount):
        order.hold_refund(now)
        outbox.publish(session, order_refund_held(order, now, refunds))
    else:
        state_refund(session, order, refunds, now)


def state_refund(
    session: AsyncSession, order: Order, refunds: Sequence[Refund], now: datetime
) -> None:
    """What goes back is stated, and with that the order is completed."""
    order.refund(now)
    outbox.publish(session, order_refunded(order, now, refunds))
    order.complete(now)
    outbox.publish(session, order_fact(OrderCompleted, order, now))
    crash_point("order.refund_stated")
