"""Make exports: portion by portion, each committed with the place where the next one begins.

A process that was killed leaves its lease; whoever takes it goes on behind the last portion. Two
that make the same portion cannot both commit it: the second finds that the export has gone on.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.exports.facts import export_finished
from billing.exports.made import Made
from billing.exports.models import QUEUED, READY, RUNNING, Export, ExportPart
from billing.exports.portions import MAKERS
from billing.exports.read_lines import PORTION_ROWS, count_lines
from billing.files.keep_pieces import Owner, append_pieces, digest_pieces
from chassis import outbox
from chassis.business_clock import BusinessNow
from chassis.crash import crash_point
from chassis.database import Database
from chassis.leased_work import LeasedWork

KEPT = timedelta(days=7)


class Exports(LeasedWork[Export]):
    """All exports; one that was stopped is lost to whoever makes it."""

    rows = Export
    to_do = (QUEUED, RUNNING)

    def __init__(self, database: Database, clock: BusinessNow, portion_rows: int = PORTION_ROWS):
        super().__init__(database, clock)
        self._rows = portion_rows
        self.on_ready: Callable[[], None] = lambda: None  # what deliveries wait for

    def begin(self, found: Export, now: datetime) -> None:
        """It is made."""
        found.status = RUNNING
        found.started_at = found.started_at or now

    async def go_on(self, found: Export) -> None:
        """Portion by portion, then the digests."""
        if found.rows_total is None:
            total = await count_lines(self.database, found)
            async with self.database.transaction() as session:
                await session.execute(
                    self.mine(found).values(rows_total=total, version=Export.version + 1)
                )
            found.rows_total = total
        maker = MAKERS[found.format](self.database, found, self._rows)
        while not found.is_whole:
            with await maker.make() as made:
                crash_point("billing.portion_made")
                await self._keep_portion(found, made)
            crash_point("billing.portion_kept")
        await self._finish(found)

    async def on_failure(self, session: AsyncSession, row: Export, now: datetime) -> None:
        """It is finished, too."""
        row.failure = "CBC.0999"
        outbox.publish(session, export_finished(row, now))

    async def _keep_portion(self, export: Export, made: Made) -> None:
        """The portion and the place where the next one begins, together."""
        async with self.database.transaction() as session:
            await self.step(
                session,
                export,
                Export.portion == export.portion,
                portion=export.portion + 1,
                after=made.after,
                is_whole=made.is_last,
                rows_done=Export.rows_done + made.rows,
            )
            if made.contents:
                await _append(session, export, made)
        export.portion += 1
        export.after, export.rows_done = made.after, export.rows_done + made.rows
        export.is_whole = made.is_last

    async def _finish(self, export: Export) -> None:
        """The files are whole: their digests, and the fact."""
        async with self.database.transaction() as session:
            parts = (
                await session.scalars(
                    select(ExportPart).where(ExportPart.export_id == export.export_id)
                )
            ).all()
        digests = {part.number: await digest_pieces(self.database, part.file_id) for part in parts}
        now = await self.clock()
        async with self.database.transaction() as session:
            found = await self.hold(session, export)
            for number, digest in digests.items():
                part = await session.get_one(ExportPart, (export.export_id, number))
                part.sha256 = digest
            found.end(READY, now)
            found.expires_at = now + KEPT
            outbox.publish(session, export_finished(found, now))
        self.on_ready()


async def _append(session: AsyncSession, export: Export, made: Made) -> None:
    """Put what was made behind what its part has."""
    part = await session.get(ExportPart, (export.export_id, made.part))
    if part is None:
        part = ExportPart(
            export_id=export.export_id, number=made.part, partner_id=export.partner_id,
            distributor_id=export.distributor_id, file_name=made.file_name,
            media_type=made.media_type, rows=0, pieces=0, bytes=0,
        )  # fmt: skip
        session.add(part)
    owner = Owner(export.partner_id, export.distributor_id)
    for content in made.contents:
        part.pieces, size = await append_pieces(session, owner, part.file_id, part.pieces, content)
        part.bytes += size
    part.rows += made.rows
