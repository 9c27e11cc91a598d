"""Write down what was issued in one statement, however many got a coupon.

Six mapped objects for each coupon, and each row's own way to the table, were most of the time for
which the quota was locked. What the quota has left is written by the same statement: between it and
the commit stands nothing but the facts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from voucher.coupons.models import CLOUD_GROUP, USABLE
from voucher.quotas.models import COUPON_TYPE_OF_QUOTA, Quota

ISSUE = 1  # operation type, docs/domain/coupons.md B.7

# Who was refused has a record and no coupon. The postings are those of `ledger.post_movements`:
# issued, quota → coupon.
_WRITE = text("""
    WITH issued AS (
        SELECT * FROM unnest(
            CAST(:coupon_ids AS text[]), CAST(:movement_ids AS text[]),
            CAST(:record_ids AS text[]), CAST(:customer_ids AS text[]),
            CAST(:face_values AS numeric[]), CAST(:memos AS text[]), CAST(:limits AS text[]),
            CAST(:effective AS timestamptz[]), CAST(:expire AS timestamptz[])
        ) AS i (coupon_id, movement_id, record_id, customer_id, face_value, memo, limits,
                effective_at, expire_at)
    ), quota AS (
        SELECT CAST(:quota_id AS text) AS quota_id, CAST(:partner_id AS text) AS partner_id,
               CAST(:distributor_id AS text) AS distributor_id,
               CAST(:currency AS text) AS currency, CAST(:now AS timestamptz) AS now
    ), taken AS (
        UPDATE quotas SET balance = CAST(:balance AS numeric), version = CAST(:version AS bigint),
                          updated_at = CAST(:updated_at AS timestamptz)
        WHERE id = CAST(:quota_id AS text) AND version <> CAST(:version AS bigint)
    ), coupons_made AS (
        INSERT INTO coupons (
            id, quota_id, partner_id, distributor_id, customer_id, coupon_type, coupon_group,
            status, is_frozen, site, currency, face_value, balance, reserved_amount,
            returned_amount, transferred_amount, limits, memo, effective_at, expire_at,
            created_at, version
        )
        SELECT coupon_id, quota_id, partner_id, distributor_id, customer_id,
               CAST(:coupon_type AS bigint), CAST(:coupon_group AS bigint),
               CAST(:status AS bigint), false, CAST(:site AS text), currency, face_value,
               face_value, 0, 0, 0, CAST(limits AS jsonb), memo, effective_at, expire_at, now, 1
        FROM issued, quota WHERE coupon_id IS NOT NULL
    ), movements_made AS (
        INSERT INTO movements (id, kind, partner_id, distributor_id, quota_id, coupon_id, at)
        SELECT movement_id, 'issued', partner_id, distributor_id, quota_id, coupon_id, now
        FROM issued, quota WHERE coupon_id IS NOT NULL
    ), postings_made AS (
        INSERT INTO postings (movement_id, partner_id, distributor_id, account_kind, account_id,
                              currency, amount)
        SELECT movement_id, partner_id, distributor_id, kind,
               CASE kind WHEN 'quota' THEN quota_id ELSE coupon_id END, currency,
               sign * face_value
        FROM issued, quota, (VALUES ('quota', -1), ('coupon', 1)) AS sides (kind, sign)
        WHERE coupon_id IS NOT NULL
    )
    INSERT INTO coupon_records (id, partner_id, distributor_id, operation_type, quota_id,
                                quota_type, coupon_id, customer_id, amount, at, result, remark)
    SELECT record_id, partner_id, distributor_id, CAST(:operation_type AS text), quota_id,
           CAST(:quota_type AS bigint), coupon_id, customer_id, face_value, now,
           CASE WHEN coupon_id IS NULL THEN '-1' ELSE '0' END, memo
    FROM issued, quota
""")


@dataclass(frozen=True, slots=True)
class RefusedIssue:
    """Who got none, of what was asked for."""

    customer_id: str
    face_value: Decimal
    memo: str | None


@dataclass(frozen=True, slots=True)
class IssuedCoupon:
    """A coupon as it is written and stated; the session does not know it."""

    id: str
    customer_id: str
    quota_id: str
    partner_id: str
    distributor_id: str | None
    coupon_type: int
    currency: str
    face_value: Decimal
    balance: Decimal
    effective_at: datetime
    expire_at: datetime
    limits: dict[str, Any]
    memo: str | None
    coupon_group: int = CLOUD_GROUP
    status: int = USABLE  # no activation: usable at once (docs/domain/coupons.md F15)
    reserved_amount: Decimal = Decimal(0)
    version: int = 1
    origin: None = None
    discount_ratio: None = None
    main_coupon_id: None = None

    @classmethod
    def of(
        cls,
        quota: Quota,
        customer_id: str,
        face_value: Decimal,
        window: tuple[datetime, datetime],
        limits: dict[str, Any],
        memo: str | None,
    ) -> "IssuedCoupon":
        """One from the quota."""
        return cls(
            id=f"CP{new_id()}",
            customer_id=customer_id,
            quota_id=quota.id,
            partner_id=quota.partner_id,
            distributor_id=quota.distributor_id,
            coupon_type=COUPON_TYPE_OF_QUOTA[quota.quota_type],
            currency=quota.currency,
            face_value=face_value,
            balance=face_value,
            effective_at=window[0],
            expire_at=window[1],
            limits=limits,
            memo=memo,
        )


async def write_issue(
    session: AsyncSession,
    quota: Quota,
    coupons: Sequence[IssuedCoupon],
    refused: Sequence[RefusedIssue],
    now: datetime,
) -> None:
    """What the quota has left, the coupons with their movements, postings and records.

    And a record of who got none. `quota` is locked, and none of the session's: it is written here.
    """
    nobody: list[None] = [None] * len(refused)
    all_asked: list[IssuedCoupon | RefusedIssue] = [*coupons, *refused]
    known = {
        "coupon_ids": [*(coupon.id for coupon in coupons), *nobody],
        "movement_ids": [*(new_id() for _ in coupons), *nobody],
        "record_ids": [new_id() for _ in all_asked],
        "customer_ids": [one.customer_id for one in all_asked],
        "face_values": [one.face_value for one in all_asked],
        "memos": [one.memo for one in all_asked],
        "limits": [*_texts([coupon.limits for coupon in coupons]), *nobody],
        "effective": [*(coupon.effective_at for coupon in coupons), *nobody],
        "expire": [*(coupon.expire_at for coupon in coupons), *nobody],
        "quota_id": quota.id,
        "partner_id": quota.partner_id,
        "distributor_id": quota.distributor_id,
        "site": quota.site,
        "currency": quota.currency,
        "quota_type": quota.quota_type,
        "balance": quota.balance,
        "version": quota.version,
        "updated_at": quota.updated_at,
        "operation_type": str(ISSUE),
        "now": now,
        "coupon_type": COUPON_TYPE_OF_QUOTA[quota.quota_type],
        "coupon_group": CLOUD_GROUP,
        "status": USABLE,
    }
    await session.execute(_WRITE, known)


def _texts(limits: Sequence[dict[str, Any]]) -> list[str]:
    """Coupons of one issue have the same ones: each is written out once."""
    made: dict[int, str] = {}
    for one in limits:
        if id(one) not in made:
            made[id(one)] = json.dumps(one)
    return [made[id(one)] for one in limits]
