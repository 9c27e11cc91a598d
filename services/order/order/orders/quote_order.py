"""What an order would cost, and everything that would refuse it; nothing is written."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.identity import Principal
from order.authorizations import require_authorization
from order.copies import ASSOCIATED, Customer
from order.orders.discounts import OfferedDiscount, carry_discount, payable, prices_with
from order.orders.find_order import CustomerFrozenError
from order.orders.models import NEW_PURCHASE, Order
from order.orders.offers import named_discount, offered_discount
from order.orders.place_order import (
    MarketplaceError,
    NotOwnCustomerError,
    NotResaleError,
    PlaceOrder,
    build_order,
    line_asked,
    refuse_past_times,
)
from order.orders.quote_answers import (
    QuoteAnswer,
    QuotedDiscountAnswer,
    QuotedLineAnswer,
    RefusalAnswer,
)
from order.peers import Peers, Quote
from wire.vocabulary import RESALE_TYPES

Refusals = list[tuple[RefusedError, str | None]]


async def quote_order(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: PlaceOrder,
    now: datetime,
    language: str,
) -> QuoteAnswer:
    """Price the order as placing it would, and gather all refusals, not the first.

    Raises:
        NotOwnCustomerError: no customer of the caller's; nothing is said about others.

    """
    customer = await customer_to_quote(session, principal, wanted.customer_id)
    refusals = await refusals_of_customer(session, principal, customer)
    try:
        refuse_past_times(wanted.pay_before, now)
    except BadFieldError as error:
        refusals.append((error, error.field))
    quote, of_lines = await _price(peers, principal, wanted)
    refusals += of_lines
    order: Order | None = None
    discounts: list[QuotedDiscountAnswer] = []
    if quote is not None:
        order = build_order(customer, wanted, quote.lines, principal, now)
        discounts = carry_named(order, wanted.discount_id, wanted.contract_id, quote, refusals)
    return answer_quote(customer, order, discounts, refusals, language)


def carry_named(
    order: Order,
    discount_id: str | None,
    contract_id: str | None,
    quote: Quote,
    refusals: Refusals,
) -> list[QuotedDiscountAnswer]:
    """Have the order carry what it names; what it is offered, and a refusal more without that."""
    offers = [offered_discount(order, offer) for offer in quote.offers]
    discounts = [_discount(order, offer) for offer in offers]
    try:
        named = named_discount(discount_id, contract_id, offers)
    except RefusedError as error:
        refusals.append((error, "contract_id" if contract_id else "discount_id"))
    else:
        if named is not None:
            carry_discount(order, named)
    return discounts


async def customer_to_quote(
    session: AsyncSession, principal: Principal, customer_id: str
) -> Customer:
    """The caller itself, or a customer of its own.

    Raises:
        NotOwnCustomerError

    """
    customer = await copies.find(session, Customer, customer_id)
    if customer is None or customer.association_status != ASSOCIATED:
        raise NotOwnCustomerError
    own = {customer.customer_id} if principal.is_customer else {
        customer.partner_id, customer.distributor_id,
    }  # fmt: skip
    if principal.id not in own:
        raise NotOwnCustomerError
    return customer


async def refusals_of_customer(
    session: AsyncSession, principal: Principal, customer: Customer
) -> Refusals:
    """What is wrong whatever was ordered."""
    refusals: Refusals = []
    if customer.association_type not in RESALE_TYPES:
        refusals.append((NotResaleError(), "customer_id"))
    if customer.is_frozen:
        refusals.append((CustomerFrozenError("the customer is frozen"), "customer_id"))
    if not principal.is_customer:
        try:
            await require_authorization(session, customer)
        except RefusedError as error:
            refusals.append((error, "customer_id"))
    return refusals


async def _price(
    peers: Peers, principal: Principal, wanted: PlaceOrder
) -> tuple[Quote | None, Refusals]:
    """The price of all lines, or of each line why it has none."""
    asked = [line_asked(line, 0) for line in wanted.lines]
    try:
        quote = await peers.quote_with_discounts(principal, wanted.customer_id, asked, NEW_PURCHASE)
    except OutsideError:
        raise
    except RefusedError as first:
        refusals: Refusals = []
        for number, line in enumerate(asked):
            try:
                await peers.quote_with_discounts(
                    principal, wanted.customer_id, [line], NEW_PURCHASE
                )
            except OutsideError:
                raise
            except RefusedError as error:
                refusals.append((error, f"lines[{number}]"))
        return None, refusals or [(first, "lines")]
    return quote, [
        (MarketplaceError(), f"lines[{number}]")
        for number, line in enumerate(quote.lines)
        if line.is_marketplace
    ]


def _discount(order: Order, offer: OfferedDiscount) -> QuotedDiscountAnswer:
    """What the order, which carries none yet, would cost with the offer."""
    return QuotedDiscountAnswer.of(
        offer,
        currency=order.currency,
        amount_after_discount=payable(prices_with(order, offer)),
        pay_until=order.deadline(offer.promotion_ends_at),
    )


def answer_quote(
    customer: Customer,
    order: Order | None,
    discounts: list[QuotedDiscountAnswer],
    refusals: Refusals,
    language: str,
    *,
    gives_back: bool = False,
) -> QuoteAnswer:
    """The order as it would be, if it has a price; `gives_back`: its amounts are a refund."""
    lines = order.lines if order is not None else []
    return QuoteAnswer(
        currency=customer.currency,
        official_amount=order.official_amount if order else None,
        discount_amount=order.discount_amount if order else None,
        amount_after_discount=order.amount_after_discount if order else None,
        pay_until=order.pay_until if order else None,
        gives_back=gives_back,
        lines=[QuotedLineAnswer.of(line, currency=customer.currency) for line in lines],
        discounts=discounts,
        refusals=[
            RefusalAnswer(code=error.refusal_code, message=error.message(language), field=field)
            for error, field in refusals
        ],
    )
