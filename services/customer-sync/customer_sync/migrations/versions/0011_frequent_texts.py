"""Changes of tallies say their texts too, so that longer texts can be tallied where frequent.

Changes from before say none, and count for no such text: a text's tally begins with what the table
says less what waits and counts for it. A new database has the columns already.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TEXTS = ("account_name", "customer_name", "label")
# A replica of the version before would sum up changes past the longer texts. It asks for `id`: so
# it fails, harmlessly, and leaves them to the new ones.
_RENAME = """
DO $$ BEGIN
    ALTER TABLE tally_changes RENAME COLUMN id TO number;
EXCEPTION WHEN undefined_column THEN NULL;
END $$
"""
_APPEND = """
CREATE OR REPLACE FUNCTION append_tally_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.association_status = 'associated' THEN
        INSERT INTO tally_changes
            (partner_id, distributor_id, association_type, associated_day, grams,
             account_name, customer_name, label, by)
        VALUES (OLD.partner_id, OLD.distributor_id, OLD.association_type,
                (OLD.associated_on AT TIME ZONE 'UTC')::date, OLD.grams, lower(OLD.account_name),
                lower(coalesce(OLD.customer_name, '')), coalesce(OLD.label, ''), -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.association_status = 'associated' THEN
        INSERT INTO tally_changes
            (partner_id, distributor_id, association_type, associated_day, grams,
             account_name, customer_name, label, by)
        VALUES (NEW.partner_id, NEW.distributor_id, NEW.association_type,
                (NEW.associated_on AT TIME ZONE 'UTC')::date, NEW.grams, lower(NEW.account_name),
                lower(coalesce(NEW.customer_name, '')), coalesce(NEW.label, ''), 1);
    END IF;
    RETURN NULL;
END $$
"""
_COUNTS_FOR = (
    "{0}.partner_id, {0}.distributor_id, {0}.association_status, {0}.association_type,"
    " {0}.associated_on, {0}.account_name, {0}.customer_name, {0}.label"
)
# By the texts, not by their grams: abab and ababab have the same ones.
_CHANGED = f"""
CREATE TRIGGER tally_changed AFTER UPDATE ON customers FOR EACH ROW
WHEN (({_COUNTS_FOR.format("OLD")}) IS DISTINCT FROM ({_COUNTS_FOR.format("NEW")}))
EXECUTE FUNCTION append_tally_changes()
"""


def upgrade() -> None:
    """Go forward."""
    # First, since it waits for every writer whose change would say no text.
    op.execute("DROP TRIGGER tally_changed ON customers")
    op.execute(_RENAME)
    added = (f"ADD COLUMN IF NOT EXISTS {name} text NOT NULL DEFAULT ''" for name in _TEXTS)
    op.execute(f"ALTER TABLE tally_changes {', '.join(added)}")
    op.execute(_APPEND)
    op.execute(_CHANGED)
