"""Tallies in place of the counters: any search of one or two characters is counted without a scan.

They are kept by triggers, so that no use case can forget them, and by appending, so that nobody
waits for the row of a frequent character pair; `merge_tallies` sums up what was appended.
"""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import run_sql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Old and new state of whoever was or is associated. A row each and nothing else: what it counts for
# is worked out when changes are summed up, many at once.
_APPEND = """
CREATE FUNCTION append_tally_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.association_status = 'associated' THEN
        INSERT INTO tally_changes
            (partner_id, distributor_id, association_type, associated_day, grams, by)
        VALUES (OLD.partner_id, OLD.distributor_id, OLD.association_type,
                (OLD.associated_on AT TIME ZONE 'UTC')::date, OLD.grams, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.association_status = 'associated' THEN
        INSERT INTO tally_changes
            (partner_id, distributor_id, association_type, associated_day, grams, by)
        VALUES (NEW.partner_id, NEW.distributor_id, NEW.association_type,
                (NEW.associated_on AT TIME ZONE 'UTC')::date, NEW.grams, 1);
    END IF;
    RETURN NULL;
END $$
"""
_MADE_OR_GONE = """
CREATE TRIGGER tally_made_or_gone AFTER INSERT OR DELETE ON customers
FOR EACH ROW EXECUTE FUNCTION append_tally_changes()
"""
_COUNTS_FOR = (
    "{0}.partner_id, {0}.distributor_id, {0}.association_status, {0}.association_type,"
    " {0}.associated_on, {0}.grams"
)
_CHANGED = f"""
CREATE TRIGGER tally_changed AFTER UPDATE ON customers FOR EACH ROW
WHEN (({_COUNTS_FOR.format("OLD")}) IS DISTINCT FROM ({_COUNTS_FOR.format("NEW")}))
EXECUTE FUNCTION append_tally_changes()
"""
_FILL = """
INSERT INTO tallies (partner_id, distributor_id, counted, customers)
SELECT partner_id, max(distributor_id), counted, count(*)
FROM customers, unnest(
    grams || ARRAY[
        'n', 't' || association_type,
        'd' || (associated_on AT TIME ZONE 'UTC')::date::text || '/' || association_type
    ]
) AS counted
WHERE association_status = 'associated' GROUP BY partner_id, counted
"""
# As before, but whom the caller may see is asked once for a query, not once for each row.
_VISIBLE_CUSTOMERS = """
CREATE OR REPLACE VIEW visible_customers AS SELECT * FROM customers
WHERE partner_id = (SELECT current_setting('channelbus.partner_id', true))
   OR distributor_id = (SELECT current_setting('channelbus.partner_id', true))
   OR (SELECT current_setting('channelbus.partner_id', true)) = '*'
"""


def upgrade() -> None:
    """Go forward."""
    op.execute("DROP TABLE IF EXISTS customer_counts")
    run_sql(op, __file__)
    for statement in (_APPEND, _MADE_OR_GONE, _CHANGED):
        op.execute(statement)
    op.execute(_FILL)
    op.execute(_VISIBLE_CUSTOMERS)
    op.execute(f"GRANT SELECT ON visible_customers TO {REQUEST_ROLE}")
    # It empties as fast as it fills: vacuum it by the row, not by the share.
    op.execute(
        "ALTER TABLE tally_changes SET (autovacuum_vacuum_scale_factor = 0.0,"
        " autovacuum_vacuum_threshold = 2000)"
    )
