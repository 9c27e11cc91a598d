"""Renewals: what is set for automatic ones, the unified day, and when the end is told.

Resources in use are told of their end from now on. In portions that each commit.
"""

from alembic import op
from sqlalchemy import text

from chassis.build_indexes import build_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

PORTION_RESOURCES = 2_000

_COLUMNS = [
    "auto_renew_period_type bigint",
    "auto_renewals_left bigint",
    "next_renewal_at timestamptz",
    "renewing_until timestamptz",
    "notice_at timestamptz",
]
_SETTINGS = """
CREATE TABLE IF NOT EXISTS renewal_settings (
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    deduction_days bigint NOT NULL,
    expire_day bigint,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, partner_id)
)
"""
_LAST = text("""
    SELECT count(*), max(resource_id) FROM (
        SELECT resource_id FROM resources WHERE resource_id > :after
        ORDER BY resource_id LIMIT :rows
    ) AS portion
""")
_NOTICES = text("""
    UPDATE resources SET notice_at = expire_at - interval '30 days'
    WHERE resource_id > :after AND resource_id <= :last
      AND charging_mode = 1 AND status = 2 AND notice_at IS NULL
""")


def upgrade() -> None:
    """Go forward."""
    for column in _COLUMNS:
        op.execute(f"ALTER TABLE resources ADD COLUMN IF NOT EXISTS {column}")
    op.execute(_SETTINGS)
    op.execute("DROP POLICY IF EXISTS tenant ON renewal_settings")
    bind_to_tenant(op, "renewal_settings", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON renewal_settings TO {REQUEST_ROLE}")
    build_index(
        op,
        "resources_to_end",
        "resources (status, expire_at) WHERE charging_mode = 1 AND status <> 3",
    )
    build_index(op, "resources_to_tell", "resources (notice_at) WHERE notice_at IS NOT NULL")
    build_index(
        op, "resources_to_renew", "resources (next_renewal_at) WHERE next_renewal_at IS NOT NULL"
    )
    with op.get_context().autocommit_block():
        engine = op.get_bind().engine
        after = ""
        with engine.connect() as connection:
            while True:
                with connection.begin():
                    found = connection.execute(_LAST, {"after": after, "rows": PORTION_RESOURCES})
                    portion, last = found.one()
                    if not portion:
                        return
                    connection.execute(_NOTICES, {"after": after, "last": last})
                after = last
