"""Subscriptions to files, and the deliveries of each."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE file_subscriptions (subscription_id text PRIMARY KEY,"
        " partner_id text NOT NULL, distributor_id text, frequency text NOT NULL,"
        " format text NOT NULL, view text NOT NULL, language text NOT NULL,"
        " target_kind text NOT NULL, target jsonb NOT NULL, secret_key_id text, secret bytea,"
        " state text NOT NULL, last_error text, last_delivered_at timestamptz,"
        " next_at timestamptz NOT NULL, created_at timestamptz NOT NULL, ended_at timestamptz,"
        " version bigint NOT NULL)"
    )
    op.execute(
        "CREATE INDEX subscriptions_of_partner ON file_subscriptions (partner_id, subscription_id)"
    )
    op.execute(
        "CREATE INDEX subscriptions_to_test ON file_subscriptions (subscription_id)"
        " WHERE state = 'testing'"
    )
    op.execute(
        "CREATE INDEX subscriptions_due ON file_subscriptions (next_at)"
        " WHERE state IN ('active', 'failing')"
    )
    op.execute(
        "CREATE TABLE file_deliveries (delivery_id text PRIMARY KEY,"
        " subscription_id text NOT NULL REFERENCES file_subscriptions, partner_id text NOT NULL,"
        " distributor_id text, cycle text NOT NULL, day text NOT NULL, export_id text,"
        " state text NOT NULL, tries bigint NOT NULL, next_try_at timestamptz NOT NULL,"
        " error text, files jsonb NOT NULL, holder text, held_until timestamptz,"
        " created_at timestamptz NOT NULL, ended_at timestamptz, version bigint NOT NULL)"
    )
    op.execute(
        "CREATE INDEX deliveries_of_subscription ON file_deliveries (subscription_id, delivery_id)"
    )
    op.execute(
        "CREATE INDEX deliveries_to_do ON file_deliveries (next_try_at) WHERE state = 'waiting'"
    )
    for table in ("file_subscriptions", "file_deliveries"):
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT ON {table} TO {REQUEST_ROLE}")
    op.execute(f"GRANT INSERT, UPDATE ON file_subscriptions TO {REQUEST_ROLE}")
