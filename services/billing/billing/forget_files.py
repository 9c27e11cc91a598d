"""Forget what was sent and is read no more: a schedule.

A file that is refused or done leaves its pieces at once; what a failure or a kill left of them goes
here, and so do the rows of a vendor's bill, of which each difference holds its own.
"""

from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.files.keep_pieces import forget_pieces
from billing.files.models import FilePiece
from billing.files.refusal import FileRefusedError
from billing.files.sent import RECEIVING, SentColumns
from billing.ingest.models import PIECES as USAGE
from billing.ingest.models import UsageFile
from billing.reconciliation.facts import reconciliation_finished
from billing.reconciliation.models import PIECES as BILLS
from billing.reconciliation.models import Reconciliation, VendorRow
from chassis import outbox
from chassis.database import Database

SENT_WITHIN_DAYS = 7  # from its announcement on; what is not whole then is refused
KEPT_DAYS = 30  # after its end: what was sent, and the rows that were read of it
FILES_AT_ONCE = 20
ROWS_AT_ONCE = 5_000
_LATE = FileRefusedError(f"was not whole within {SENT_WITHIN_DAYS} days")

F = TypeVar("F", bound=SentColumns)


async def forget_files(database: Database, now: datetime) -> None:
    """In bounded portions; begun again, it goes on."""
    has_pieces = exists().where(FilePiece.file_id == USAGE + UsageFile.file_id)
    await _forget_sent(database, UsageFile, has_pieces, now)
    has_pieces = exists().where(FilePiece.file_id == BILLS + Reconciliation.reconciliation_id)
    await _forget_sent(database, Reconciliation, has_pieces, now)
    has_rows = exists().where(VendorRow.reconciliation_id == Reconciliation.reconciliation_id)
    while found := await _ended(database, Reconciliation, has_rows, now):
        for one in found:
            await _forget_rows(database, one.reconciliation_id)


async def _forget_sent(
    database: Database, kind: type[F], has_pieces: ColumnElement[bool], now: datetime
) -> None:
    while await _refuse_late(database, kind, now):
        pass
    while some := await _ended(database, kind, has_pieces, now):
        for one in some:
            await forget_pieces(database, one.pieces_id)


async def _refuse_late(database: Database, kind: type[F], now: datetime) -> bool:
    """Whether there was one that nobody sends the rest of."""
    async with database.transaction() as session:
        late = await session.scalars(
            select(kind)
            .where(
                kind.status == RECEIVING, kind.created_at <= now - timedelta(days=SENT_WITHIN_DAYS)
            )
            .limit(FILES_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        found = late.all()
        for one in found:
            one.refuse(_LATE, now)
            if isinstance(one, Reconciliation):
                outbox.publish(session, reconciliation_finished(one, 0, 0, now))
    for one in found:
        await forget_pieces(database, one.pieces_id)
    return bool(found)


async def _ended(
    database: Database, kind: type[F], has: ColumnElement[bool], now: datetime
) -> list[F]:
    """Some that ended long ago, and still have what is to be forgotten."""
    async with database.transaction() as session:
        found = await session.scalars(
            select(kind)
            .where(kind.ended_at <= now - timedelta(days=KEPT_DAYS), has)
            .limit(FILES_AT_ONCE)
        )
        return list(found)


async def _forget_rows(database: Database, reconciliation_id: str) -> None:
    gone = ROWS_AT_ONCE
    while gone == ROWS_AT_ONCE:
        async with database.transaction() as session:
            gone = await _forget_some(session, reconciliation_id)


async def _forget_some(session: AsyncSession, reconciliation_id: str) -> int:
    some = (
        select(VendorRow.number)
        .where(VendorRow.reconciliation_id == reconciliation_id)
        .order_by(VendorRow.number)
        .limit(ROWS_AT_ONCE)
    )
    removed = await session.execute(
        delete(VendorRow)
        .where(VendorRow.reconciliation_id == reconciliation_id, VendorRow.number.in_(some))
        .returning(VendorRow.number)
        .execution_options(synchronize_session=False)
    )
    return len(removed.all())
