"""Carry out a paid change: each of its resources becomes the product that was paid."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from order.orders.models import Order
from order.resources.facts import resource_changed
from order.resources.lock_pieces import lock_pieces
from order.resources.models import Piece
from order.resources.paid_periods import coupons_by_line, paid_period, part_of_coupons
from order.resources.product import Product


async def change_resources(
    session: AsyncSession, order: Order, pieces: Sequence[Piece], now: datetime
) -> None:
    """What it costs more is paid from the instant of the price to the end of that period."""
    resources = await lock_pieces(session, pieces)
    lines = {line.line_id: line for line in order.lines}
    coupons = await coupons_by_line(session, order)
    for piece in pieces:
        line, resource = lines[piece.line_id], resources[piece.resource_id]
        if line.effective_at is None:
            raise ValueError(f"{line.line_id} changes nothing")
        period = paid_period(order, line, 1, line.effective_at, line.expire_at)
        period.coupons = part_of_coupons(coupons.get(line.line_id, []), line, 1)
        period.base_period_id = resource.periods_at(line.effective_at)[0].period_id
        resource.periods.append(period)
        product = Product(
            product_id=line.product_id,
            product_spec_desc=line.product_spec_desc,
            resource_spec_code=line.resource_spec_code,
            measure_size=None if line.size_measure_id is None else line.measure_size,
            size_measure_id=line.size_measure_id,
        )
        resource.become(product)
        resource.changed_by(order.order_id, now)
        outbox.publish(session, resource_changed(resource, now))
