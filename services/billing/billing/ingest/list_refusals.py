"""The refused rows of a file, in the file's order."""

from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ingest.models import UsageRefusal
from billing.ingest.receive_file import find_file
from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from wire.types import NativeQuery

REFUSALS = "usage-refusals"
LIMIT_MAX = 1000


class ListRefusals(NativeQuery):
    """The query of GET /api/usage-files/{file_id}/refusals."""

    after: str | None = None
    limit: int = Field(default=100, ge=1, le=LIMIT_MAX)


async def list_refusals(
    session: AsyncSession, file_id: str, query: ListRefusals
) -> tuple[Sequence[UsageRefusal], str | None]:
    """A page and where the next one begins; UsageFileNotFoundError."""
    await find_file(session, file_id)
    wanted = select(UsageRefusal).where(UsageRefusal.file_id == file_id)
    if query.after is not None:
        [number] = keys_after(REFUSALS, query.after)
        if not number.isdecimal():
            raise BadFieldError("after", "not a cursor of this list")
        wanted = wanted.where(UsageRefusal.number > int(number))
    rows = await session.scalars(wanted.order_by(UsageRefusal.number).limit(query.limit + 1))
    found = rows.all()
    page = found[: query.limit]
    more = cursor_after(REFUSALS, str(page[-1].number)) if len(found) > query.limit else None
    return page, more
