"""Events leave the feed after their time, oldest first, in bounded portions."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update

from chassis.database import Database
from gateway.feed.models import FeedHorizon
from gateway.portfolio.models import FeedRow

KEPT_DAYS = 30
PORTION_EVENTS = 5000


async def prune_events(database: Database, now: datetime) -> None:
    """Schedule. The horizon moves in the transaction that deletes, so no reader misses a gap."""
    before = now - timedelta(days=KEPT_DAYS)
    while await _prune_portion(database, before) == PORTION_EVENTS:
        pass


async def _prune_portion(database: Database, before: datetime) -> int:
    oldest = (
        select(FeedRow.position, FeedRow.arrived_at)
        .order_by(FeedRow.position)
        .limit(PORTION_EVENTS)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    expired = select(oldest.c.position).where(oldest.c.arrived_at < before)
    async with database.transaction() as session:
        gone = await session.scalars(
            delete(FeedRow).where(FeedRow.position.in_(expired)).returning(FeedRow.position)
        )
        positions = gone.all()
        if positions:
            reached = func.greatest(FeedHorizon.pruned_through, max(positions))
            await session.execute(update(FeedHorizon).values(pruned_through=reached))
        return len(positions)
