"""Exports as far as they are made, their parts, and how one is stopped."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.exports.facts import export_finished
from billing.exports.models import (
    READY,
    Export,
    ExportNotFoundError,
    ExportPart,
    PartsNotReadyError,
)
from billing.files.keep_pieces import read_pieces
from chassis import audit, outbox
from chassis.cursors import cursor_after, keys_after
from chassis.database import Database
from chassis.identity import Principal
from wire.types import NativeQuery

EXPORTS = "exports"
PAGE_MAX = 100


class ListExports(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    status: Literal["queued", "running", "ready", "failed", "cancelled", "expired"] | None = None
    cycle: str | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=PAGE_MAX)


async def find_export(
    session: AsyncSession, principal: Principal, export_id: str, *, lock: bool = False
) -> Export:
    """A partner's own; the administrator sees all.

    Raises:
        ExportNotFoundError

    """
    wanted = select(Export).where(Export.export_id == export_id)
    if not principal.is_administrator:
        wanted = wanted.where(Export.partner_id == principal.partner_id)
    export: Export | None = await session.scalar(wanted.with_for_update() if lock else wanted)
    if export is None:
        raise ExportNotFoundError
    return export


async def list_exports(
    session: AsyncSession, principal: Principal, query: ListExports
) -> tuple[Sequence[Export], str | None]:
    """The newest first; their ids sort by the time they were asked for."""
    wanted = select(Export).order_by(Export.export_id.desc()).limit(query.limit + 1)
    if not principal.is_administrator:
        wanted = wanted.where(Export.partner_id == principal.partner_id)
    if query.status is not None:
        wanted = wanted.where(Export.status == query.status)
    if query.cycle is not None:
        wanted = wanted.where(Export.cycle == query.cycle)
    if query.after is not None:
        wanted = wanted.where(Export.export_id < keys_after(EXPORTS, query.after)[0])
    found = (await session.scalars(wanted)).all()
    page = found[: query.limit]
    return page, cursor_after(EXPORTS, page[-1].export_id) if len(found) > query.limit else None


async def parts_of(session: AsyncSession, export: Export) -> Sequence[ExportPart]:
    """The files that are ready to be fetched."""
    if export.status != READY:
        return []
    wanted = select(ExportPart).where(ExportPart.export_id == export.export_id)
    return (await session.scalars(wanted.order_by(ExportPart.number))).all()


async def find_part(
    session: AsyncSession, principal: Principal, export_id: str, number: int
) -> ExportPart:
    """One of its files.

    Raises:
        ExportNotFoundError, PartsNotReadyError

    """
    export = await find_export(session, principal, export_id)
    if export.status != READY:
        raise PartsNotReadyError(f"the export is {export.status}")
    part = await session.get(ExportPart, (export_id, number))
    if part is None:
        raise ExportNotFoundError
    return part


def content_of(database: Database, principal: Principal, part: ExportPart) -> AsyncIterator[bytes]:
    """The file's bytes, read while they are sent."""
    return read_pieces(database, principal, part.file_id)


async def stop_export(
    session: AsyncSession, principal: Principal, export_id: str, now: datetime
) -> Export:
    """Make no further portion.

    Raises:
        ExportNotFoundError, ExportNotRunningError

    """
    export = await find_export(session, principal, export_id, lock=True)
    was_under_way = export.is_under_way
    export.cancel(now)
    if was_under_way:
        outbox.publish(session, export_finished(export, now))
        audit.record(session, principal, "export.stop", export_id, now)
    return export
