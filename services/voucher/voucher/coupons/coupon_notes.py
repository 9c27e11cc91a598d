"""What became of a coupon and moved nothing: refusals, freezing, activation.

A refusal outlives what was rolled back (decision 0118).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Index, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import Database
from chassis.identity import Principal
from chassis.ids import new_id
from voucher.coupons.models import Coupon, CouponNotReclaimableError, CouponNotUsableError
from voucher.models import Tables

REFUSED, FROZEN, UNFROZEN, ACTIVATED = "refused", "frozen", "unfrozen", "activated"
HOLDER, ISSUER, ADMINISTRATOR, SYSTEM = "holder", "issuer", "administrator", "system"


class CouponNote(Tables):
    """It names its coupon without a key: whoever holds the coupon must not wait for it."""

    __tablename__ = "coupon_notes"
    __table_args__ = (
        Index("coupon_notes_of", "coupon_id", "at"),
        Index("coupon_notes_at", "at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    coupon_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    event: Mapped[str]  # refused | frozen | unfrozen | activated
    order_id: Mapped[str | None]
    attempt_id: Mapped[str | None]
    code: Mapped[str | None]  # of a refusal
    rule: Mapped[str | None]  # of coupons.rule_words, where one of them refused
    by: Mapped[str]  # holder | issuer | administrator
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Tried:
    """What may be refused: with which coupons, for which attempt of which order."""

    coupon_ids: Sequence[str]
    order_id: str | None = None
    attempt_id: str | None = None
    customer_id: str | None = None  # whose coupons they must be


@asynccontextmanager
async def refusals_kept(
    database: Database, principal: Principal, tried: Tried, now: datetime
) -> AsyncIterator[AsyncSession]:
    """The caller's transaction; a refusal rolls it back and is written down by others."""
    try:
        async with database.transaction_as(principal) as session:
            yield session
    except (CouponNotUsableError, CouponNotReclaimableError) as error:
        rule = error.rule if isinstance(error, CouponNotUsableError) else None
        at_fault = [one for one in tried.coupon_ids if one == error.detail]
        async with database.transaction_as(principal) as session:
            coupons = await _seen(session, tried, at_fault or tried.coupon_ids)
        async with database.transaction() as session:  # a coupon may be of a partner of before
            for coupon in coupons:
                note_coupon(
                    session, principal, coupon, REFUSED, now,
                    tried=tried, code=error.refusal_code, rule=rule,
                )  # fmt: skip
        raise


def note_coupon(
    session: AsyncSession,
    principal: Principal,
    coupon: Coupon,
    event: str,
    now: datetime,
    *,
    tried: Tried | None = None,
    code: str | None = None,
    rule: str | None = None,
) -> None:
    """Write it into the coupon's history."""
    session.add(
        CouponNote(
            id=new_id(),
            coupon_id=coupon.id,
            partner_id=coupon.partner_id,
            distributor_id=coupon.distributor_id,
            event=event,
            order_id=tried.order_id if tried else None,
            attempt_id=tried.attempt_id if tried else None,
            code=code,
            rule=rule,
            by=_kind(principal, coupon),
            at=now,
        )
    )


async def _seen(session: AsyncSession, tried: Tried, coupon_ids: Sequence[str]) -> Sequence[Coupon]:
    """Those of the coupons that are the customer's: nobody writes into another's history."""
    wanted = select(Coupon).where(Coupon.id.in_(coupon_ids)).order_by(Coupon.id)
    if tried.customer_id is not None:
        wanted = wanted.where(Coupon.customer_id == tried.customer_id)
    return (await session.scalars(wanted)).all()


def _kind(principal: Principal, coupon: Coupon) -> str:
    if principal.is_customer or (coupon.is_vendors and principal.is_partner):
        return HOLDER
    return ISSUER if principal.is_partner else ADMINISTRATOR
