"""The authorizations a partner asked for, or a customer was asked for; newest first."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from customer_sync.authorizations.models import Authorization
from wire.types import NativeQuery

PAGE_MAX = 100
AUTHORIZATIONS = "authorizations"


class ListAuthorizations(NativeQuery):
    """Filters and the page; `after` is the `next` of the page before."""

    customer_id: str | None = None
    status: Literal["requested", "active", "refused", "terminated"] | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=PAGE_MAX)


async def list_authorizations(
    session: AsyncSession, principal: Principal, wanted: ListAuthorizations
) -> tuple[Sequence[Authorization], str | None]:
    """One page, and what to ask the next one after (None: there is none)."""
    found = select(Authorization).order_by(Authorization.id.desc()).limit(wanted.limit + 1)
    if principal.is_customer:
        found = found.where(Authorization.customer_id == principal.id)
    elif principal.is_partner:
        found = found.where(
            or_(
                Authorization.partner_id == principal.id,
                Authorization.distributor_id == principal.id,
            )
        )
    if wanted.customer_id:
        found = found.where(Authorization.customer_id == wanted.customer_id)
    if wanted.status:
        found = found.where(Authorization.status == wanted.status)
    if wanted.after:
        found = found.where(Authorization.id < keys_after(AUTHORIZATIONS, wanted.after)[0])
    rows = (await session.scalars(found)).all()
    page = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    return page, cursor_after(AUTHORIZATIONS, page[-1].id) if more else None
