"""Quotas by keyset pages: all for the administrator, a partner's own and its resellers'."""

from datetime import datetime

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from voucher.quotas.find_quota import visible
from voucher.quotas.models import Quota
from voucher.quotas.native_answers import QuotasAnswer, native_quota
from wire.types import NativeQuery

LIMIT_MAX = 100
QUOTAS = "quotas"


class ListQuotas(NativeQuery):
    """The query of `GET /api/quotas`; `after` is the `next` of the page before."""

    partner_id: str | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=LIMIT_MAX)


async def list_quotas(
    session: AsyncSession, principal: Principal, query: ListQuotas, now: datetime
) -> QuotasAnswer:
    """Quotas in the order they were granted; `next` is null on the last page."""
    wanted = select(Quota).where(visible(principal)).order_by(Quota.id).limit(query.limit + 1)
    if query.partner_id is not None:
        wanted = wanted.where(Quota.partner_id == query.partner_id)
    if query.after is not None:
        wanted = wanted.where(Quota.id > keys_after(QUOTAS, query.after)[0])
    found = (await session.scalars(wanted)).all()
    page = found[: query.limit]
    more = cursor_after(QUOTAS, page[-1].id) if len(found) > query.limit else None
    return QuotasAnswer(quotas=[native_quota(quota, now) for quota in page], next=more)
