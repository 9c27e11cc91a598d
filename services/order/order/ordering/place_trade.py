"""Place an order about resources that there are: priced, recorded, to be paid (decision 0100)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies, outbox
from chassis.errors import OutsideError
from chassis.identity import Principal
from contracts.order import OrderCreated
from order.authorizations import hold_authorization, require_authorization
from order.copies import Customer
from order.ordering.refusals import BeingProcessedError, ResourceMissingError
from order.ordering.trades import PlacedBy, PlannedLine, Priced, Trade
from order.orders.discounts import carry_discount
from order.orders.facts import order_fact
from order.orders.find_order import CustomerFrozenError, hold_association
from order.orders.models import PENDING, Order, OrderLine
from order.orders.offers import keep_offers, named_discount
from order.orders.place_order import new_order_id
from order.peers import Peers, QuotedLine
from wire.vocabulary import ChargingMode


async def price_trade(
    session: AsyncSession, peers: Peers, principal: Principal, trade: Trade, now: datetime
) -> tuple[Sequence[PlannedLine], Priced]:
    """What would be ordered, and what it costs; nothing is written.

    Raises:
        The refusals of the trade's plan and price.

    """
    planned = await trade.plan(session, now, lock=False)
    return planned, await trade.price(peers, principal, planned)


async def check_trade(session: AsyncSession, trade: Trade, now: datetime) -> None:
    """Refuse as placing it does, but for what billing would say; nothing is changed."""
    _trading(await hold_association(session, trade.customer_id))
    await trade.plan(session, now, lock=False)


async def place_trade(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    trade: Trade,
    by: PlacedBy,
    now: datetime,
) -> Order:
    """All of the resources or none; the order waits for payment, or is settled at once.

    Raises:
        NotAuthorizedError, CustomerFrozenError, the refusals of the trade; OutsideError: billing
        is silent.

    """
    # As it was read last, or now: it is locked, read and judged again behind the price.
    known = _trading(
        await copies.until(session, lambda asked: asked.get(Customer, trade.customer_id))
    )
    if trade.on_behalf:
        await require_authorization(session, known)
    planned, priced = await price_trade(session, peers, principal, trade, now)
    customer, locked = await _hold_planned(session, trade, planned, priced, now)
    settled = await trade.settle_at_once(session, customer, locked, priced, by, now)
    if settled is not None:
        return settled
    return await _record(session, trade, customer, locked, priced, by, now)


async def _hold_planned(
    session: AsyncSession,
    trade: Trade,
    planned: Sequence[PlannedLine],
    priced: Priced,
    now: datetime,
) -> tuple[Customer, Sequence[PlannedLine]]:
    """Lock customer, grant and resources, which are what they were when the price was asked.

    Raises:
        BeingProcessedError: one of them was renewed, shortened or changed meanwhile.

    """
    customer = _trading(await hold_association(session, trade.customer_id))
    if trade.on_behalf:
        await hold_authorization(session, customer)
    currency = priced.quote.currency
    if currency != customer.currency:
        raise OutsideError(f"priced in {currency}, the customer pays in {customer.currency}")
    locked = await trade.plan(session, now, lock=True)
    if [one.promised for one in locked] != [one.promised for one in planned]:
        raise BeingProcessedError
    return customer, locked


async def _record(
    session: AsyncSession,
    trade: Trade,
    customer: Customer,
    planned: Sequence[PlannedLine],
    priced: Priced,
    by: PlacedBy,
    now: datetime,
) -> Order:
    """The order with its offers, stated; the resources are locked."""
    order = trade_order(trade, customer, planned, priced.quote.lines, by, now)
    session.add(order)
    await session.flush()
    offers = keep_offers(session, [order], priced.quote.offers)
    named = named_discount(trade.discount_id, trade.contract_id, offers[order.order_id])
    if named is not None:
        carry_discount(order, named)
    outbox.publish(session, order_fact(OrderCreated, order, now))
    return order


def _trading(customer: Customer | None) -> Customer:
    if customer is None or not customer.is_resale_of(customer.partner_id):
        raise ResourceMissingError
    if customer.is_frozen:
        raise CustomerFrozenError("the customer is frozen")
    return customer


def trade_order(
    trade: Trade,
    customer: Customer,
    planned: Sequence[PlannedLine],
    quoted: Sequence[QuotedLine],
    by: PlacedBy,
    now: datetime,
) -> Order:
    """Not kept yet. One line for each resource; several main resources make a combined order."""
    named = {one.resource.resource_id for one in planned}
    mains = [one.resource for one in planned if one.resource.main_resource_id not in named]
    order = Order(
        order_id=new_order_id(now),
        customer_id=customer.customer_id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        status=PENDING,
        order_type=trade.order_type,
        source_type=by.source_type,
        currency=customer.currency,
        service_type_code=mains[0].service_type_code,
        service_type_name=quoted[0].service_type_name,
        official_amount=sum((q.official_amount for q in quoted), Decimal("0.00")),
        discount_amount=sum((q.discount_amount for q in quoted), Decimal("0.00")),
        amount_after_discount=sum((q.amount_after_discount for q in quoted), Decimal("0.00")),
        granted_discount_amount=Decimal("0.00"),
        coupon_discount_amount=Decimal("0.00"),
        coupon_amount=Decimal("0.00"),
        flexipurchase_coupon_amount=Decimal("0.00"),
        is_combined=len(mains) > 1,
        placed_by=by.account,
        user_name=by.login_name,
        created_at=now,
        pay_before=trade.latest_payment(planned),
        provisioning_seconds=0,
        updated_at=now,
        version=1,
    )
    order.make_payable(now)
    members = {
        main.resource_id: new_order_id(now + timedelta(microseconds=number))
        for number, main in enumerate(mains, start=1)
    }
    positions: dict[str, int] = {}
    for number, (one, price) in enumerate(zip(planned, quoted, strict=True), start=1):
        line = _line(order, number, one, price)
        main_id = one.resource.main_resource_id or ""
        if trade.attaches:
            line.attach_to = positions.get(main_id)
        if order.is_combined:
            line.member_order_id = members.get(main_id) or members[one.resource.resource_id]
        positions[one.resource.resource_id] = number
        order.lines.append(line)
    return order


def _line(order: Order, number: int, planned: PlannedLine, quoted: QuotedLine) -> OrderLine:
    resource = planned.resource
    return OrderLine(
        line_id=f"{order.order_id}-{number:06}",
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        position=number,
        resource_id=resource.resource_id,
        product_id=quoted.product_id,
        service_type_code=resource.service_type_code,
        service_type_name=quoted.service_type_name,
        resource_type_code=resource.resource_type_code,
        resource_type_name=quoted.resource_type_name,
        resource_spec_code=planned.resource_spec_code,
        product_spec_desc=quoted.product_spec_desc,
        region_code=resource.region_code,
        charging_mode=ChargingMode.PERIOD,
        period_type=planned.period_type,
        period_num=planned.period_num,
        extra_days=planned.extra_days,
        quantity=1,
        measure_size=planned.measure_size,
        size_measure_id=quoted.size_measure_id,
        official_amount=quoted.official_amount,
        discount_amount=quoted.discount_amount,
        amount_after_discount=quoted.amount_after_discount,
        granted_discount_amount=Decimal("0.00"),
        coupon_discount_amount=Decimal("0.00"),
        effective_at=planned.effective_at,
        expire_at=planned.expire_at,
    )
