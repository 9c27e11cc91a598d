"""What a master may hand to its members, and what it may take back from one of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.identity import Principal
from chassis.pages import counted_page
from voucher.copies import Customer
from voucher.coupons.coupon_lists import use_limits
from voucher.coupons.models import USABLE, USED, Coupon
from voucher.quotas.models import CASH
from voucher.transfers.find_member import find_member, require_master
from wire.json import known
from wire.types import WireQuery


class ListTransferCoupons(WireQuery, operation="list_multi_account_transfer_coupons"):
    """The query; a `limit` of 0 asks for the total alone."""

    offset: int = 0
    limit: int = 10


class ListRetrieveCoupons(WireQuery, operation="list_multi_account_retrieve_coupons"):
    """The query."""

    sub_customer_id: str
    offset: int = 0
    limit: int = 10


async def list_transfer_coupons(
    session: AsyncSession, principal: Principal, wanted: ListTransferCoupons, now: datetime
) -> dict[str, Any]:
    """The newest first."""
    await require_master(session, principal)
    query = (
        select(*_columns())
        .where(Coupon.customer_id == principal.id, *_movable(now))
        .order_by(Coupon.created_at.desc(), Coupon.id.desc())
    )
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    found = [_coupon(row) | {"coupon_id": row.id} for row in rows]
    return {"total_count": total, "avail_transfer_coupons": found}


async def list_retrieve_coupons(
    session: AsyncSession, principal: Principal, wanted: ListRetrieveCoupons, now: datetime
) -> dict[str, Any]:
    """The newest first.

    Raises:
        NotMemberError: the customer is none of the caller's members.

    """
    await require_master(session, principal)
    member = await find_member(session, principal.id, wanted.sub_customer_id)
    master = await session.get_one(Customer, principal.id)
    if not master.is_resale_of(master.partner_id):  # what came back could be used by nobody
        return {"total_count": 0, "avail_retrieve_coupons": []}
    main = aliased(Coupon)
    query = (
        select(*_columns(), main.id.label("main_id"))
        .join(main, main.id == Coupon.main_coupon_id)
        .where(Coupon.customer_id == member.customer_id, *_movable(now))
        .where(main.customer_id == principal.id, main.partner_id == master.partner_id)
        .where(main.status.in_((USABLE, USED)), main.recall_due.is_(None))
        .order_by(Coupon.created_at.desc(), Coupon.id.desc())
    )
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    found = [_coupon(row) | {"coupon_id": row.main_id, "sub_coupon_id": row.id} for row in rows]
    return {"total_count": total, "avail_retrieve_coupons": found}


def _columns() -> Sequence[Any]:
    return (
        Coupon.id, Coupon.balance, Coupon.effective_at, Coupon.expire_at, Coupon.limits,
    )  # fmt: skip


def _movable(now: datetime) -> Sequence[ColumnElement[bool]]:
    """As `lock_coupons.refuse_unless_movable` judges one."""
    return (
        Coupon.quota_id.is_(None), Coupon.coupon_type == CASH, Coupon.status == USABLE,
        Coupon.effective_at <= now, Coupon.expire_at > now, Coupon.is_frozen.is_(False),
        Coupon.lock_order_id.is_(None), Coupon.recall_due.is_(None),
    )  # fmt: skip


def _coupon(row: Row[Any]) -> dict[str, Any]:
    return known(
        {
            "balance": f"{row.balance:f}",
            "effective_time": row.effective_at,
            "expire_time": row.expire_at,
            "use_limits": use_limits(row.limits, row.id),
        }
    )
