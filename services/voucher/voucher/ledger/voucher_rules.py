"""What the proof looks at of partner vouchers; each query tells the rows that are wrong."""

VOUCHER_RULES = {
    "the balance of a partner voucher is not the sum of its postings": """
        SELECT v.id, v.currency, v.balance::text AS found,
               coalesce(p.total, 0)::text AS expected
        FROM partner_vouchers v LEFT JOIN (
            SELECT account_id, sum(amount) AS total FROM postings
            WHERE account_kind = 'partner_voucher' GROUP BY account_id
        ) p ON p.account_id = v.id
        WHERE v.balance <> coalesce(p.total, 0)
    """,
    "the balance of a partner voucher is not its amount less what lines have of it": """
        SELECT v.id, v.currency, v.balance::text AS found,
               (v.amount - v.lapsed_amount - coalesce(l.paid, 0))::text AS expected
        FROM partner_vouchers v LEFT JOIN (
            SELECT voucher_id, sum(amount) AS paid FROM settled_parts GROUP BY voucher_id
        ) l ON l.voucher_id = v.id
        WHERE v.balance <> v.amount - v.lapsed_amount - coalesce(l.paid, 0)
    """,
    "a settled line is not what is due of it and what vouchers paid": """
        SELECT s.line_id AS id, s.currency, s.amount::text AS found,
               (s.due - s.forfeited + coalesce(l.paid, 0))::text AS expected
        FROM settled_lines s LEFT JOIN (
            SELECT partner_id, line_id, sum(amount) AS paid
            FROM settled_parts GROUP BY partner_id, line_id
        ) l ON l.partner_id = s.partner_id AND l.line_id = s.line_id
        WHERE s.amount <> s.due - s.forfeited + coalesce(l.paid, 0)
    """,
    "an account of the ledger belongs to no partner voucher": """
        SELECT DISTINCT p.account_id AS id, NULL AS currency, p.account_kind AS found,
               '' AS expected
        FROM postings p LEFT JOIN partner_vouchers v ON v.id = p.account_id
        WHERE p.account_kind = 'partner_voucher' AND v.id IS NULL
    """,
}
