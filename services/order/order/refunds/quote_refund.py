"""What an unsubscription would give back now, or why it would be refused; nothing is written.

See docs/domain/resources.md H.9.
"""

from datetime import datetime
from itertools import groupby
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError
from chassis.identity import Principal
from order.copies import Customer
from order.orders.find_order import visible
from order.packages.models import Package
from order.refunds.models import AccountFrozenError, ResourceUnknownError
from order.refunds.plan_refund import PlannedRefund, RefundPlan, means_of, plan_refund
from order.refunds.refund_rules import Means
from order.refunds.unsubscribe_resources import RESOURCES_MAX
from order.resources.models import Resource
from wire.native import Money, NativeAnswer
from wire.types import Id, WireRequest


class QuoteRefund(WireRequest):
    """As cancel_resources_subscription: 1 resources with their periods, 2 renewed periods alone."""

    resource_ids: Annotated[list[Id], Field(min_length=1, max_length=RESOURCES_MAX)]
    unsubscribe_type: Literal[1, 2] = 1


class MeansAnswer(NativeAnswer):
    """An amount by each means of payment; money of another account is not shown to a customer."""

    currency: str
    coupon_amount: Money
    flexipurchase_coupon_amount: Money
    stored_card_amount: Money
    cash_amount: Money | None
    credit_amount: Money | None


class QuotedPeriod(NativeAnswer):
    """A paid period: what was paid, what of it is used up, and what goes back to where."""

    period_id: str
    order_id: str  # that paid it
    payer_id: str  # whose money it was, and gets it back
    begin_at: datetime
    end_at: datetime | None
    rule: str  # five_days, not_effective or conditional
    hours_used: int | None  # of a conditional refund
    hours_total: int | None
    currency: str
    consumed_amount: Money
    commission_amount: Money
    refund_amount: Money
    paid: MeansAnswer
    back: MeansAnswer


class QuotedResource(NativeAnswer):
    """A main resource or one that goes with it."""

    resource_id: str
    main_resource_id: str | None
    periods: list[QuotedPeriod]


class RefundQuoteAnswer(NativeAnswer):
    """All that would go back, and how many of the ten within five days are left before it."""

    currency: str
    refund_amount: Money
    five_days_left: int
    resources: list[QuotedResource]


async def quote_refund(
    session: AsyncSession, principal: Principal, wanted: QuoteRefund, now: datetime
) -> RefundQuoteAnswer:
    """By the plan that the unsubscription carries out.

    Raises:
        AccountFrozenError and the refusals of `plan_refund`

    """
    if len(set(wanted.resource_ids)) != len(wanted.resource_ids):
        raise BadFieldError("resource_ids", "the same resource twice")
    customer = await _customer(session, principal, wanted)
    owned = Resource.customer_id == customer.customer_id
    plan = await plan_refund(
        session,
        visible(principal, Resource, None) & owned,
        wanted.resource_ids,
        wanted.unsubscribe_type,
        now,
        visible(principal, Package, None) & (Package.customer_id == customer.customer_id),
    )
    return _answer(plan, customer, principal)


async def _customer(session: AsyncSession, principal: Principal, wanted: QuoteRefund) -> Customer:
    """The caller, or the customer of the first resource that the partner sees."""
    if principal.is_customer:
        customer = await session.get(Customer, principal.id)
    else:
        first = wanted.resource_ids[0]
        of_resource = select(Resource.customer_id).where(
            Resource.resource_id == first, visible(principal, Resource, None)
        )
        of_package = select(Package.customer_id).where(
            Package.package_id == first, visible(principal, Package, None)
        )
        customer = await session.scalar(
            select(Customer).where(
                or_(Customer.customer_id.in_(of_resource), Customer.customer_id.in_(of_package))
            )
        )
    if customer is None:
        raise ResourceUnknownError
    if customer.is_frozen:
        raise AccountFrozenError
    return customer


def _answer(plan: RefundPlan, customer: Customer, principal: Principal) -> RefundQuoteAnswer:
    back = sum((one.given.back for one in plan.refunds), Means())
    resources = [
        QuotedResource(
            resource_id=resource.resource_id,
            main_resource_id=resource.main_resource_id,
            periods=[_period(one, customer, principal) for one in refunds],
        )
        for resource, refunds in groupby(plan.refunds, key=lambda planned: planned.resource)
    ]
    return RefundQuoteAnswer(
        currency=customer.currency,
        refund_amount=back.total,
        five_days_left=plan.five_days_left,
        resources=resources,
    )


def _period(planned: PlannedRefund, customer: Customer, principal: Principal) -> QuotedPeriod:
    period, given = planned.period, planned.given
    payer_id = period.payer_id or customer.customer_id
    is_hidden = principal.is_customer and payer_id != principal.id
    return QuotedPeriod(
        period_id=period.period_id,
        order_id=period.order_id,
        payer_id=payer_id,
        begin_at=period.begin_at,
        end_at=period.end_at,
        rule=given.rule,
        hours_used=given.hours_used if given.hours_total else None,
        hours_total=given.hours_total or None,
        currency=customer.currency,
        consumed_amount=given.consumed,
        commission_amount=given.fee,
        refund_amount=given.back.total,
        paid=_means(means_of(period), customer.currency, is_hidden=is_hidden),
        back=_means(given.back, customer.currency, is_hidden=is_hidden),
    )


def _means(means: Means, currency: str, *, is_hidden: bool) -> MeansAnswer:
    return MeansAnswer(
        currency=currency,
        coupon_amount=means.coupon,
        flexipurchase_coupon_amount=means.flexi,
        stored_card_amount=means.card,
        cash_amount=None if is_hidden else means.cash,
        credit_amount=None if is_hidden else means.credit,
    )
