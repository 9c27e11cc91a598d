"""Old rows leave in small portions, so that pruning locks nobody out."""

from datetime import datetime, timedelta

from sqlalchemy import text

from chassis.database import Database
from chassis.schedules import Work

PORTION_ROWS = 5000

_PRUNE_INBOX = text("""
    DELETE FROM inbox WHERE (consumer, event_id) IN (
        SELECT consumer, event_id FROM inbox WHERE received_at < :before
        ORDER BY received_at LIMIT :portion FOR UPDATE SKIP LOCKED)
""")


def prune_inbox(keep_days: int) -> Work:
    """Schedule's work: forget event ids older than the streams' retention."""

    async def prune(database: Database, now: datetime) -> None:
        before = now - timedelta(days=keep_days)
        deleted = PORTION_ROWS
        while deleted == PORTION_ROWS:
            async with database.transaction() as session:
                result = await session.execute(
                    _PRUNE_INBOX, {"before": before, "portion": PORTION_ROWS}
                )
                deleted = result.rowcount  # type: ignore[attr-defined]

    return prune
