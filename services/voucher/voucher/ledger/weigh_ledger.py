"""A look at the whole ledger that costs little: sums under weights instead of groups by account.

Each movement and each account has a weight, drawn anew for each look: the hash of its id under a
random seed. If each account has what its postings say, the postings by weight of their accounts
have the same sum as the balances by weight of their ids. A single wrong cent anywhere moves such a
sum, except by a chance of one in 2^60. No million groups need to be kept beside each other, and
nothing spills to a disk.

What must be the same set on both sides, such as the two postings of each movement, or the coupons
that movements name and those that postings are of, is weighed as such: the sum of the hashes of all
of its members, which are cheap to add.

What cannot be weighed is looked at by the rules themselves. Who finds a sum that is wrong asks all
rules, which tell what it is.
"""

_HOLDS = "('coupon', 'card')"  # kinds of account
# Each moves one coupon's balance: that of the coupon it names.
_PLAIN = "('issued', 'returned', 'redeemed', 'restored')"

# A coupon `c` that may be used, and is not its holder `h`'s to use.
NOBODYS_COUPON = """
    c.status IN (1, 2) AND c.recall_due IS NULL AND c.coupon_type <> 5
    AND (c.balance > 0 OR c.coupon_type = 2)
    AND NOT (c.quota_id IS NULL AND c.customer_id = c.partner_id)
    AND (h.partner_id = c.partner_id AND h.association_status = 'associated'
         AND h.association_type IN ('2', '3')) IS NOT TRUE
"""

# Postings, movements beside their coupons, and coupons beside their holders are read once each.
_PARTS = f"""
    summed AS MATERIALIZED (
        SELECT account_kind, currency, sum(amount) AS total,
               sum(hashtextextended(movement_id, hash_numeric_extended(abs(amount), :seed)))
                   FILTER (WHERE amount > 0) AS entered,
               sum(hashtextextended(movement_id, hash_numeric_extended(abs(amount), :seed)))
                   FILTER (WHERE amount < 0) AS went,
               sum(hashtextextended(movement_id, :seed)) AS sides,
               sum(amount * hashtextextended(account_id, :seed)) AS by_account,
               sum(hashtextextended(account_id, hashtextextended(movement_id, :seed)))
                   FILTER (WHERE account_kind IN {_HOLDS}) AS moved
        FROM postings GROUP BY account_kind, currency
    ), moves AS MATERIALIZED (
        SELECT CASE WHEN c.coupon_type = 5 THEN 'card' ELSE 'coupon' END AS account_kind,
               sum(hashtextextended(m.id, :seed)) AS sides,
               sum(hashtextextended(c.id, hashtextextended(m.id, :seed)))
                   FILTER (WHERE m.kind IN {_PLAIN}) AS moved,
               count(*) FILTER (WHERE m.quota_id IS DISTINCT FROM c.quota_id
                                  AND c.id IS NOT NULL) AS strangers
        FROM movements m LEFT JOIN coupons c ON c.id = m.coupon_id
        GROUP BY CASE WHEN c.coupon_type = 5 THEN 'card' ELSE 'coupon' END
    ), rare AS MATERIALIZED (
        SELECT * FROM movements WHERE kind NOT IN {_PLAIN} OR quota_id IS NULL
    ), transfers AS (
        SELECT p.account_kind,
               sum(hashtextextended(p.account_id, hashtextextended(p.movement_id, :seed))) AS moved
        FROM rare m JOIN postings p ON p.movement_id = m.id
        JOIN coupons c ON c.id = p.account_id AND (p.account_kind = 'card') = (c.coupon_type = 5)
        WHERE m.kind IN ('transferred', 'retrieved') AND p.account_kind IN {_HOLDS}
        GROUP BY p.account_kind
    ), held AS MATERIALIZED (
        SELECT c.quota_id, c.coupon_type = 5 AS is_card, c.currency, sum(c.balance) AS balance,
               sum(c.face_value - c.returned_amount) AS outside,
               sum(c.balance * hashtextextended(c.id, :seed)) AS by_account,
               sum(c.reserved_amount * hashtextextended(c.id, :seed))
                   FILTER (WHERE c.reserved_amount <> 0) AS reserved,
               count(*) FILTER (WHERE {NOBODYS_COUPON}) AS nobodys
        FROM coupons c LEFT JOIN customers h ON h.customer_id = c.customer_id
        GROUP BY c.quota_id, c.coupon_type = 5, c.currency
    ), balances AS (
        SELECT 'quota' AS account_kind, currency,
               sum(balance * hashtextextended(id, :seed)) AS by_account
        FROM quotas GROUP BY currency
        UNION ALL
        SELECT CASE WHEN is_card THEN 'card' ELSE 'coupon' END, currency, sum(by_account)
        FROM held GROUP BY is_card, currency
        UNION ALL
        SELECT 'partner_voucher', currency, sum(balance * hashtextextended(id, :seed))
        FROM partner_vouchers GROUP BY currency
    ), out_of_quotas AS (
        SELECT quota_id, sum(balance) AS balance, sum(outside) AS outside
        FROM held GROUP BY quota_id
    ), children AS (
        SELECT parent_quota_id AS quota_id, sum(quota_value - returned_amount) AS outside
        FROM quotas WHERE parent_quota_id IS NOT NULL GROUP BY parent_quota_id
    ), redeemed AS (
        SELECT m.quota_id, sum(p.amount) AS amount
        FROM postings p JOIN movements m ON m.id = p.movement_id
        WHERE p.account_kind = 'redeemed' GROUP BY m.quota_id
    )
"""

# Rule of the ledger → rows where there is doubt.
WEIGHED = {
    "a movement is not one pair of opposite postings": """
        SELECT FROM (
            SELECT sum(sides) AS sides FROM summed
        ) s, (
            SELECT 2 * sum(sides) AS sides FROM moves
        ) m
        WHERE s.sides IS DISTINCT FROM m.sides
        UNION ALL
        SELECT FROM summed GROUP BY currency
        HAVING coalesce(sum(entered), 0) <> coalesce(sum(went), 0)
        UNION ALL -- what moves nothing has no weight
        (SELECT FROM postings WHERE amount = 0
         GROUP BY movement_id HAVING count(DISTINCT currency) <> 1)
    """,
    "the balance of a quota is not the sum of its postings": """
        SELECT FROM balances b FULL JOIN summed s USING (account_kind, currency)
        WHERE account_kind = 'quota'
          AND coalesce(b.by_account, 0) <> coalesce(s.by_account, 0)
    """,
    "the balance of a coupon is not the sum of its postings": """
        SELECT FROM balances b FULL JOIN summed s USING (account_kind, currency)
        WHERE account_kind IN ('coupon', 'card')
          AND coalesce(b.by_account, 0) <> coalesce(s.by_account, 0)
    """,
    "the balance of a partner voucher is not the sum of its postings": """
        SELECT FROM balances b FULL JOIN summed s USING (account_kind, currency)
        WHERE account_kind = 'partner_voucher'
          AND coalesce(b.by_account, 0) <> coalesce(s.by_account, 0)
    """,
    "the balance of a quota is not its value less what went out plus what came back": """
        SELECT FROM quotas q LEFT JOIN out_of_quotas c ON c.quota_id = q.id
             LEFT JOIN children k ON k.quota_id = q.id
        WHERE q.balance <> q.quota_value - q.returned_amount - coalesce(c.outside, 0)
                           - coalesce(k.outside, 0)
    """,
    "the value of a quota is not its balance, what is out, and what was redeemed": """
        SELECT FROM quotas q LEFT JOIN out_of_quotas c ON c.quota_id = q.id
             LEFT JOIN children k ON k.quota_id = q.id LEFT JOIN redeemed r ON r.quota_id = q.id
        WHERE q.quota_value - q.returned_amount <> q.balance + coalesce(c.balance, 0)
              + coalesce(k.outside, 0) + coalesce(r.amount, 0)
    """,
    "the reserved amount of a coupon is not what open attempts hold": """
        SELECT FROM (
            SELECT coalesce(sum(reserved), 0) AS reserved FROM held
        ) c, (
            SELECT coalesce(sum(r.amount * hashtextextended(r.coupon_id, :seed)), 0) AS held
            FROM reservations r JOIN attempts a ON a.id = r.attempt_id
            WHERE a.state = 'open' AND r.coupon_type <> 2
        ) r
        WHERE c.reserved <> r.held
    """,
    "a coupon is usable by who is no resale customer of its partner": """
        SELECT FROM held WHERE nobodys > 0
    """,
    "a movement of a coupon is of another quota than the coupon": """
        SELECT FROM moves WHERE strangers > 0
    """,
    "an account of the ledger belongs to no quota or coupon": """
        SELECT FROM (
            SELECT account_kind, sum(moved) AS moved FROM summed
            WHERE account_kind IN ('coupon', 'card') GROUP BY account_kind
        ) s FULL JOIN (
            SELECT account_kind, sum(moved) AS moved FROM (
                SELECT account_kind, moved FROM moves UNION ALL TABLE transfers
            ) m GROUP BY account_kind
        ) m USING (account_kind)
        WHERE coalesce(s.moved, 0) <> coalesce(m.moved, 0)
        UNION ALL
        (SELECT FROM postings p LEFT JOIN quotas q ON q.id = p.account_id
         WHERE p.account_kind = 'quota' AND q.id IS NULL LIMIT 1)
    """,
    "what was granted is not what is there and what was redeemed": """
        SELECT FROM summed GROUP BY currency HAVING sum(total) <> 0
    """,
}


# These ask about few movements, all of which `rare` has; it is read in place of all.
RARE = {
    "the value of a quota is not what was granted, handed out or adjusted",
    "what a quota gave back is not what its parent reclaimed",
    "the balance of a coupon of the vendor is not its value less what it returned and paid",
    "what the vendor gave for a coupon is not its value less what came back",
    "what a coupon handed to members is not what sub-coupons got and kept",
    "a sub-coupon is not what the main coupon handed over",
}


def _asked(rule: str, query: str) -> str:
    """How the look asks the rule."""
    if rule in RARE:
        return query.replace("FROM movements m", "FROM rare m")
    return WEIGHED.get(rule, query)


def weighing(rules: dict[str, str]) -> str:
    """One statement, so that it sees one instant: totals by kind of account, and rules in doubt.

    Of `rules`, those that are not weighed are asked as they are.
    """
    doubts = [
        f"(SELECT '{rule}' AS doubt, NULL AS account_kind, NULL AS currency, NULL::numeric AS total"
        f" FROM ({_asked(rule, query)}) f LIMIT 1)"
        for rule, query in rules.items()
    ]
    totals = "SELECT NULL AS doubt, account_kind, currency, total FROM summed"
    return f"WITH {_PARTS} {' UNION ALL '.join([totals, *doubts])}"
