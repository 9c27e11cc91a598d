"""What coupons paid, written by one statement: each a movement from the coupon to what is redeemed.

A payment's own time was mostly that of mapped objects, of which each redemption took three.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from voucher.ledger.post_movements import PostedFor

# As `ledger.post_movements` would: redeemed, coupon → redeemed.
_WRITE = text("""
    WITH paid AS (
        SELECT * FROM unnest(
            CAST(:movement_ids AS text[]), CAST(:coupon_ids AS text[]), CAST(:quota_ids AS text[]),
            CAST(:partner_ids AS text[]), CAST(:distributor_ids AS text[]),
            CAST(:holders AS text[]), CAST(:currencies AS text[]), CAST(:amounts AS numeric[])
        ) AS p (movement_id, coupon_id, quota_id, partner_id, distributor_id, holder, currency,
                amount)
    ), movements_made AS (
        INSERT INTO movements (id, kind, partner_id, distributor_id, quota_id, coupon_id, order_id,
                               at)
        SELECT movement_id, 'redeemed', partner_id, distributor_id, quota_id, coupon_id,
               CAST(:order_id AS text), CAST(:at AS timestamptz)
        FROM paid
    )
    INSERT INTO postings (movement_id, partner_id, distributor_id, account_kind, account_id,
                          currency, amount)
    SELECT movement_id, partner_id, distributor_id, kind, account_id, currency, signed
    FROM paid, LATERAL (
        VALUES (holder, coupon_id, -amount), ('redeemed', partner_id, amount)
    ) AS sides (kind, account_id, signed)
""")


@dataclass(frozen=True, slots=True)
class Redemption:
    """A coupon and what it paid."""

    of: PostedFor
    coupon_id: str
    amount: Decimal


async def post_redemptions(
    session: AsyncSession, redeemed: Sequence[Redemption], order_id: str | None, at: datetime
) -> None:
    """The coupons paid for an order; without one, for usage."""
    if not redeemed:
        return
    known = {
        "movement_ids": [new_id() for _ in redeemed],
        "coupon_ids": [one.coupon_id for one in redeemed],
        "quota_ids": [one.of.quota_id for one in redeemed],
        "partner_ids": [one.of.partner_id for one in redeemed],
        "distributor_ids": [one.of.distributor_id for one in redeemed],
        "holders": [one.of.holder for one in redeemed],
        "currencies": [one.of.currency for one in redeemed],
        "amounts": [one.amount for one in redeemed],
        "order_id": order_id,
        "at": at,
    }
    await session.execute(_WRITE, known)
