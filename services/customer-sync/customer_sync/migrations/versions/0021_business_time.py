"""Business time may be ahead of the wall: one row says how far."""

from alembic import op

revision = "0021"
down_revision = "0020"

_TABLE = """
CREATE TABLE business_time (
    is_only BOOLEAN DEFAULT true NOT NULL,
    ahead INTERVAL NOT NULL,
    reached TIMESTAMP WITH TIME ZONE NOT NULL,
    stands BOOLEAN NOT NULL,
    PRIMARY KEY (is_only)
)
"""


def upgrade() -> None:
    """Go forward; nothing has moved yet, so there is no row."""
    op.execute(_TABLE)
