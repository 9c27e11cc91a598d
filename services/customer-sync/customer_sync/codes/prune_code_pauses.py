"""Phones and mailboxes are not kept for longer than their pause can matter."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from chassis.database import Database
from customer_sync.codes.models import CodePause

PRUNE_SECONDS = 600.0
KEPT = timedelta(days=1)  # as long as a pause may be set at most
PORTION_ROWS = 1000


async def prune_code_pauses(database: Database, now: datetime) -> None:
    """Schedule. Oldest first, in portions; a pause that is beginning again is left alone."""
    while await _prune_portion(database, now - KEPT) == PORTION_ROWS:
        pass


async def _prune_portion(database: Database, before: datetime) -> int:
    over = (
        select(CodePause.receiver)
        .where(CodePause.sent_at < before)
        .order_by(CodePause.sent_at)
        .limit(PORTION_ROWS)
        .with_for_update(skip_locked=True)
    )
    async with database.transaction() as session:
        gone = await session.scalars(
            delete(CodePause).where(CodePause.receiver.in_(over)).returning(CodePause.receiver)
        )
        return len(gone.all())
