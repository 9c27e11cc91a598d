"""Prove that no money was made or lost (decision 0020)."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.sums import read_tables_once
from wire.native import Money, NativeAnswer

BREACHES_SHOWN_MAX = 20


class Breach(NativeAnswer):
    """An account or a movement whose amount is not what the others say."""

    id: str
    currency: str
    found: Money
    expected: Money


class LedgerTotal(NativeAnswer):
    """All postings of a currency together: nothing, unless money was made or lost."""

    currency: str
    total: Money


class LedgerProof(NativeAnswer):
    """How much was looked at, whether it balances, and at most 20 breaches of each kind."""

    postings: int
    movements: int
    accounts: int
    balanced: bool
    totals: list[LedgerTotal]
    unbalanced_movements: list[Breach]
    wrong_balances: list[Breach]
    wrong_holds: list[Breach]
    wrong_credits: list[Breach]
    wrong_credit_lines: list[Breach]
    wrong_arrears: list[Breach]
    wrong_charges: list[Breach]


_COUNTS = text(
    "SELECT count(*) AS postings, (SELECT count(*) FROM movements) AS movements,"
    " (SELECT count(*) FROM accounts) AS accounts FROM postings"
)
_TOTALS = text(
    "SELECT a.currency, sum(p.amount) AS total FROM postings p JOIN accounts a USING (account_id)"
    " GROUP BY a.currency ORDER BY a.currency"
)

_BREACHES = {
    # Every movement's postings add up to nothing.
    "unbalanced_movements": """
        SELECT m.movement_id AS id, m.currency, sum(p.amount) AS found, 0 AS expected
        FROM movements m JOIN postings p USING (movement_id)
        GROUP BY m.movement_id HAVING sum(p.amount) <> 0""",
    # Every balance is the sum of its postings.
    "wrong_balances": """
        SELECT a.account_id AS id, a.currency, a.balance AS found,
            coalesce(sum(p.amount), 0) AS expected
        FROM accounts a LEFT JOIN postings p USING (account_id)
        GROUP BY a.account_id HAVING a.balance <> coalesce(sum(p.amount), 0)""",
    # What is held is what open attempts hold: on credit that ends what they noted, the rest on the
    # credit without end.
    "wrong_holds": """
        WITH open AS (SELECT * FROM payment_attempts WHERE state = 'held'),
        dated AS (SELECT c.* FROM held_credits c JOIN open USING (attempt_id)),
        parts AS (
            SELECT customer_id AS owner_id, NULL AS account_id, 1 AS account_type,
                cash_amount AS amount FROM open
            UNION ALL SELECT customer_id, NULL, 2, credit_amount FROM open
            UNION ALL SELECT o.customer_id, NULL, 2, -d.amount
                FROM dated d JOIN open o USING (attempt_id)
            UNION ALL SELECT NULL, account_id, 2, amount FROM dated
        ),
        expected AS (
            SELECT owner_id, account_id, account_type, sum(amount) AS amount FROM parts
            GROUP BY owner_id, account_id, account_type
        )
        SELECT a.account_id AS id, a.currency, a.held AS found,
            coalesce(e.amount, 0) AS expected
        FROM accounts a LEFT JOIN expected e
            ON e.account_type = a.account_type
            AND (CASE WHEN a.expires_at IS NULL THEN a.owner_id ELSE a.account_id END)
                = coalesce(e.account_id, e.owner_id)
            AND (e.account_id IS NULL) = (a.expires_at IS NULL)
        WHERE a.account_type IN (1, 2) AND a.held <> coalesce(e.amount, 0)""",
    # What an owner's credit gave is what lines say that credit paid.
    "wrong_credits": """
        WITH spent AS (
            SELECT owner_id, min(currency) AS currency,
                sum(coalesce(credit_amount, 0) - balance) AS found
            FROM accounts WHERE account_type = 2 GROUP BY owner_id
        ),
        paid AS (
            SELECT coalesce(payer_id, customer_id) AS owner_id, sum(credit_amount) AS expected
            FROM bill_lines WHERE credit_amount <> 0 GROUP BY 1
        )
        SELECT owner_id AS id, s.currency, s.found, coalesce(p.expected, 0) AS expected
        FROM spent s LEFT JOIN paid p USING (owner_id)
        WHERE s.found <> coalesce(p.expected, 0)""",
    # An owner's credit lines together are what its contra account gave.
    "wrong_credit_lines": """
        WITH lines AS (
            SELECT owner_id, sum(coalesce(credit_amount, 0)) AS expected
            FROM accounts WHERE account_type = 2 GROUP BY owner_id
        )
        SELECT a.account_id AS id, a.currency, -a.balance AS found, l.expected
        FROM accounts a JOIN lines l USING (owner_id)
        WHERE a.account_type = 103 AND -a.balance <> l.expected""",
    # What is owed on lines is what the arrears accounts say.
    "wrong_arrears": """
        SELECT a.account_id AS id, a.currency, -a.balance AS found,
            coalesce(sum(l.debt_amount), 0) AS expected
        FROM accounts a LEFT JOIN bill_lines l
            ON coalesce(l.payer_id, l.customer_id) = a.owner_id AND l.debt_amount > 0
        WHERE a.account_type = 104
        GROUP BY a.account_id HAVING -a.balance <> coalesce(sum(l.debt_amount), 0)""",
    # What an account was charged is what lines say that it paid, or owes, in money.
    "wrong_charges": """
        SELECT a.account_id AS id, a.currency, a.balance AS found,
            coalesce(sum(l.cash_amount + l.credit_amount
            + l.debt_amount + l.writeoff_amount), 0) AS expected
        FROM accounts a LEFT JOIN bill_lines l
            ON coalesce(l.payer_id, l.customer_id) = a.owner_id
        WHERE a.account_type = 101
        GROUP BY a.account_id HAVING a.balance <> coalesce(sum(l.cash_amount + l.credit_amount
            + l.debt_amount + l.writeoff_amount), 0)""",
}


async def prove_ledger(session: AsyncSession) -> LedgerProof:
    """Count, sum and compare everything the caller may see.

    Each comparison is one statement and so sees the ledger at one instant.
    """
    await read_tables_once(session)
    counts = (await session.execute(_COUNTS)).mappings().one()
    totals = [LedgerTotal.of(row) for row in await session.execute(_TOTALS)]
    breaches: dict[str, list[Breach]] = {}
    for kind, query in _BREACHES.items():
        rows = await session.execute(text(f"{query} LIMIT {BREACHES_SHOWN_MAX}"))
        breaches[kind] = [Breach.of(row) for row in rows]
    balanced = not any(total.total for total in totals) and not any(breaches.values())
    return LedgerProof(**counts, totals=totals, balanced=balanced, **breaches)
