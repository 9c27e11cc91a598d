"""Proof that no amount was made or lost: movements, accounts and balances agree to the cent."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from secrets import randbits
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.sums import read_tables_once
from voucher.ledger.vendor_rules import VENDOR_RULES
from voucher.ledger.voucher_rules import VOUCHER_RULES
from voucher.ledger.weigh_ledger import NOBODYS_COUPON, weighing
from wire.native import Money, NativeAnswer, money_text

DIFFERENCES_MAX = 100  # told of each rule; one is enough to know


class VoucherTotals(NativeAnswer):
    """Of one currency; what was granted is the sum of the other six."""

    currency: str
    granted: Money
    in_quotas: Money
    in_coupons: Money
    in_cards: Money
    in_partner_vouchers: Money
    redeemed: Money
    settled: Money  # by partner vouchers


class Difference(NativeAnswer):
    """What is not as it should be: amounts where there is a currency, else ids."""

    rule: str
    id: str
    currency: str | None
    found: str
    expected: str


class VoucherProof(NativeAnswer):
    """`balanced`, the totals by currency, and each difference found."""

    as_of: datetime
    balanced: bool
    totals: list[VoucherTotals]
    differences: list[Difference]


_RULES = {
    "a movement is not one pair of opposite postings": """
        SELECT m.id, min(p.currency) AS currency,
               coalesce(sum(p.amount), 0)::text AS found, '0' AS expected
        FROM movements m LEFT JOIN postings p ON p.movement_id = m.id
        GROUP BY m.id
        HAVING count(p.id) <> 2 OR sum(p.amount) <> 0 OR count(DISTINCT p.currency) <> 1
    """,
    "the balance of a quota is not the sum of its postings": """
        SELECT q.id, q.currency, q.balance::text AS found,
               coalesce(p.total, 0)::text AS expected
        FROM quotas q LEFT JOIN (
            SELECT account_id, sum(amount) AS total FROM postings
            WHERE account_kind = 'quota' GROUP BY account_id
        ) p ON p.account_id = q.id
        WHERE q.balance <> coalesce(p.total, 0)
    """,
    "the balance of a quota is not its value less what went out plus what came back": """
        SELECT q.id, q.currency, q.balance::text AS found,
               (q.quota_value - q.returned_amount - coalesce(c.outside, 0)
                - coalesce(k.outside, 0))::text AS expected
        FROM quotas q LEFT JOIN (
            SELECT quota_id, sum(face_value - returned_amount) AS outside
            FROM coupons GROUP BY quota_id
        ) c ON c.quota_id = q.id LEFT JOIN (
            SELECT parent_quota_id, sum(quota_value - returned_amount) AS outside
            FROM quotas GROUP BY parent_quota_id
        ) k ON k.parent_quota_id = q.id
        WHERE q.balance <> q.quota_value - q.returned_amount - coalesce(c.outside, 0)
                           - coalesce(k.outside, 0)
    """,
    "the value of a quota is not its balance, what is out, and what was redeemed": """
        SELECT q.id, q.currency, (q.quota_value - q.returned_amount)::text AS found,
               (q.balance + coalesce(c.outside, 0) + coalesce(k.outside, 0)
                + coalesce(r.redeemed, 0))::text AS expected
        FROM quotas q LEFT JOIN (
            SELECT quota_id, sum(balance) AS outside FROM coupons GROUP BY quota_id
        ) c ON c.quota_id = q.id LEFT JOIN (
            SELECT parent_quota_id, sum(quota_value - returned_amount) AS outside
            FROM quotas GROUP BY parent_quota_id
        ) k ON k.parent_quota_id = q.id LEFT JOIN (
            SELECT m.quota_id, sum(p.amount) AS redeemed
            FROM movements m JOIN postings p ON p.movement_id = m.id
            WHERE p.account_kind = 'redeemed' GROUP BY m.quota_id
        ) r ON r.quota_id = q.id
        WHERE q.quota_value - q.returned_amount <> q.balance + coalesce(c.outside, 0)
              + coalesce(k.outside, 0) + coalesce(r.redeemed, 0)
    """,
    "the value of a quota is not what was granted, handed out or adjusted": """
        SELECT q.id, q.currency, q.quota_value::text AS found,
               coalesce(p.total, 0)::text AS expected
        FROM quotas q LEFT JOIN (
            SELECT m.quota_id, sum(p.amount) AS total
            FROM movements m JOIN postings p ON p.movement_id = m.id
            WHERE m.kind IN ('granted', 'handed_out', 'adjusted')
              AND p.account_kind = 'quota' AND p.account_id = m.quota_id
            GROUP BY m.quota_id
        ) p ON p.quota_id = q.id
        WHERE q.quota_value <> coalesce(p.total, 0)
    """,
    "what a quota gave back is not what its parent reclaimed": """
        SELECT q.id, q.currency, q.returned_amount::text AS found,
               coalesce(p.total, 0)::text AS expected
        FROM quotas q LEFT JOIN (
            SELECT m.quota_id, sum(p.amount) AS total
            FROM movements m JOIN quotas q ON q.id = m.quota_id
            JOIN postings p ON p.movement_id = m.id
            WHERE m.kind = 'reclaimed'
              AND p.account_kind = 'quota' AND p.account_id = q.parent_quota_id
            GROUP BY m.quota_id
        ) p ON p.quota_id = q.id
        WHERE q.returned_amount <> coalesce(p.total, 0)
    """,
    "a reclaimed quota holds a balance": """
        SELECT id, currency, balance::text AS found, '0' AS expected
        FROM quotas WHERE quota_status = 6 AND balance <> 0
    """,
    "a quota was handed out by nobody who stands above": """
        SELECT q.id, NULL AS currency, coalesce(q.distributor_id, '') AS found,
               coalesce(k.partner_id, '') AS expected
        FROM quotas q LEFT JOIN quotas k ON k.id = q.parent_quota_id
        WHERE q.parent_quota_id IS NOT NULL
          AND (k.partner_id = q.distributor_id AND k.currency = q.currency) IS NOT TRUE
    """,
    "the balance of a coupon is not the sum of its postings": """
        SELECT c.id, c.currency, c.balance::text AS found,
               coalesce(p.total, 0)::text AS expected
        FROM coupons c LEFT JOIN (
            SELECT account_id, sum(amount) AS total FROM postings
            WHERE account_kind IN ('coupon', 'card') GROUP BY account_id
        ) p ON p.account_id = c.id
        WHERE c.balance <> coalesce(p.total, 0)
    """,
    "the reserved amount of a coupon is not what open attempts hold": """
        SELECT c.id, c.currency, c.reserved_amount::text AS found,
               coalesce(r.held, 0)::text AS expected
        FROM coupons c LEFT JOIN (
            SELECT r.coupon_id, sum(r.amount) AS held
            FROM reservations r JOIN attempts a ON a.id = r.attempt_id
            WHERE a.state = 'open' AND r.coupon_type <> 2 GROUP BY r.coupon_id
        ) r ON r.coupon_id = c.id
        WHERE c.reserved_amount <> coalesce(r.held, 0)
    """,
    "a coupon is usable by who is no resale customer of its partner": f"""
        SELECT c.id, NULL AS currency, c.customer_id AS found, c.partner_id AS expected
        FROM coupons c LEFT JOIN customers h ON h.customer_id = c.customer_id
        WHERE {NOBODYS_COUPON}
    """,
    "an account of the ledger belongs to no quota or coupon": """
        SELECT DISTINCT p.account_id AS id, NULL AS currency, p.account_kind AS found,
               '' AS expected
        FROM postings p
        LEFT JOIN quotas q ON p.account_kind = 'quota' AND q.id = p.account_id
        LEFT JOIN coupons c ON p.account_kind IN ('coupon', 'card') AND c.id = p.account_id
             AND (p.account_kind = 'card') = (c.coupon_type = 5)
        WHERE p.account_kind IN ('quota', 'coupon', 'card') AND q.id IS NULL AND c.id IS NULL
    """,
    "what was granted is not what is there and what was redeemed": """
        SELECT currency AS id, currency, sum(amount)::text AS found, '0' AS expected
        FROM postings GROUP BY currency HAVING sum(amount) <> 0
    """,
}

_ALL_RULES = _RULES | VENDOR_RULES | VOUCHER_RULES
_LOOK = text(weighing(_ALL_RULES))
# One statement, so that all checks see one instant: between two of them a coupon might be issued.
_DIFFERENCES = text(
    " UNION ALL ".join(
        f"(SELECT '{rule}' AS rule, f.* FROM ({query} LIMIT {DIFFERENCES_MAX}) f)"
        for rule, query in _ALL_RULES.items()
    )
)
_TOTAL_OF = {
    "vendor": "granted",
    "quota": "in_quotas",
    "coupon": "in_coupons",
    "card": "in_cards",
    "partner_voucher": "in_partner_vouchers",
    "redeemed": "redeemed",
    "settled": "settled",
}
_ROOM = text("SELECT set_config('work_mem', '64MB', true)")
_TIME = text("SELECT set_config('statement_timeout', '10min', true)")


async def prove_ledger(session: AsyncSession, now: datetime) -> VoucherProof:
    """Look at everything there is, at one instant; nobody waits for it.

    Where the look leaves a doubt, the rules are asked one by one: they say what differs, and
    whether anything does.
    """
    seen = await look_at_ledger(session)
    found: list[Difference] = []
    if any(row.doubt for row in seen):
        await session.execute(_TIME)
        found = [_difference(row) for row in await session.execute(_DIFFERENCES)]
    return VoucherProof(as_of=now, balanced=not found, totals=_totals(seen), differences=found)


async def look_at_ledger(session: AsyncSession) -> Sequence[Row[Any]]:
    """Totals by kind of account, and each rule of which it is in doubt (`ledger.weigh_ledger`)."""
    await read_tables_once(session)
    await session.execute(_ROOM)
    return (await session.execute(_LOOK, {"seed": randbits(63)})).all()


def _totals(seen: Sequence[Row[Any]]) -> list[VoucherTotals]:
    """By currency; the vendor's account is what was granted, below zero."""
    sums: dict[str, dict[str, Any]] = {}
    for row in seen:
        if row.doubt is None and row.account_kind in _TOTAL_OF:
            signed = -row.total if row.account_kind == "vendor" else row.total
            sums.setdefault(row.currency, {})[_TOTAL_OF[row.account_kind]] = signed
    nothing: dict[str, Any] = dict.fromkeys(_TOTAL_OF.values(), Decimal("0.00"))
    return [
        VoucherTotals.model_validate(nothing | sums[currency] | {"currency": currency})
        for currency in sorted(sums)
    ]


def _difference(row: Row[Any]) -> Difference:
    if row.currency is None:
        return Difference.of(row)
    found, expected = money_text(Decimal(row.found)), money_text(Decimal(row.expected))
    return Difference.of(row, found=found, expected=expected)
