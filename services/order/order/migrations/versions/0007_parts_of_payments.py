"""What each means of payment paid of each line; the product's words and the unit of its size.

What was paid in a release before is shared over the lines as billing shared it, so that both agree:
cash, then credit, in proportion to what each line still owed, the cents that cutting leaves to the
largest remainders, the first of equals. In portions that each commit.
"""

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PORTION_ORDERS = 1_000

_COLUMNS = {
    "orders": ["user_name text"],
    "order_lines": [
        "product_spec_desc text",
        "size_measure_id bigint",
        "stored_card_amount numeric(38, 2) NOT NULL DEFAULT 0",
        "cash_amount numeric(38, 2) NOT NULL DEFAULT 0",
        "credit_amount numeric(38, 2) NOT NULL DEFAULT 0",
    ],
    "resources": ["product_spec_desc text", "size_measure_id bigint"],
}
_LAST = text("""
    SELECT count(*), max(order_id) FROM (
        SELECT order_id FROM orders WHERE order_id > :after ORDER BY order_id LIMIT :rows
    ) AS portion
""")
_SHARE = """
    WITH owed AS (
        SELECT l.line_id, l.order_id, l.position, 100 * o.{amount} AS cents,
               100 * (l.amount_after_discount - l.coupon_amount - l.flexipurchase_coupon_amount
                      - l.cash_amount) AS room
        FROM order_lines AS l JOIN orders AS o ON o.order_id = l.order_id
        WHERE o.order_id > :after AND o.order_id <= :last AND o.paid_at IS NOT NULL
          AND o.{amount} > 0
          AND NOT EXISTS (SELECT FROM order_lines AS done
                          WHERE done.order_id = o.order_id AND done.{amount} > 0)
    ), shared AS (
        SELECT line_id, order_id, cents, div(cents * room, sum(room) OVER of_order) AS part,
               row_number() OVER (PARTITION BY order_id ORDER BY
                   mod(cents * room, (SELECT sum(s.room) FROM owed AS s
                                      WHERE s.order_id = owed.order_id)) DESC, position) AS rank
        FROM owed WINDOW of_order AS (PARTITION BY order_id)
    ), whole AS (
        SELECT line_id, part, rank, cents - sum(part) OVER (PARTITION BY order_id) AS left_over
        FROM shared
    )
    UPDATE order_lines AS l
    SET {amount} = (w.part + CASE WHEN w.rank <= w.left_over THEN 1 ELSE 0 END) / 100
    FROM whole AS w WHERE l.line_id = w.line_id
"""


def upgrade() -> None:
    """Go forward."""
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column}")
    with op.get_context().autocommit_block():
        engine = op.get_bind().engine
        after = ""
        with engine.connect() as connection:
            while True:
                with connection.begin():
                    found = connection.execute(_LAST, {"after": after, "rows": PORTION_ORDERS})
                    portion, last = found.one()
                    if not portion:
                        return
                    between = {"after": after, "last": last}
                    for amount in ("cash_amount", "credit_amount"):
                        connection.execute(text(_SHARE.format(amount=amount)), between)
                after = last
