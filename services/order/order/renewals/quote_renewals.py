"""What a renewal would cost and until when: nothing is written.

See docs/domain/resources.md H.7.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError
from chassis.identity import Principal
from order.ordering.place_trade import price_trade
from order.ordering.refusals import ResourceMissingError
from order.ordering.trades import PlannedLine
from order.orders.find_order import visible
from order.packages.find_package import refuse_packages
from order.peers import Peers, QuotedLine
from order.renewals.plan_renewal import WantedRenewal
from order.resources.models import Resource
from wire.native import Money, NativeAnswer
from wire.types import Id, WireRequest

RESOURCES_MAX = 10
MONTHS_MAX = 11


class QuoteRenewals(WireRequest):
    """The body of POST /api/resources/renewal-quotes: main resources of one customer."""

    resource_ids: Annotated[list[Id], Field(min_length=1, max_length=RESOURCES_MAX)]
    period_type: Literal[2, 3]
    period_num: Annotated[int, Field(ge=1, le=MONTHS_MAX)]


class RenewalLineAnswer(NativeAnswer):
    """A resource's period as it would be ordered; `extra_days` lead to the unified expiry day."""

    resource_id: str
    main_resource_id: str | None
    begin_at: datetime
    end_at: datetime
    extra_days: int
    currency: str
    official_amount: Money
    discount_amount: Money
    amount_after_discount: Money


class RenewalQuoteAnswer(NativeAnswer):
    """All of them together, in the order they were asked for."""

    currency: str
    official_amount: Money
    discount_amount: Money
    amount_after_discount: Money
    lines: list[RenewalLineAnswer]


async def quote_renewals(
    session: AsyncSession, peers: Peers, principal: Principal, asked: QuoteRenewals, now: datetime
) -> RenewalQuoteAnswer:
    """For the customer itself, or a partner whose customer it is.

    Raises:
        The refusals of the renewal; ResourceMissingError: they are of several customers, too.

    """
    if len(set(asked.resource_ids)) != len(asked.resource_ids):
        raise BadFieldError("resource_ids", "the same resource twice")
    await refuse_packages(session, principal, asked.resource_ids)
    seen = visible(principal, Resource, None)
    owners = await session.scalars(
        select(Resource.customer_id).where(Resource.resource_id.in_(asked.resource_ids), seen)
    )
    customers = set(owners)
    if len(customers) != 1:
        raise ResourceMissingError
    wanted = WantedRenewal(
        customer_id=customers.pop(),
        visible=seen,
        resource_ids=asked.resource_ids,
        period_type=asked.period_type,
        period_num=asked.period_num,
        on_behalf=principal.is_partner,
    )
    planned, priced = await price_trade(session, peers, principal, wanted, now)
    return _answer(planned, priced.quote.currency, priced.quote.lines)


def _answer(
    planned: Sequence[PlannedLine], currency: str, quoted: Sequence[QuotedLine]
) -> RenewalQuoteAnswer:
    pairs = zip(planned, quoted, strict=True)
    return RenewalQuoteAnswer(
        currency=currency,
        official_amount=sum((line.official_amount for line in quoted), Decimal("0.00")),
        discount_amount=sum((line.discount_amount for line in quoted), Decimal("0.00")),
        amount_after_discount=sum((line.amount_after_discount for line in quoted), Decimal("0.00")),
        lines=[_line(one, currency, price) for one, price in pairs],
    )


def _line(planned: PlannedLine, currency: str, quoted: QuotedLine) -> RenewalLineAnswer:
    if planned.effective_at is None or planned.expire_at is None:
        raise ValueError("a renewal says from when and until when")
    return RenewalLineAnswer(
        resource_id=planned.resource.resource_id,
        main_resource_id=planned.resource.main_resource_id,
        begin_at=planned.effective_at,
        end_at=planned.expire_at,
        extra_days=planned.extra_days,
        currency=currency,
        official_amount=quoted.official_amount,
        discount_amount=quoted.discount_amount,
        amount_after_discount=quoted.amount_after_discount,
    )
