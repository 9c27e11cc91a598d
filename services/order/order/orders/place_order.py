"""Place an order on behalf of a resale customer (docs/domain/acting-on-behalf.md F6)."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, copies, outbox
from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.identity import Principal
from contracts.order import OrderCreated
from order.approvals import NOTHING, Approvals
from order.authorizations import hold_authorization, require_authorization
from order.copies import ASSOCIATED, Customer
from order.orders.discounts import carry_discount
from order.orders.facts import order_fact
from order.orders.find_order import CustomerFrozenError, hold_association
from order.orders.lines_wanted import LinesWanted, LineWanted
from order.orders.models import BY_AGENT, CONFIRM, NEW_PURCHASE, REVIEW, Order, OrderLine
from order.orders.offers import keep_offers, named_discount
from order.peers import Peers, QuotedLine
from wire.types import Id, NativeInstant, WireRequest
from wire.vocabulary import RESALE_TYPES

ORDERS_MAX, BATCH_LINES_MAX = 20, 100  # in a batch


class NotOwnCustomerError(RefusedError):
    """Not a customer of the partner: the same whether or not there is one."""

    code = "CBC.99000035"


class NotResaleError(RefusedError):
    """On behalf of a referral customer nothing can be ordered."""

    code = "CBC.99000000"


class MarketplaceError(RefusedError):
    """Marketplace (云商店) products cannot be ordered on behalf."""

    code = "CHB.1002"


class BatchedOrder(WireRequest):
    """One order of several for the same customer. `hold_for` says what must happen first.

    At most one discount that it is offered: any but a contract by `discount_id`, a contract by
    `contract_id`. From `pay_before` on it can be paid no more.
    """

    lines: LinesWanted
    hold_for: Literal["payment", "review", "confirmation"] = "payment"
    discount_id: Id | None = None
    contract_id: Id | None = None
    pay_before: NativeInstant | None = None

    @model_validator(mode="after")
    def _one_discount(self) -> "BatchedOrder":
        if self.discount_id is not None and self.contract_id is not None:
            raise ValueError("one discount at most")
        return self


class PlaceOrder(BatchedOrder):
    """What the partner orders."""

    customer_id: Id
    order_type: Literal[1] = 1  # a new purchase


class PlaceOrders(WireRequest):
    """The body of POST /api/orders/batch: orders of their own, placed together or not at all."""

    customer_id: Id
    orders: Annotated[list[BatchedOrder], Field(min_length=1, max_length=ORDERS_MAX)]

    @field_validator("orders")
    @classmethod
    def _one_quote(cls, orders: list[BatchedOrder]) -> list[BatchedOrder]:
        """All of it is priced at once."""
        if sum(len(one.lines) for one in orders) > BATCH_LINES_MAX:
            raise ValueError(f"more than {BATCH_LINES_MAX} lines together")
        return orders


async def place_order(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    wanted: PlaceOrder,
    now: datetime,
    approvals: Approvals = NOTHING,
) -> Order:
    """Price and record the order; it waits for payment, review or confirmation."""
    customer_id = wanted.customer_id
    (order,) = await place_orders(session, peers, principal, customer_id, [wanted], now, approvals)
    return order


async def place_orders(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    customer_id: str,
    wanted: Sequence[BatchedOrder],
    now: datetime,
    approvals: Approvals = NOTHING,
) -> list[Order]:
    """The same for several orders of one customer, at one price list: all of them or none.

    Each keeps what it is offered now (decision 0075).
    """
    for one in wanted:
        refuse_past_times(one.pay_before, now)
    customer = await _customer(session, principal, customer_id)
    await require_authorization(session, customer)
    asked = [line_asked(line, number) for number, one in enumerate(wanted) for line in one.lines]
    quote = await peers.quote_with_discounts(principal, customer.customer_id, asked, NEW_PURCHASE)
    if any(line.is_marketplace for line in quote.lines):
        raise MarketplaceError
    # Nothing was locked while billing was asked; from here on association and grant stay.
    customer = _orderable(await hold_association(session, customer_id), principal)
    await hold_authorization(session, customer)
    if quote.currency != customer.currency:
        raise OutsideError(f"priced in {quote.currency}, the customer pays in {customer.currency}")
    prices = iter(quote.lines)
    orders = []
    for position, one in enumerate(wanted):
        quoted = list(islice(prices, len(one.lines)))
        products = {line.product_id for line in quoted}
        is_free = one.hold_for == "payment"
        if is_free and await approvals.wants_review(session, customer_id, products):
            one = one.model_copy(update={"hold_for": "review"})
        orders.append(build_order(customer, one, quoted, principal, now, position))
    session.add_all(orders)
    await session.flush()
    offers = keep_offers(session, orders, quote.offers)
    for one, order in zip(wanted, orders, strict=True):
        named = named_discount(one.discount_id, one.contract_id, offers[order.order_id])
        if named is not None:
            carry_discount(order, named)
    for order in orders:
        about = {"customer_id": order.customer_id, "amount": str(order.amount_after_discount)}
        audit.record(session, principal, "order.place", order.order_id, now, **about)
        outbox.publish(session, order_fact(OrderCreated, order, now))
    return orders


def new_order_id(now: datetime) -> str:
    """`CS`, the instant to the microsecond in UTC, six random digits: sorts by time."""
    return f"CS{now.astimezone(UTC):%y%m%d%H%M%S%f}{secrets.randbelow(10**6):06}"


async def _customer(session: AsyncSession, principal: Principal, customer_id: str) -> Customer:
    return _orderable(await copies.find(session, Customer, customer_id), principal)


def _orderable(customer: Customer | None, principal: Principal) -> Customer:
    if customer is None or customer.association_status != ASSOCIATED:
        raise NotOwnCustomerError
    if principal.id not in (customer.partner_id, customer.distributor_id):
        raise NotOwnCustomerError
    if customer.association_type not in RESALE_TYPES:
        raise NotResaleError
    if customer.is_frozen:
        raise CustomerFrozenError("the customer is frozen")
    return customer


def refuse_past_times(pay_before: datetime | None, now: datetime) -> None:
    """An order that can never be paid is not placed."""
    if pay_before is not None and pay_before <= now:
        raise BadFieldError("pay_before", "in the past")


def line_asked(line: LineWanted, order: int) -> dict[str, Any]:
    """The line as billing reads it, with its order's number; amounts travel as text."""
    asked = line.model_dump(exclude={"attach_to"}) | {"order": order}
    if line.measure_size is not None:
        asked["measure_size"] = format(line.measure_size, "f")
    return asked


def build_order(
    customer: Customer,
    wanted: BatchedOrder,
    quoted: Sequence[QuotedLine],
    principal: Principal,
    now: datetime,
    position: int = 0,
) -> Order:
    """Not kept yet. `position` in its batch: ids of one instant sort as the orders were asked."""
    order = Order(
        order_id=new_order_id(now + timedelta(microseconds=position)),
        customer_id=customer.customer_id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        status=CONFIRM if wanted.hold_for == "confirmation" else REVIEW,
        order_type=NEW_PURCHASE,
        source_type=BY_AGENT,
        currency=customer.currency,
        service_type_code=wanted.lines[0].service_type_code,
        service_type_name=quoted[0].service_type_name,
        official_amount=sum((q.official_amount for q in quoted), Decimal("0.00")),
        discount_amount=sum((q.discount_amount for q in quoted), Decimal("0.00")),
        amount_after_discount=sum((q.amount_after_discount for q in quoted), Decimal("0.00")),
        granted_discount_amount=Decimal("0.00"),
        coupon_discount_amount=Decimal("0.00"),
        coupon_amount=Decimal("0.00"),
        flexipurchase_coupon_amount=Decimal("0.00"),
        is_combined=len({line.service_type_code for line in wanted.lines}) > 1,
        placed_by=principal.operator_id or principal.id,
        user_name=principal.login_name,
        created_at=now,
        pay_before=wanted.pay_before,
        provisioning_seconds=max(q.provisioning_seconds for q in quoted),
        updated_at=now,
        version=1,
    )
    if wanted.hold_for == "payment":
        order.make_payable(now)
    pairs = zip(wanted.lines, quoted, strict=True)
    order.lines = [_line(order, number, *pair) for number, pair in enumerate(pairs, start=1)]
    if order.is_combined:
        _name_members(order, now)
    return order


def _line(order: Order, number: int, wanted: LineWanted, quoted: QuotedLine) -> OrderLine:
    return OrderLine(
        line_id=f"{order.order_id}-{number:06}",
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        position=number,
        product_id=quoted.product_id,
        product_spec_desc=quoted.product_spec_desc,
        size_measure_id=quoted.size_measure_id,
        package=quoted.package,
        service_type_name=quoted.service_type_name,
        resource_type_name=quoted.resource_type_name,
        official_amount=quoted.official_amount,
        discount_amount=quoted.discount_amount,
        amount_after_discount=quoted.amount_after_discount,
        granted_discount_amount=Decimal("0.00"),
        coupon_discount_amount=Decimal("0.00"),
        **wanted.model_dump(),
    )


def _name_members(order: Order, now: datetime) -> None:
    """A combined order has one member order for each service in it (docs/domain/orders.md B.5)."""
    members: defaultdict[str, str] = defaultdict(lambda: new_order_id(now))
    for line in order.lines:
        line.member_order_id = members[line.service_type_code]
