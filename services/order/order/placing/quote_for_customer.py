"""What an order about resources would cost, and everything that would refuse it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.identity import Principal
from order.ordering.place_trade import price_trade, trade_order
from order.ordering.trades import PlacedBy, PlannedLine, Priced, Trade
from order.orders.models import BY_AGENT
from order.orders.place_order import refuse_past_times
from order.orders.quote_answers import QuoteAnswer
from order.orders.quote_order import (
    Refusals,
    answer_quote,
    carry_named,
    customer_to_quote,
    refusals_of_customer,
)
from order.packages.find_package import refuse_packages
from order.peers import Peers
from order.placing.orders_wanted import ResourcesWanted

BY = PlacedBy(BY_AGENT, "", None)  # a quote is placed by nobody


async def quote_for_customer(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: ResourcesWanted,
    now: datetime,
    language: str,
) -> QuoteAnswer:
    """Price the order as placing it would, and gather all refusals; nothing is written.

    Raises:
        NotOwnCustomerError: no customer of the caller's; nothing is said about others.

    """
    customer = await customer_to_quote(session, principal, wanted.customer_id)
    refusals = await refusals_of_customer(session, principal, customer)
    try:
        wanted.check_named_once()
    except BadFieldError as error:
        refusals.append((error, error.field))
        return answer_quote(customer, None, [], refusals, language)
    try:
        refuse_past_times(wanted.pay_before, now)
    except BadFieldError as error:
        refusals.append((error, error.field))
    trade = wanted.trade()
    found, of_resources = await _price(session, peers, principal, wanted, now)
    refusals += of_resources
    if found is None:
        return answer_quote(customer, None, [], refusals, language)
    planned, priced = found
    order = trade_order(trade, customer, planned, priced.quote.lines, BY, now)
    if priced.gives_back:
        order.pay_until = order.pay_before = None
        return answer_quote(customer, order, [], refusals, language, gives_back=True)
    discounts = carry_named(order, trade.discount_id, trade.contract_id, priced.quote, refusals)
    return answer_quote(customer, order, discounts, refusals, language)


async def _price(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: ResourcesWanted,
    now: datetime,
) -> tuple[tuple[Sequence[PlannedLine], Priced] | None, Refusals]:
    """The price of all resources, or of each resource why it has none."""

    async def price(trade: Trade) -> tuple[Sequence[PlannedLine], Priced]:
        await refuse_packages(session, principal, trade.resource_ids)
        return await price_trade(session, peers, principal, trade, now)

    try:
        return await price(wanted.trade()), []
    except OutsideError:
        raise
    except RefusedError as first:
        refusals: Refusals = []
        for number, resource_id in enumerate(wanted.resource_ids):
            try:
                await price(wanted.trade([resource_id]))
            except OutsideError:
                raise
            except RefusedError as error:
                refusals.append((error, f"resource_ids[{number}]"))
        return None, refusals or [(first, "resource_ids")]
