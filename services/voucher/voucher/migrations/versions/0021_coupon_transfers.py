"""Coupons between an enterprise master and its members: sub-coupons, and what was asked once."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE customers ADD COLUMN is_enterprise_master boolean NOT NULL DEFAULT false",
    "ALTER TABLE coupons ADD COLUMN main_coupon_id text REFERENCES coupons (id)",
    "ALTER TABLE coupons ADD COLUMN transferred_amount numeric(38, 2) NOT NULL DEFAULT 0",
    "ALTER TABLE coupons ADD CONSTRAINT of_vendors_alone"
    " CHECK (quota_id IS NULL OR (main_coupon_id IS NULL AND transferred_amount = 0))",
    "ALTER TABLE coupons ADD CONSTRAINT never_more_back CHECK (transferred_amount >= 0)",
    """
    CREATE TABLE coupon_transfers (
        id TEXT NOT NULL,
        partner_id TEXT NOT NULL,
        distributor_id TEXT,
        master_id TEXT NOT NULL,
        trans_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        member_id TEXT NOT NULL,
        coupon_id TEXT NOT NULL,
        sub_coupon_id TEXT NOT NULL,
        amount NUMERIC(38, 2),
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT coupon_transfers_once UNIQUE (master_id, trans_id)
    )
    """,
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON coupon_transfers TO {REQUEST_ROLE}",
)


def upgrade() -> None:
    """Go forward."""
    for statement in _STATEMENTS:
        op.execute(statement)
    bind_to_tenant(op, "coupon_transfers", has_distributor=True)
