"""Open what a purchase bought: a resource for each piece, with the period that is paid for."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.order import CouponUse
from order.orders.models import Order, OrderLine
from order.resources.ends import first_notice
from order.resources.facts import resource_opened
from order.resources.models import Piece, Resource
from order.resources.open_packages import open_package_of
from order.resources.paid_periods import coupons_by_line, paid_period, part_of_coupons
from order.resources.periods import expiry_of
from wire.vocabulary import ChargingMode

PERIOD = ChargingMode.PERIOD
# status codes of period and of on-demand resources (docs/domain/resources.md B.6)
IN_USE, NORMAL = 2, 1
NAME_DIGITS = 4  # bytes of randomness behind a resource's name


async def open_resources(
    session: AsyncSession, order: Order, pieces: Sequence[Piece], now: datetime
) -> None:
    """The pieces' resources are in use from now on; each is stated."""
    lines = {line.line_id: line for line in order.lines}
    coupons = await coupons_by_line(session, order)
    for piece in pieces:
        line = lines[piece.line_id]
        if line.package is not None:
            open_package_of(session, order, line, piece, coupons, now)
            continue
        if line.effective_at is None:
            line.effective_at, line.expire_at = now, _expiry(line, now)
        resource = resource_of(order, line, piece, coupons.get(line.line_id, []), now)
        resource.open(now)
        session.add(resource)
        outbox.publish(session, resource_opened(resource, now))


def resource_of(
    order: Order, line: OrderLine, piece: Piece, coupons: Sequence[CouponUse], now: datetime
) -> Resource:
    """What the piece is, opened now, with the period that is paid for."""
    kind = line.resource_type_code.rpartition(".")[2]
    expire_at = _expiry(line, now)
    resource = Resource(
        resource_id=piece.resource_id,
        resource_name=f"{kind}-{secrets.token_hex(NAME_DIGITS)}",
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        order_id=order.order_id,
        line_id=line.line_id,
        currency=order.currency,
        main_resource_id=piece.main_resource_id,
        product_id=line.product_id,
        service_type_code=line.service_type_code,
        service_type_name=line.service_type_name,
        resource_type_code=line.resource_type_code,
        resource_type_name=line.resource_type_name,
        resource_spec_code=line.resource_spec_code,
        product_spec_desc=line.product_spec_desc,
        region_code=line.region_code,
        measure_size=line.measure_size,
        size_measure_id=line.size_measure_id,
        charging_mode=line.charging_mode,
        status=IN_USE if line.charging_mode == PERIOD else NORMAL,
        effective_at=now,
        expire_at=expire_at,
        expire_policy=0,
        notice_at=first_notice(expire_at),
        updated_at=now,
        version=1,
    )
    if line.charging_mode == PERIOD:
        period = paid_period(order, line, piece.number, now, expire_at)
        period.coupons = part_of_coupons(coupons, line, piece.number)
        resource.periods = [period]
    return resource


def _expiry(line: OrderLine, now: datetime) -> datetime | None:
    if line.charging_mode != PERIOD or line.period_type is None or line.period_num is None:
        return None
    return expiry_of(now, line.period_type, line.period_num)
