"""What a service noted of who did what."""

from sqlalchemy import select

from chassis.database import Database
from chassis.tables import AuditEntry


async def deeds(database: Database) -> list[tuple[str, str]]:
    """Action and subject of each entry, oldest first."""
    entries = select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)
    async with database.transaction() as session:
        return [(action, subject) for action, subject in await session.execute(entries)]
