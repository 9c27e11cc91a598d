"""What an administrator wants to see happen, in a sandbox."""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_RULES = """
CREATE TABLE IF NOT EXISTS provisioning_rules (
    rule_id text PRIMARY KEY,
    order_id text,
    customer_id text,
    product_id text,
    at text NOT NULL,
    outcome text NOT NULL,
    delay_seconds bigint NOT NULL,
    code text,
    times bigint,
    used bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS rules_of_order ON provisioning_rules (order_id)
    WHERE order_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS rules_of_customer ON provisioning_rules (customer_id)
    WHERE customer_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS rules_of_product ON provisioning_rules (product_id)
    WHERE product_id IS NOT NULL;
ALTER TABLE pieces ADD COLUMN IF NOT EXISTS rule_id text;
ALTER TABLE pieces ADD COLUMN IF NOT EXISTS ruled_at timestamptz;
ALTER TABLE provisioning_rules ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS administrators ON provisioning_rules
"""


def upgrade() -> None:
    """Go forward. No tenant reads rules: they are the administrator's."""
    for statement in _RULES.split(";"):
        op.execute(statement)
    all_of_it = "current_setting('channelbus.partner_id', true) = '*'"
    op.execute(
        f"CREATE POLICY administrators ON provisioning_rules TO {REQUEST_ROLE}"
        f" USING ({all_of_it}) WITH CHECK ({all_of_it})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON provisioning_rules TO {REQUEST_ROLE}")
