"""The administrator's list of partner accounts, in pages by id."""

from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from partner.models import Partner
from wire.types import WireQuery

PAGE_PARTNERS = 50
PAGE_PARTNERS_MAX = 200


class PartnersWanted(WireQuery):
    """Filters; `after` is the `next_after` of the page before."""

    kind: Literal["solution_provider", "distributor", "reseller", "government"] | None = None
    status: Literal["active", "restricted", "delisted"] | None = None
    distributor_id: str | None = Field(None, max_length=64)
    account_name: str | None = Field(None, max_length=64)
    after: str | None = Field(None, max_length=64)
    limit: int = Field(PAGE_PARTNERS, ge=1, le=PAGE_PARTNERS_MAX)


async def list_partners(
    session: AsyncSession, wanted: PartnersWanted
) -> tuple[list[Partner], str | None]:
    """The page's accounts, and after which id the next page starts (None: this is the last)."""
    query = select(Partner).order_by(Partner.partner_id).limit(wanted.limit + 1)
    for column in (Partner.kind, Partner.status, Partner.distributor_id, Partner.account_name):
        value = getattr(wanted, column.key)
        if value is not None:
            query = query.where(column == value)
    if wanted.after is not None:
        query = query.where(Partner.partner_id > wanted.after)
    found = list(await session.scalars(query))
    page = found[: wanted.limit]
    return page, page[-1].partner_id if len(found) > wanted.limit else None
