"""A piece of a package product opens a package in place of a resource.

See docs/domain/resources.md H.13.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.order import CouponUse, PackageOpened
from order.orders.models import Order, OrderLine
from order.packages.facts import package_fact
from order.packages.open_package import begin_of, open_package
from order.resources.models import Piece
from order.resources.paid_periods import paid_period, part_of_coupons
from order.resources.periods import expiry_of


def open_package_of(
    session: AsyncSession,
    order: Order,
    line: OrderLine,
    piece: Piece,
    coupons: Mapping[str, Sequence[CouponUse]],
    now: datetime,
) -> None:
    """Open and state it; the piece's id is the package's, and what paid the piece paid it."""
    begin_at = begin_of(line.package or {}, now)
    expire_at = None
    if line.period_type is not None and line.period_num is not None:
        expire_at = expiry_of(begin_at, line.period_type, line.period_num)
    if expire_at is None:
        raise ValueError(f"{line.line_id}: a package is bought for a period")
    if line.effective_at is None:
        line.effective_at, line.expire_at = begin_at, expire_at
    part = paid_period(order, line, piece.number, begin_at, expire_at)
    paid = {
        "official_amount": part.official_amount,
        "coupon_amount": part.coupon_amount,
        "flexipurchase_coupon_amount": part.flexipurchase_coupon_amount,
        "stored_card_amount": part.stored_card_amount,
        "cash_amount": part.cash_amount,
        "credit_amount": part.credit_amount,
        "coupons": part_of_coupons(coupons.get(line.line_id, []), line, piece.number),
        "payer_id": part.payer_id,
    }
    package = open_package(order, line, piece.resource_id, paid, expire_at, now)
    session.add(package)
    outbox.publish(session, package_fact(PackageOpened, package, now))
