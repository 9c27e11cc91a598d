"""The answers to signed PUTs and DELETEs, for those who send the same again."""

from alembic import op

revision = "0015"
down_revision = "0014"

_KEPT = """
CREATE TABLE kept_answers (
    fingerprint TEXT PRIMARY KEY,
    request_id TEXT NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    status BIGINT,
    headers JSONB,
    body BYTEA
)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_KEPT)
    op.execute("CREATE INDEX ix_kept_answers_claimed_at ON kept_answers (claimed_at)")
