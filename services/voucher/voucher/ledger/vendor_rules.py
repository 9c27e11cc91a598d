"""What the proof looks at of the vendor's own coupons, which have no quota (decision 0119).

Each query tells the rows that are wrong.
"""

VENDOR_RULES = {
    "the balance of a coupon of the vendor is not its value less what it returned and paid": """
        SELECT c.id, c.currency, c.balance::text AS found,
               (c.face_value - c.returned_amount - c.transferred_amount
                - coalesce(p.redeemed, 0))::text AS expected
        FROM coupons c LEFT JOIN (
            SELECT m.coupon_id, sum(p.amount) AS redeemed
            FROM movements m JOIN postings p ON p.movement_id = m.id
            WHERE m.quota_id IS NULL AND p.account_kind = 'redeemed' GROUP BY m.coupon_id
        ) p ON p.coupon_id = c.id
        WHERE c.quota_id IS NULL
          AND c.balance <> c.face_value - c.returned_amount - c.transferred_amount
                           - coalesce(p.redeemed, 0)
    """,
    "what the vendor gave for a coupon is not its value less what came back": """
        SELECT c.id, c.currency, (c.face_value - c.returned_amount)::text AS found,
               coalesce(-p.total, 0)::text AS expected
        FROM coupons c LEFT JOIN (
            SELECT m.coupon_id, p.account_id, sum(p.amount) AS total
            FROM movements m JOIN postings p ON p.movement_id = m.id
            WHERE m.quota_id IS NULL AND p.account_kind = 'vendor' AND m.coupon_id IS NOT NULL
            GROUP BY m.coupon_id, p.account_id
        ) p ON p.coupon_id = c.id AND p.account_id = c.partner_id
        WHERE c.quota_id IS NULL AND c.main_coupon_id IS NULL
          AND c.face_value - c.returned_amount <> coalesce(-p.total, 0)
    """,
    "what a coupon handed to members is not what sub-coupons got and kept": """
        SELECT c.id, c.currency, c.transferred_amount::text AS found,
               coalesce(-p.total, 0)::text AS expected
        FROM coupons c LEFT JOIN (
            SELECT p.account_id, sum(p.amount) AS total
            FROM movements m JOIN postings p ON p.movement_id = m.id
            WHERE m.kind IN ('transferred', 'retrieved') AND p.account_id = m.coupon_id
            GROUP BY p.account_id
        ) p ON p.account_id = c.id
        WHERE c.quota_id IS NULL AND c.transferred_amount <> coalesce(-p.total, 0)
    """,
    "a sub-coupon is not what the main coupon handed over": """
        SELECT c.id, c.currency, c.face_value::text AS found,
               coalesce(p.total, 0)::text AS expected
        FROM coupons c LEFT JOIN coupons k ON k.id = c.main_coupon_id LEFT JOIN (
            SELECT p.account_id, m.coupon_id, sum(p.amount) AS total
            FROM movements m JOIN postings p ON p.movement_id = m.id
            WHERE m.kind = 'transferred' AND p.account_id <> m.coupon_id
            GROUP BY p.account_id, m.coupon_id
        ) p ON p.account_id = c.id AND p.coupon_id = c.main_coupon_id
        WHERE c.main_coupon_id IS NOT NULL
          AND (c.face_value = p.total AND c.currency = k.currency) IS NOT TRUE
    """,
    "what a sub-coupon gave back is not what its movements say": """
        SELECT c.id, c.currency, c.returned_amount::text AS found,
               coalesce(-p.total, 0)::text AS expected
        FROM coupons c LEFT JOIN (
            SELECT p.account_id, sum(p.amount) AS total
            FROM movements m JOIN postings p ON p.movement_id = m.id
            WHERE m.kind IN ('returned', 'retrieved') AND p.account_kind = 'coupon'
            GROUP BY p.account_id
        ) p ON p.account_id = c.id
        WHERE c.main_coupon_id IS NOT NULL AND c.returned_amount <> coalesce(-p.total, 0)
    """,
    "a movement of a coupon is of another quota than the coupon": """
        SELECT m.id, NULL AS currency, coalesce(m.quota_id, '') AS found,
               coalesce(c.quota_id, '') AS expected
        FROM movements m JOIN coupons c ON c.id = m.coupon_id
        WHERE m.quota_id IS DISTINCT FROM c.quota_id
    """,
}
