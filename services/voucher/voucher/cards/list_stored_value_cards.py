"""The stored value cards that a customer holds (docs/domain/coupons.md H.19)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.pages import counted_page, equal
from voucher.coupons.card_status import KEPT, card_status
from voucher.coupons.models import Coupon
from voucher.quotas.models import CARD
from wire.json import known
from wire.types import WireQuery


class ListStoredValueCards(WireQuery, operation="list_stored_value_cards"):
    """The query."""

    status: int  # 1 usable, 2 used up
    card_id: str | None = None
    offset: int = 0
    limit: int = 10


async def list_stored_value_cards(
    session: AsyncSession, principal: Principal, wanted: ListStoredValueCards, now: datetime
) -> dict[str, Any]:
    """The newest first; an expired one is in no list."""
    columns: list[Any] = [
        Coupon.id, Coupon.name, Coupon.status, Coupon.face_value, Coupon.balance,
        Coupon.effective_at, Coupon.expire_at,
    ]  # fmt: skip
    query = (
        select(*columns)
        .where(Coupon.customer_id == principal.id, Coupon.coupon_type == CARD)
        .where(Coupon.status == KEPT[wanted.status], Coupon.expire_at > now)
        .where(*equal({Coupon.id: wanted.card_id}))
        .order_by(Coupon.created_at.desc(), Coupon.id.desc())
    )
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    return {"total_count": total, "stored_value_cards": [_card(row) for row in rows]}


def _card(row: Row[Any]) -> dict[str, Any]:
    return known(
        {
            "card_id": row.id,
            "card_name": row.name,
            "status": card_status(row.status),
            "face_value": f"{row.face_value:f}",
            "balance": f"{row.balance:f}",
            "effective_time": row.effective_at,
            "expire_time": row.expire_at,
        }
    )
