"""What became of coupons and moved nothing: refusals."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE coupon_notes (
    id text NOT NULL,
    coupon_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    event text NOT NULL,
    order_id text,
    attempt_id text,
    code text,
    rule text,
    by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (id)
)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_TABLE)
    op.execute("CREATE INDEX coupon_notes_of ON coupon_notes (coupon_id, at)")
    bind_to_tenant(op, "coupon_notes", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT ON coupon_notes TO {REQUEST_ROLE}")
