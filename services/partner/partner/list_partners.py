"""The administrator's list of partner accounts, in pages by id."""

from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from partner.models import Partner
from wire.types import NativeQuery

PAGE_PARTNERS = 50
PARTNERS = "partners"
PAGE_PARTNERS_MAX = 200


class ListPartners(NativeQuery):
    """Filters; `after` is the `next` of the page before."""

    kind: Literal["solution_provider", "distributor", "reseller", "government"] | None = None
    status: Literal["active", "restricted", "delisted"] | None = None
    distributor_id: str | None = Field(None, max_length=64)
    account_name: str | None = Field(None, max_length=64)
    after: str | None = None
    limit: int = Field(PAGE_PARTNERS, ge=1, le=PAGE_PARTNERS_MAX)


async def list_partners(
    session: AsyncSession, wanted: ListPartners
) -> tuple[list[Partner], str | None]:
    """The page's accounts, and the cursor of the next page (None: this is the last)."""
    query = select(Partner).order_by(Partner.partner_id).limit(wanted.limit + 1)
    for column in (Partner.kind, Partner.status, Partner.distributor_id, Partner.account_name):
        value = getattr(wanted, column.key)
        if value is not None:
            query = query.where(column == value)
    if wanted.after is not None:
        query = query.where(Partner.partner_id > keys_after(PARTNERS, wanted.after)[0])
    found = list(await session.scalars(query))
    page = found[: wanted.limit]
    more = len(found) > wanted.limit
    return page, cursor_after(PARTNERS, page[-1].partner_id) if more else None
