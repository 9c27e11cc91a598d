"""The first tables, and the second wall around the ledger."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import make_request_role, run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Runs as the owner, whom row-level security does not bind: it must see every posting.
_BALANCED = """
CREATE FUNCTION movement_is_balanced() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public AS $$
DECLARE
    total numeric;
BEGIN
    SELECT sum(amount) INTO total FROM postings WHERE movement_id = NEW.movement_id;
    IF total <> 0 THEN
        RAISE EXCEPTION 'movement % is not balanced: %', NEW.movement_id, total
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

_AT_COMMIT = """
CREATE CONSTRAINT TRIGGER postings_balanced AFTER INSERT OR UPDATE ON postings
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION movement_is_balanced()
"""


def upgrade() -> None:
    """Create everything."""
    make_request_role(op)
    run_sql(op, __file__)
    op.execute(_BALANCED)
    op.execute(_AT_COMMIT)
    # What was posted stays posted: a mistake is mended by another movement.
    op.execute(f"REVOKE UPDATE, DELETE ON movements, postings FROM {REQUEST_ROLE}")
