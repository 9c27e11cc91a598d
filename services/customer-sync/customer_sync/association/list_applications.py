"""Applications to unlink or to switch: a partner's, or a customer's own; newest first."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from customer_sync.association.models import AssociationApplication
from wire.types import NativeQuery

PAGE_MAX = 100
APPLICATIONS = "association-applications"


class ListApplications(NativeQuery):
    """Filters and the page; `after` is the `next` of the page before."""

    customer_id: str | None = None
    kind: Literal["unlink", "switch"] | None = None
    status: Literal["open", "agreed", "refused", "withdrawn"] | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=PAGE_MAX)


async def list_applications(
    session: AsyncSession, principal: Principal, wanted: ListApplications
) -> tuple[Sequence[AssociationApplication], str | None]:
    """One page, and what to ask the next one after (None: there is none)."""
    table = AssociationApplication
    found = select(table).order_by(table.id.desc()).limit(wanted.limit + 1)
    if principal.is_customer:
        found = found.where(table.customer_id == principal.id)
    elif principal.is_partner:
        mine = or_(table.partner_id == principal.id, table.distributor_id == principal.id)
        found = found.where(mine)
    for field in ("customer_id", "kind", "status"):
        if value := getattr(wanted, field):
            found = found.where(getattr(table, field) == value)
    if wanted.after:
        found = found.where(table.id < keys_after(APPLICATIONS, wanted.after)[0])
    rows = (await session.scalars(found)).all()
    page = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    return page, cursor_after(APPLICATIONS, page[-1].id) if more else None
