"""Partner vouchers by keyset pages; a partner's own and its resellers' for a partner."""

from datetime import datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from voucher.partner_vouchers.models import EXPIRED, USABLE, PartnerVoucher
from voucher.partner_vouchers.native_answers import PartnerVouchersAnswer, native_voucher
from wire.types import NativeQuery

LIMIT_MAX = 100
VOUCHERS = "partner-vouchers"


class ListPartnerVouchers(NativeQuery):
    """The query of `GET /api/partner-vouchers`; `after` is the `next` of the page before."""

    partner_id: str | None = None
    status: Literal["2", "3", "4"] | None = None  # 2 usable, 3 used, 4 expired
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=LIMIT_MAX)


async def list_partner_vouchers(
    session: AsyncSession, principal: Principal, query: ListPartnerVouchers, now: datetime
) -> PartnerVouchersAnswer:
    """Vouchers in the order they were granted; `next` is null on the last page."""
    wanted = select(PartnerVoucher).order_by(PartnerVoucher.id).limit(query.limit + 1)
    if principal.is_partner:
        own = PartnerVoucher.partner_id == principal.partner_id
        wanted = wanted.where(or_(own, PartnerVoucher.distributor_id == principal.partner_id))
    if query.partner_id is not None:
        wanted = wanted.where(PartnerVoucher.partner_id == query.partner_id)
    if query.status is not None:
        wanted = wanted.where(_has_status(int(query.status), now))
    if query.after is not None:
        wanted = wanted.where(PartnerVoucher.id > keys_after(VOUCHERS, query.after)[0])
    found = (await session.scalars(wanted)).all()
    page = found[: query.limit]
    more = cursor_after(VOUCHERS, page[-1].id) if len(found) > query.limit else None
    return PartnerVouchersAnswer(
        partner_vouchers=[native_voucher(voucher, now) for voucher in page], next=more
    )


def _has_status(status: int, now: datetime) -> ColumnElement[bool]:
    """As `status_at` says it."""
    is_over = and_(PartnerVoucher.status == USABLE, PartnerVoucher.expire_at <= now)
    if status == USABLE:
        return and_(PartnerVoucher.status == USABLE, PartnerVoucher.expire_at > now)
    kept = PartnerVoucher.status == status
    return or_(kept, is_over) if status == EXPIRED else kept
