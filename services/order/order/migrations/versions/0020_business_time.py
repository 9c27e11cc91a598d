"""Business time may be ahead of the wall: one row says how far."""

from alembic import op

revision = "0020"
down_revision = "0019"

_TABLE = """
CREATE TABLE business_time (
    is_only BOOLEAN DEFAULT true NOT NULL,
    ahead INTERVAL NOT NULL,
    reached TIMESTAMP WITH TIME ZONE NOT NULL,
    stands BOOLEAN NOT NULL,
    PRIMARY KEY (is_only)
)
"""
# When an attempt began by the wall: whoever moves business time abandons no payment under way.
_BEGUN = """
ALTER TABLE payment_attempts ADD COLUMN begun_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL
"""


def upgrade() -> None:
    """Go forward; nothing has moved yet, so there is no row."""
    op.execute(_TABLE)
    op.execute(_BEGUN)
