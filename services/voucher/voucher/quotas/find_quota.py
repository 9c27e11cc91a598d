"""The quota that a request names, as far as the caller may see it."""

from sqlalchemy import ColumnElement, bindparam, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal
from voucher.quotas.models import Quota

_ISSUED_FROM = (  # made once: issues are many
    select(Quota)
    .where(Quota.id == bindparam("quota_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def visible(principal: Principal) -> ColumnElement[bool]:
    """All for the administrator; a partner's own and those of its resellers."""
    if not principal.is_partner:
        return true()
    own = Quota.partner_id == principal.partner_id
    return or_(own, Quota.distributor_id == principal.partner_id)


async def find_quota(session: AsyncSession, principal: Principal, quota_id: str) -> Quota:
    """To be read.

    Raises:
        NotFoundError: none, or not the caller's.

    """
    quota: Quota | None = await session.scalar(
        select(Quota).where(Quota.id == quota_id, visible(principal))
    )
    if quota is None:
        raise NotFoundError
    return quota


async def lock_quota(session: AsyncSession, quota_id: str) -> Quota:
    """To be changed by the administrator.

    Raises:
        NotFoundError: none.

    """
    quota = await session.get(Quota, quota_id, with_for_update=True, populate_existing=True)
    if quota is None:
        raise NotFoundError
    return quota


async def lock_issued_from(session: AsyncSession, quota_id: str) -> Quota | None:
    """To be issued from, and none of the session's: `coupons.write_issue` writes what is left."""
    quota: Quota | None = await session.scalar(_ISSUED_FROM, {"quota_id": quota_id})
    if quota is not None:
        session.expunge(quota)
    return quota
