"""A pause between two codes to one phone, and when the last wrong one was tried.

Phones are everybody's: a request begins a pause by a function of the owner's, and reads none.
"""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE code_pauses (
    receiver TEXT PRIMARY KEY,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL
)
"""
_BEGIN = """
CREATE FUNCTION begin_code_pause(
    to_receiver text, since timestamptz, rested_since timestamptz
) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    INSERT INTO code_pauses AS known (receiver, sent_at) VALUES (to_receiver, since)
    ON CONFLICT (receiver) DO UPDATE SET sent_at = since WHERE known.sent_at <= rested_since
    RETURNING true
$$
"""
_NAME = "begin_code_pause(text, timestamptz, timestamptz)"


def upgrade() -> None:
    """Go forward."""
    op.execute(_TABLE)
    op.execute("CREATE INDEX ix_code_pauses_sent_at ON code_pauses (sent_at)")
    op.execute(_BEGIN)
    op.execute(f"REVOKE ALL ON FUNCTION {_NAME} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_NAME} TO {REQUEST_ROLE}")
    op.execute("ALTER TABLE verification_codes ADD COLUMN IF NOT EXISTS failed_at timestamptz")
