"""Which rule of a sandbox sends an order to a review, asked for by who sees no rules."""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_TAKE = """
CREATE OR REPLACE FUNCTION take_review_rule(of_customer text, products text[]) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    WITH chosen AS (
        SELECT rule_id FROM provisioning_rules
        WHERE at = 'provisioning' AND outcome = 'review' AND (times IS NULL OR used < times)
            AND (customer_id = of_customer OR product_id = ANY (products))
        ORDER BY customer_id IS NULL, rule_id
        LIMIT 1
        FOR UPDATE
    )
    UPDATE provisioning_rules SET used = used + 1
    FROM chosen WHERE provisioning_rules.rule_id = chosen.rule_id
    RETURNING true
$$
"""


def upgrade() -> None:
    """Go forward. It says whether there is one, and that one is used by it."""
    op.execute(_TAKE)
    op.execute("REVOKE ALL ON FUNCTION take_review_rule(text, text[]) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION take_review_rule(text, text[]) TO {REQUEST_ROLE}")
