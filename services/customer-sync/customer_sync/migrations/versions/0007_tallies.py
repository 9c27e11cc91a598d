"""Tallies in place of the counters: any search of one or two characters is counted without a scan.

They are kept by triggers, so that no use case can forget them, and by appending, so that nobody
waits for the row of a frequent character pair; `merge_tallies` sums up what was appended.
"""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import create_tables
from customer_sync.count_customers import FILL_TALLIES
from customer_sync.models import Tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What a customer counts for: everybody (n), its type (t), its day and type (d), its name's and
# label's characters and pairs of them (a, c and l, as `grams` has them).
_TALLIED_AS = """
CREATE FUNCTION tallied_as(
    association_status text, association_type text, associated_on timestamptz, grams text[]
) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN association_status = 'associated' THEN
        grams || ARRAY['n', 't' || association_type,
                       'd' || to_char(associated_on AT TIME ZONE 'UTC', 'YYYY-MM-DD')
                           || '/' || association_type]
    ELSE '{}' END
$$
"""
_OF = "tallied_as({0}.association_status, {0}.association_type, {0}.associated_on, {0}.grams)"
_APPEND = f"""
CREATE FUNCTION append_tallies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tally_changes (partner_id, distributor_id, counted, by)
        SELECT n.partner_id, n.distributor_id, counted, count(*)
        FROM new_rows n, unnest({_OF.format("n")}) AS counted GROUP BY 1, 2, 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tally_changes (partner_id, distributor_id, counted, by)
        SELECT o.partner_id, o.distributor_id, counted, -count(*)
        FROM old_rows o, unnest({_OF.format("o")}) AS counted GROUP BY 1, 2, 3;
    ELSE
        INSERT INTO tally_changes (partner_id, distributor_id, counted, by)
        WITH moved AS (
            SELECT o.partner_id AS was_of, o.distributor_id AS was_below, {_OF.format("o")} AS was,
                   n.partner_id AS is_of, n.distributor_id AS is_below, {_OF.format("n")} AS now_is
            FROM old_rows o JOIN new_rows n USING (id)
        ), changed AS (SELECT * FROM moved WHERE was <> now_is OR was_of <> is_of)
        SELECT partner_id, distributor_id, counted, sum(one) FROM (
            SELECT was_of, was_below, unnest(was), -1 FROM changed
            UNION ALL
            SELECT is_of, is_below, unnest(now_is), 1 FROM changed
        ) AS change (partner_id, distributor_id, counted, one)
        GROUP BY 1, 2, 3 HAVING sum(one) <> 0;
    END IF;
    RETURN NULL;
END $$
"""
_TRIGGERS = """
CREATE TRIGGER tally_inserted AFTER INSERT ON customers
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION append_tallies();
CREATE TRIGGER tally_updated AFTER UPDATE ON customers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_tallies();
CREATE TRIGGER tally_deleted AFTER DELETE ON customers
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION append_tallies();
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
    create_tables(op, Tables.metadata, "tallies", "tally_changes")
    op.execute(_TALLIED_AS)
    op.execute(_APPEND)
    for trigger in _TRIGGERS.strip().split(";\n"):
        op.execute(trigger)
    op.execute(FILL_TALLIES)
    op.execute(_VISIBLE_CUSTOMERS)
    op.execute(f"GRANT SELECT ON visible_customers TO {REQUEST_ROLE}")
    # It empties as fast as it fills: vacuum it by the row, not by the share.
    op.execute(
        "ALTER TABLE tally_changes SET (autovacuum_vacuum_scale_factor = 0.0,"
        " autovacuum_vacuum_threshold = 20000)"
    )
