"""Proof that no amount was made or lost: movements, accounts and balances agree to the cent."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal, WrongPrincipalError

DIFFERENCES_MAX = 100  # told of each rule; one is enough to know

_RULES = {
    "a movement is not one pair of opposite postings": """
        SELECT m.id, coalesce(sum(p.amount), 0)::text AS found, '0' AS expected
        FROM movements m LEFT JOIN postings p ON p.movement_id = m.id
        GROUP BY m.id
        HAVING count(p.id) <> 2 OR sum(p.amount) <> 0 OR count(DISTINCT p.currency) <> 1
    """,
    "the balance of a quota is not the sum of its postings": """
        SELECT q.id, q.balance::text AS found, coalesce(p.total, 0)::text AS expected
        FROM quotas q LEFT JOIN (
            SELECT account_id, sum(amount) AS total FROM postings
            WHERE account_kind = 'quota' GROUP BY account_id
        ) p ON p.account_id = q.id
        WHERE q.balance <> coalesce(p.total, 0)
    """,
    "the balance of a quota is not its value less what was issued plus what came back": """
        SELECT q.id, q.balance::text AS found,
               (q.quota_value - coalesce(c.outside, 0))::text AS expected
        FROM quotas q LEFT JOIN (
            SELECT quota_id, sum(face_value - returned_amount) AS outside
            FROM coupons GROUP BY quota_id
        ) c ON c.quota_id = q.id
        WHERE q.balance <> q.quota_value - coalesce(c.outside, 0)
    """,
    "the balance of a coupon is not the sum of its postings": """
        SELECT c.id, c.balance::text AS found, coalesce(p.total, 0)::text AS expected
        FROM coupons c LEFT JOIN (
            SELECT account_id, sum(amount) AS total FROM postings
            WHERE account_kind = 'coupon' GROUP BY account_id
        ) p ON p.account_id = c.id
        WHERE c.balance <> coalesce(p.total, 0)
    """,
    "the reserved amount of a coupon is not what open attempts hold": """
        SELECT c.id, c.reserved_amount::text AS found, coalesce(r.held, 0)::text AS expected
        FROM coupons c LEFT JOIN (
            SELECT r.coupon_id, sum(r.amount) AS held
            FROM reservations r JOIN attempts a ON a.id = r.attempt_id
            WHERE a.state = 'open' GROUP BY r.coupon_id
        ) r ON r.coupon_id = c.id
        WHERE c.reserved_amount <> coalesce(r.held, 0)
    """,
    "a coupon is usable by who is no resale customer of its partner": """
        SELECT c.id, c.customer_id AS found, c.partner_id AS expected
        FROM coupons c LEFT JOIN customers h ON h.customer_id = c.customer_id
        WHERE c.status IN (1, 2) AND c.recall_due IS NULL AND c.balance > 0
          AND (h.partner_id = c.partner_id AND h.association_status = 'associated'
               AND h.association_type IN ('2', '3')) IS NOT TRUE
    """,
    "an account of the ledger belongs to no quota or coupon": """
        SELECT DISTINCT p.account_id AS id, p.account_kind AS found, '' AS expected
        FROM postings p
        LEFT JOIN quotas q ON p.account_kind = 'quota' AND q.id = p.account_id
        LEFT JOIN coupons c ON p.account_kind = 'coupon' AND c.id = p.account_id
        WHERE p.account_kind IN ('quota', 'coupon') AND q.id IS NULL AND c.id IS NULL
    """,
    "what was granted is not what is there and what was redeemed": """
        SELECT currency AS id, sum(amount)::text AS found, '0' AS expected
        FROM postings GROUP BY currency HAVING sum(amount) <> 0
    """,
}

_TOTALS = text("""
    SELECT currency,
           coalesce(-sum(amount) FILTER (WHERE account_kind = 'vendor'), 0) AS granted,
           coalesce(sum(amount) FILTER (WHERE account_kind = 'quota'), 0) AS in_quotas,
           coalesce(sum(amount) FILTER (WHERE account_kind = 'coupon'), 0) AS in_coupons,
           coalesce(sum(amount) FILTER (WHERE account_kind = 'redeemed'), 0) AS redeemed
    FROM postings GROUP BY currency ORDER BY currency
""")

# One statement, so that all checks see one instant: between two of them a coupon might be issued.
_PROOF = text(
    " UNION ALL ".join(
        f"(SELECT '{rule}' AS rule, f.* FROM ({query} LIMIT {DIFFERENCES_MAX}) f)"
        for rule, query in _RULES.items()
    )
)


async def prove_ledger(
    session: AsyncSession, principal: Principal, now: datetime
) -> dict[str, Any]:
    """`balanced`, the totals by currency, and each difference found.

    granted = in_quotas + in_coupons + redeemed holds in each currency.
    """
    if not principal.is_administrator:
        raise WrongPrincipalError
    rows = await session.execute(_PROOF)
    differences = [
        {"rule": row.rule, "id": row.id, "found": row.found, "expected": row.expected}
        for row in rows
    ]
    totals = [dict(row._mapping) for row in await session.execute(_TOTALS)]
    return {
        "as_of": now,
        "balanced": not differences,
        "totals": totals,
        "differences": differences,
    }
