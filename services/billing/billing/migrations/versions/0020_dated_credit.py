"""Credit that ends on a date, and what enterprise masters moved to and from their members."""

from alembic import op

from chassis.build_indexes import build_index, drop_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0020"
down_revision = "0019"

_TABLES = {
    "held_credits": """
        attempt_id TEXT NOT NULL, account_id TEXT NOT NULL, partner_id TEXT NOT NULL,
        distributor_id TEXT, amount NUMERIC(38, 2) NOT NULL,
        PRIMARY KEY (attempt_id, account_id)""",
    "line_credits": """
        line_id TEXT NOT NULL, account_id TEXT NOT NULL, bill_cycle TEXT NOT NULL,
        trade_time TIMESTAMP WITH TIME ZONE NOT NULL, order_line_id TEXT,
        partner_id TEXT NOT NULL, distributor_id TEXT, amount NUMERIC(38, 2) NOT NULL,
        PRIMARY KEY (line_id, account_id)""",
    "enterprise_transfers": """
        master_id TEXT NOT NULL, trans_id TEXT NOT NULL, member_id TEXT NOT NULL,
        is_reclaim BOOLEAN NOT NULL, account_type BIGINT NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE, amount NUMERIC(38, 2) NOT NULL,
        movement_id TEXT NOT NULL, at TIMESTAMP WITH TIME ZONE NOT NULL,
        partner_id TEXT NOT NULL, distributor_id TEXT,
        PRIMARY KEY (master_id, trans_id)""",
}
_INDEXES = (
    "line_credits_of_account ON line_credits (account_id, trade_time, line_id)",
    "line_credits_of_order_line ON line_credits (order_line_id)",
    "enterprise_transfers_of_member ON enterprise_transfers (member_id, master_id)",
)


def upgrade() -> None:
    """Go forward; all credit of before has no end."""
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        op.execute(f"DROP POLICY IF EXISTS tenant ON {table}")
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {REQUEST_ROLE}")
    op.execute(f"REVOKE UPDATE, DELETE ON enterprise_transfers FROM {REQUEST_ROLE}")
    for index in _INDEXES:
        op.execute(f"CREATE INDEX IF NOT EXISTS {index}")
    op.execute("ALTER TABLE accounts ADD COLUMN IF NOT EXISTS expires_at TIMESTAMP WITH TIME ZONE")
    build_index(
        op,
        "accounts_of_owner_by_end",
        "accounts (owner_id, account_type, expires_at) NULLS NOT DISTINCT",
        unique=True,
    )
    build_index(op, "accounts_that_end", "accounts (expires_at) WHERE expires_at IS NOT NULL")
    drop_index(op, "accounts_of_owner")
