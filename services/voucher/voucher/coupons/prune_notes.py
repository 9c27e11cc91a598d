"""Notes of coupons leave when they are old: whoever tries without end fills no disk."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from chassis.database import Database
from chassis.schedules import Work
from voucher.coupons.coupon_notes import CouponNote

EVERY_SECONDS = 3600.0
NOTES_AT_ONCE = 5000


def prune_notes(keep_days: int) -> Work:
    """Schedule's work, by business time, as notes are written."""

    async def prune(database: Database, now: datetime) -> None:
        before = now - timedelta(days=keep_days)
        while await _prune_portion(database, before) == NOTES_AT_ONCE:
            pass

    return prune


async def _prune_portion(database: Database, before: datetime) -> int:
    old = (
        select(CouponNote.id)
        .where(CouponNote.at < before)
        .order_by(CouponNote.at)
        .limit(NOTES_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    async with database.transaction() as session:
        ids = (await session.scalars(old)).all()
        await session.execute(delete(CouponNote).where(CouponNote.id.in_(ids)))
    return len(ids)
