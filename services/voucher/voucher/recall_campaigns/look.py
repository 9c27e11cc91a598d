"""What a campaign would do at this moment, and a name for exactly that.

Coupons that have ended hold nothing; they are counted and change no preview's name.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CTE, ColumnElement, Text, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import Insert

from chassis.pages import equal
from voucher.copies import Customer
from voucher.coupons.models import (
    EXPIRED,
    NOT_ACTIVATED,
    RECLAIMED,
    USED,
    Coupon,
    CouponNotReclaimableError,
)
from voucher.coupons.reclaim_partner_coupons import NotResaleError
from voucher.recall_campaigns.models import RecallCampaign
from voucher.recall_campaigns.plan_campaign import RecallFilter
from wire.vocabulary import RESALE_TYPES

NAME_CHARACTERS = 32
ENDED = ("used", "expired", "reclaimed")
# Why a coupon cannot be recalled → the code with which it would be refused.
CODES = {
    "used": CouponNotReclaimableError.code,
    "expired": CouponNotReclaimableError.code,
    "reclaimed": CouponNotReclaimableError.code,
    "held": CouponNotReclaimableError.code,
    "not_activated": CouponNotReclaimableError.code,
    "not_resale": NotResaleError.code,
}


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the coupons seen, and what is left of them."""

    name: str  # a quota, or why they cannot be recalled
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be recalled, and what would not."""

    name: str
    count: int
    amount: Decimal
    quotas: Sequence[Part]
    cannot: Sequence[Part]


def seen(campaign: RecallCampaign, now: datetime) -> CTE:
    """The coupons that the filter means; `why` is NULL for those that would be recalled."""
    asked = RecallFilter.model_validate(campaign.filter)
    return (
        select(
            Coupon.id.label("coupon_id"), Coupon.quota_id, Coupon.customer_id,
            Coupon.balance.label("amount"), _why(now).label("why"),
        )
        .join_from(Coupon, Customer, Customer.customer_id == Coupon.customer_id, isouter=True)
        .where(Coupon.partner_id == campaign.partner_id, Coupon.quota_id.is_not(None))
        .where(*_conditions(asked))
        .cte("seen")
    )  # fmt: skip


async def look(
    session: AsyncSession,
    campaign: RecallCampaign,
    now: datetime,
    beside: Insert | None = None,
    found: CTE | None = None,
) -> Preview:
    """Count in one statement, so that all of it is of one instant; `beside` is done in the same."""
    found = seen(campaign, now) if found is None else found
    one = found.c.coupon_id + literal(" ") + cast(found.c.amount, Text)
    is_named = or_(found.c.why.is_(None), found.c.why.not_in(ENDED))
    names = func.string_agg(one, aggregate_order_by(literal(","), found.c.coupon_id))
    counted = select(
        found.c.quota_id, found.c.why, func.count(), func.sum(found.c.amount),
        func.md5(names.filter(is_named)),
    ).group_by(found.c.quota_id, found.c.why)  # fmt: skip
    if beside is not None:
        counted = counted.add_cte(beside.cte("kept"))
    rows = [tuple(row) for row in await session.execute(counted)]
    told = sorted((quota, why or "", names) for quota, why, _, _, names in rows if names)
    name = hashlib.sha256(repr(told).encode()).hexdigest()[:NAME_CHARACTERS]
    free = [Part(quota, count, amount) for quota, why, count, amount, _ in rows if why is None]
    kept = [Part(why, count, amount) for _, why, count, amount, _ in rows if why is not None]
    return Preview(
        name=name,
        count=sum(part.count for part in free),
        amount=sum((part.amount for part in free), Decimal(0)),
        quotas=sorted(free, key=lambda part: part.name),
        cannot=_by_name(kept),
    )


def _by_name(parts: Sequence[Part]) -> list[Part]:
    """Of all quotas together."""
    names = sorted({part.name for part in parts})
    return [
        Part(
            name,
            sum(part.count for part in parts if part.name == name),
            sum((part.amount for part in parts if part.name == name), Decimal(0)),
        )
        for name in names
    ]


def _why(now: datetime) -> ColumnElement[Any]:
    """As `reclaim_partner_coupons` refuses, in its order; ended ones are told apart first."""
    kind = Customer.association_type
    return case(
        (Coupon.status == USED, "used"),
        (Coupon.status == EXPIRED, "expired"),
        (Coupon.status == RECLAIMED, "reclaimed"),
        (Coupon.lock_order_id.is_not(None), "held"),
        (Coupon.expire_at <= now, "expired"),
        (Coupon.status == NOT_ACTIVATED, "not_activated"),
        (or_(kind.is_(None), kind.not_in(RESALE_TYPES)), "not_resale"),
        else_=None,
    )


def _conditions(asked: RecallFilter) -> list[ColumnElement[bool]]:
    same = equal(
        {
            Coupon.quota_id: asked.quota_id,
            Customer.label: asked.label,
            Customer.account_manager_id: asked.account_manager_id,
        }
    )
    bounds: tuple[tuple[Any, Callable[[Any], ColumnElement[bool]]], ...] = (
        (asked.customer_ids, Coupon.customer_id.in_),
        (asked.issued_from, Coupon.created_at.__ge__),
        (asked.issued_to, Coupon.created_at.__lt__),
        (asked.ends_from, Coupon.expire_at.__ge__),
        (asked.ends_to, Coupon.expire_at.__lt__),
        (asked.face_value_from, Coupon.face_value.__ge__),
        (asked.face_value_to, Coupon.face_value.__le__),
        (asked.unused_only or None, lambda _: Coupon.balance == Coupon.face_value),
    )
    return same + [holds(value) for value, holds in bounds if value is not None]
