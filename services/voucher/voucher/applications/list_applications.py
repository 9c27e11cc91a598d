"""Applications by keyset pages: all for the administrator, a partner's own."""

from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from voucher.applications.models import Application
from voucher.applications.native_answers import ApplicationsAnswer, native_application
from wire.types import NativeQuery

LIMIT_MAX = 100
APPLICATIONS = "test-coupon-applications"


class ListApplications(NativeQuery):
    """The query; `after` is the `next` of the page before."""

    partner_id: str | None = None
    solution_id: str | None = None
    status: Literal["pending", "approved", "issued", "rejected", "withdrawn"] | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=LIMIT_MAX)


async def list_applications(
    session: AsyncSession, principal: Principal, query: ListApplications
) -> ApplicationsAnswer:
    """In the order they were submitted; `next` is null on the last page."""
    wanted = select(Application).order_by(Application.id).limit(query.limit + 1)
    if principal.is_partner:
        wanted = wanted.where(Application.partner_id == principal.partner_id)
    for column in (Application.partner_id, Application.solution_id, Application.status):
        value = getattr(query, column.key)
        if value is not None:
            wanted = wanted.where(column == value)
    if query.after is not None:
        wanted = wanted.where(Application.id > keys_after(APPLICATIONS, query.after)[0])
    found = (await session.scalars(wanted)).all()
    page = found[: query.limit]
    more = cursor_after(APPLICATIONS, page[-1].id) if len(found) > query.limit else None
    return ApplicationsAnswer(applications=[native_application(one) for one in page], next=more)
