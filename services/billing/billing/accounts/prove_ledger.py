"""Prove that no money was made or lost (decision 0020)."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BREACHES_SHOWN_MAX = 20

_COUNTS = text(
    "SELECT count(*) AS postings, coalesce(sum(amount), 0) AS total,"
    " (SELECT count(*) FROM movements) AS movements, (SELECT count(*) FROM accounts) AS accounts"
    " FROM postings"
)

_BREACHES = {
    # Every movement's postings add up to nothing.
    "unbalanced_movements": """
        SELECT movement_id AS id, sum(amount) AS found, 0 AS expected FROM postings
        GROUP BY movement_id HAVING sum(amount) <> 0""",
    # Every balance is the sum of its postings.
    "wrong_balances": """
        SELECT a.account_id AS id, a.balance AS found, coalesce(sum(p.amount), 0) AS expected
        FROM accounts a LEFT JOIN postings p USING (account_id)
        GROUP BY a.account_id HAVING a.balance <> coalesce(sum(p.amount), 0)""",
    # What is held is what open attempts hold.
    "wrong_holds": """
        SELECT a.account_id AS id, a.held AS found, coalesce(sum(
            CASE a.account_type WHEN 1 THEN h.cash_amount ELSE h.credit_amount END), 0) AS expected
        FROM accounts a LEFT JOIN payment_attempts h
            ON h.customer_id = a.owner_id AND h.state = 'held'
        WHERE a.account_type IN (1, 2)
        GROUP BY a.account_id HAVING a.held <> coalesce(sum(
            CASE a.account_type WHEN 1 THEN h.cash_amount ELSE h.credit_amount END), 0)""",
    # What is owed on lines is what the arrears accounts say.
    "wrong_arrears": """
        SELECT a.account_id AS id, -a.balance AS found, coalesce(sum(l.debt_amount), 0) AS expected
        FROM accounts a LEFT JOIN bill_lines l
            ON l.customer_id = a.owner_id AND l.debt_amount > 0
        WHERE a.account_type = 104
        GROUP BY a.account_id HAVING -a.balance <> coalesce(sum(l.debt_amount), 0)""",
    # What an account was charged is what lines say that it paid, or owes, in money.
    "wrong_charges": """
        SELECT a.account_id AS id, a.balance AS found, coalesce(sum(l.cash_amount + l.credit_amount
            + l.debt_amount + l.writeoff_amount), 0) AS expected
        FROM accounts a LEFT JOIN bill_lines l
            ON coalesce(l.payer_id, l.customer_id) = a.owner_id
        WHERE a.account_type = 101
        GROUP BY a.account_id HAVING a.balance <> coalesce(sum(l.cash_amount + l.credit_amount
            + l.debt_amount + l.writeoff_amount), 0)""",
}


async def prove_ledger(session: AsyncSession) -> dict[str, Any]:
    """Count, sum and compare everything the caller may see; breaches by kind, at most 20 of each.

    Each comparison is one statement and so sees the ledger at one instant.
    """
    counts = (await session.execute(_COUNTS)).mappings().one()
    breaches = {}
    for kind, query in _BREACHES.items():
        rows = await session.execute(text(f"{query} LIMIT {BREACHES_SHOWN_MAX}"))
        breaches[kind] = [
            {"id": row["id"], "found": f"{row['found']:f}", "expected": f"{row['expected']:f}"}
            for row in rows.mappings()
        ]
    balanced = counts["total"] == 0 and not any(breaches.values())
    return {**counts, "total": f"{counts['total']:.2f}", "balanced": balanced, **breaches}
