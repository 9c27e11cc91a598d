"""How vouchers are: what went out and came back of late, what is held, what runs low, the proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.sums import read_tables_once
from voucher.attempts.models import OPEN, Attempt
from voucher.coupons.coupon_notes import REFUSED, CouponNote
from voucher.coupons.return_to_quota import EXPIRY
from voucher.ledger.models import Movement, Posting
from voucher.quotas.models import NORMAL, Quota
from voucher.watch.models import Proof
from voucher.watch.prove_hourly import last_proof

LOW_SHOWN_MAX = 20
LOW_PARTS = 10  # a quota is low when less than a tenth is left
DEEDS = ("issued", "redeemed", "restored", "recalled", "expired")


@dataclass(frozen=True, slots=True)
class Deed:
    """So many coupons, so much."""

    deed: str  # issued, redeemed, restored, recalled, expired
    currency: str
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """As of one look."""

    hours: int
    deeds: Sequence[Deed]
    refused: Sequence[tuple[str, int]]  # code, how often; the most frequent first
    oldest_hold: Attempt | None
    quotas_low: int
    lowest: Sequence[Quota]
    proof: Proof | None


async def look_over(
    session: AsyncSession, hours: int, business_now: datetime, wall_now: datetime
) -> Overview:
    """`hours` are the wall's: ids of what was written are in its order, and need no other index."""
    since = wall_now - timedelta(hours=hours)
    await read_tables_once(session)
    return Overview(
        hours=hours,
        deeds=await sum_deeds(session, since),
        refused=await count_refused(session, since),
        oldest_hold=await oldest_hold(session),
        quotas_low=await count_low(session, business_now),
        lowest=await _lowest(session, business_now),
        proof=await last_proof(session),
    )


async def oldest_hold(session: AsyncSession) -> Attempt | None:
    """The payment that has held coupons for the longest time."""
    return await session.scalar(
        select(Attempt).where(Attempt.state == OPEN).order_by(Attempt.opened_at).limit(1)
    )


async def count_low(session: AsyncSession, now: datetime) -> int:
    """How many quotas in force have less than a tenth left."""
    counted = select(func.count()).select_from(Quota).where(*_low(now))
    return await session.scalar(counted) or 0


def _low(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Quota.quota_status == NORMAL,
        Quota.effective_at <= now,
        Quota.expire_at > now,
        Quota.balance * LOW_PARTS < Quota.quota_value,
    )


async def _lowest(session: AsyncSession, now: datetime) -> Sequence[Quota]:
    found = select(Quota).where(*_low(now)).order_by(Quota.balance / Quota.quota_value, Quota.id)
    return (await session.scalars(found.limit(LOW_SHOWN_MAX))).all()


async def sum_deeds(session: AsyncSession, since: datetime) -> list[Deed]:
    """What was done since that instant of the wall's, by deed and currency."""
    rows = await session.execute(
        select(
            Movement.kind, Movement.operation_type, Posting.currency, func.count(),
            func.sum(Posting.amount),
        )
        .join(Posting, Posting.movement_id == Movement.id)
        .where(Movement.id >= _first_id(since), Movement.coupon_id.is_not(None), Posting.amount > 0)
        .group_by(Movement.kind, Movement.operation_type, Posting.currency)
    )  # fmt: skip
    found: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for kind, operation_type, currency, count, amount in rows:
        deed = _deed(kind, operation_type)
        if deed is not None:
            before = found.get((deed, currency), (0, Decimal(0)))
            found[deed, currency] = (before[0] + count, before[1] + amount)
    return [
        Deed(deed, currency, *found[deed, currency])
        for deed in DEEDS
        for currency in sorted({one for name, one in found if name == deed})
    ]


def _deed(kind: str, operation_type: int | None) -> str | None:
    """What people call the movement; None: it is of no coupon's life."""
    if kind == "returned":
        return "expired" if operation_type == EXPIRY else "recalled"
    return kind if kind in DEEDS else None


async def count_refused(session: AsyncSession, since: datetime) -> list[tuple[str, int]]:
    """By code, the most frequent first."""
    rows = await session.execute(
        select(CouponNote.code, func.count())
        .where(CouponNote.id >= _first_id(since), CouponNote.event == REFUSED)
        .group_by(CouponNote.code)
        .order_by(func.count().desc(), CouponNote.code)
    )
    return [(code or "", count) for code, count in rows]


def _first_id(at: datetime) -> str:
    """No id that was made since then sorts before it (UUIDv7 begins with the milliseconds)."""
    return UUID(int=int(at.timestamp() * 1000) << 80).hex
