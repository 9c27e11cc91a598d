"""Take a file of usage."""

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.files.sent import AnnounceFile, announced
from billing.ingest.models import UsageFile, UsageFileNotFoundError
from chassis import audit
from chassis.identity import Principal
from chassis.ids import new_id


class ReceiveUsage(AnnounceFile):
    """The body of POST /api/usage-files: a CSV, gzipped or not, or a gzipped tar of several.

    `keep`: with rows that are refused, the others are charged (`valid`), or nothing is (`all`).
    """

    keep: Literal["valid", "all"]


async def announce_file(
    session: AsyncSession, principal: Principal, wanted: ReceiveUsage, now: datetime
) -> UsageFile:
    """Expect its parts."""
    found = UsageFile(
        file_id=new_id(),
        partner_id=principal.partner_id,
        keep=wanted.keep,
        is_checked=False,
        rows_read=0,
        rows_charged=0,
        rows_known=0,
        rows_refused=0,
        **announced(wanted, now),
    )
    session.add(found)
    audit.record(session, principal, "usage_file.send", found.file_id, now, keep=wanted.keep)
    return found


async def find_file(session: AsyncSession, file_id: str, *, lock: bool = False) -> UsageFile:
    """The file; UsageFileNotFoundError. Only the administrator comes so far."""
    wanted = select(UsageFile).where(UsageFile.file_id == file_id)
    found: UsageFile | None = await session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise UsageFileNotFoundError
    return found
