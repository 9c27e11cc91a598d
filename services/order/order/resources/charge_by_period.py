"""Carry out a paid conversion: what was used on demand is paid for a period from now on."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from order.orders.models import Order
from order.resources.facts import resource_converted
from order.resources.lock_pieces import lock_pieces
from order.resources.models import Piece
from order.resources.paid_periods import coupons_by_line, paid_period, part_of_coupons
from order.resources.periods import expiry_of


async def charge_by_period(
    session: AsyncSession, order: Order, pieces: Sequence[Piece], now: datetime
) -> None:
    """The resources keep their ids; each is stated."""
    resources = await lock_pieces(session, pieces)
    lines = {line.line_id: line for line in order.lines}
    coupons = await coupons_by_line(session, order)
    for piece in pieces:
        line, resource = lines[piece.line_id], resources[piece.resource_id]
        if line.period_type is None or line.period_num is None:
            raise ValueError(f"{line.line_id} pays for no period")
        line.effective_at = now
        line.expire_at = expiry_of(now, line.period_type, line.period_num)
        period = paid_period(order, line, 1, now, line.expire_at)
        period.coupons = part_of_coupons(coupons.get(line.line_id, []), line, 1)
        resource.become_period(period, now)
        outbox.publish(session, resource_converted(resource, now))
