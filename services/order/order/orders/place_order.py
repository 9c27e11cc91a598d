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

from chassis import audit, copies
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal, WrongPrincipalError
from chassis.outbox import publish
from contracts.order import OrderCreated
from order.authorizations import hold_authorization, require_authorization
from order.copies import ASSOCIATED, RESALE_TYPES, Customer
from order.orders.facts import order_fact
from order.orders.find_order import CustomerFrozenError, hold_association
from order.orders.models import CONFIRM, REVIEW, Order, OrderLine
from order.peers import Peers, QuotedLine
from wire.types import Amount, Id, WireRequest

LINES_MAX = 20
ORDERS_MAX, BATCH_LINES_MAX = 20, 100  # in a batch
QUANTITY_MAX = 100
PERIODS_MAX = 36
NEW_PURCHASE = 1  # order type, docs/domain/orders.md B.5
BY_AGENT = 2  # source type, docs/domain/acting-on-behalf.md F6
PERIOD, ON_DEMAND = 1, 3  # charging modes

Code = Annotated[str, Field(min_length=1, max_length=400)]


class NotOwnCustomerError(RefusedError):
    """Not a customer of the partner: the same whether or not there is one."""

    code = "CBC.99000035"


class NotResaleError(RefusedError):
    """On behalf of a referral customer nothing can be ordered."""

    code = "CBC.99000000"


class MarketplaceError(RefusedError):
    """Marketplace (云商店) products cannot be ordered on behalf."""

    code = "CHB.1002"


class LineWanted(WireRequest):
    """One product: a price key of billing's catalogue, and how much of it."""

    service_type_code: Code
    resource_type_code: Code
    resource_spec_code: Code
    region_code: Code
    charging_mode: Literal[1, 3]
    period_type: Literal[0, 1, 2, 3, 4, 5] | None = None
    period_num: Annotated[int, Field(ge=1, le=PERIODS_MAX)] | None = None
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)] = 1
    measure_size: Amount | None = None

    @model_validator(mode="after")
    def _period(self) -> "LineWanted":
        """A period product says its period, an on-demand one has none."""
        given = self.period_type is not None, self.period_num is not None
        if self.charging_mode == PERIOD and not all(given):
            raise ValueError("a period product needs period_type and period_num")
        if self.charging_mode == ON_DEMAND and any(given):
            raise ValueError("an on-demand product has no period")
        return self


class OrderWanted(WireRequest):
    """What the partner orders. `hold_for` says what must happen first."""

    customer_id: Id
    lines: Annotated[list[LineWanted], Field(min_length=1, max_length=LINES_MAX)]
    hold_for: Literal["payment", "review", "confirmation"] = "payment"


class BatchedOrder(WireRequest):
    """One order of several for the same customer."""

    lines: Annotated[list[LineWanted], Field(min_length=1, max_length=LINES_MAX)]
    hold_for: Literal["payment", "review", "confirmation"] = "payment"


class OrdersWanted(WireRequest):
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
    session: AsyncSession, peers: Peers, principal: Principal, wanted: OrderWanted, now: datetime
) -> Order:
    """Price and record the order; it waits for payment, review or confirmation."""
    (order,) = await place_orders(session, peers, principal, wanted.customer_id, [wanted], now)
    return order


async def place_orders(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    customer_id: str,
    wanted: Sequence[BatchedOrder | OrderWanted],
    now: datetime,
) -> list[Order]:
    """The same for several orders of one customer, at one price list: all of them or none."""
    customer = await _customer(session, principal, customer_id)
    await require_authorization(session, customer)
    asked = [_asked(line) for one in wanted for line in one.lines]
    currency, quoted = await peers.quote(principal, customer.customer_id, asked)
    if any(line.is_marketplace for line in quoted):
        raise MarketplaceError
    # Nothing was locked while billing was asked; from here on association and grant stay.
    customer = _orderable(await hold_association(session, customer_id), principal)
    await hold_authorization(session, customer)
    if currency != customer.currency:
        raise OutsideError(f"priced in {currency}, the customer pays in {customer.currency}")
    prices = iter(quoted)
    orders = [
        _order(customer, one, list(islice(prices, len(one.lines))), principal, now, position)
        for position, one in enumerate(wanted)
    ]
    session.add_all(orders)
    await session.flush()
    for order in orders:
        about = {"customer_id": order.customer_id, "amount": str(order.amount_after_discount)}
        audit.record(session, principal, "order.place", order.order_id, now, **about)
        publish(session, order_fact(OrderCreated, order, now))
    return orders


def new_order_id(now: datetime) -> str:
    """`CS`, the instant to the microsecond in UTC, six random digits: sorts by time."""
    return f"CS{now.astimezone(UTC):%y%m%d%H%M%S%f}{secrets.randbelow(10**6):06}"


async def _customer(session: AsyncSession, principal: Principal, customer_id: str) -> Customer:
    if not principal.is_partner:
        raise WrongPrincipalError
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


def _asked(line: LineWanted) -> dict[str, Any]:
    """The line as billing reads it; amounts travel as text."""
    asked = line.model_dump()
    if line.measure_size is not None:
        asked["measure_size"] = format(line.measure_size, "f")
    return asked


def _order(
    customer: Customer,
    wanted: BatchedOrder | OrderWanted,
    quoted: Sequence[QuotedLine],
    principal: Principal,
    now: datetime,
    position: int,
) -> Order:
    """`position` in its batch: ids of one instant sort as the orders were asked for."""
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
        coupon_amount=Decimal("0.00"),
        flexipurchase_coupon_amount=Decimal("0.00"),
        is_combined=len({line.service_type_code for line in wanted.lines}) > 1,
        placed_by=principal.operator_id or principal.id,
        created_at=now,
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
        service_type_name=quoted.service_type_name,
        resource_type_name=quoted.resource_type_name,
        official_amount=quoted.official_amount,
        discount_amount=quoted.discount_amount,
        amount_after_discount=quoted.amount_after_discount,
        **wanted.model_dump(),
    )


def _name_members(order: Order, now: datetime) -> None:
    """A combined order has one member order for each service in it (docs/domain/orders.md B.5)."""
    members: defaultdict[str, str] = defaultdict(lambda: new_order_id(now))
    for line in order.lines:
        line.member_order_id = members[line.service_type_code]
