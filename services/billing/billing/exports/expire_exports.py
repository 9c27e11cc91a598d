"""Forget the files of exports that are a week old, and of those that were given up."""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.exports.models import CANCELLED, EXPIRED, FAILED, READY, Export, ExportPart
from billing.files.keep_pieces import forget_pieces
from chassis.database import Database

PARTS_AT_ONCE = 20


async def next_expiry(session: AsyncSession) -> datetime | None:
    """When the next export's files are to be forgotten."""
    found: datetime | None = await session.scalar(
        select(func.min(Export.expires_at)).where(Export.status == READY)
    )
    return found


async def expire_exports(database: Database, now: datetime) -> None:
    """Schedule: an export is said to be expired before its files go."""
    async with database.transaction() as session:
        await session.execute(
            update(Export)
            .where(Export.status == READY, Export.expires_at <= now)
            .values(status=EXPIRED, version=Export.version + 1)
        )
    while parts := await _parts_to_forget(database):
        for part in parts:
            await forget_pieces(database, part.file_id)
            async with database.transaction() as session:
                await session.execute(
                    delete(ExportPart).where(
                        ExportPart.export_id == part.export_id, ExportPart.number == part.number
                    )
                )


async def _parts_to_forget(database: Database) -> list[ExportPart]:
    async with database.transaction() as session:
        found = await session.scalars(
            select(ExportPart)
            .join(Export, Export.export_id == ExportPart.export_id)
            .where(Export.status.in_((CANCELLED, FAILED, EXPIRED)))
            .limit(PARTS_AT_ONCE)
        )
        return list(found)
