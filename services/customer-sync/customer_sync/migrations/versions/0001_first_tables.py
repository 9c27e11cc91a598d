"""The chassis's tables and the service's own, with what SQL alone can say of them."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import make_request_role, run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The characters and character pairs of a text, each marked with its field: what GIN can look up.
# Column and searches use the same function, so that both fold letters alike (decision 0022).
_SEARCH_GRAMS = """
CREATE FUNCTION search_grams(field text, value text, sizes integer[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT field || substr(value, start, size)), '{}'::text[])
    FROM unnest(sizes) AS size, generate_series(1, length(value)) AS start
    WHERE start + size - 1 <= length(value)
$$
"""

# Searches need an index behind `@>`, which PostgreSQL does not use below a row-level policy, since
# that operator is not leakproof. So they read a view whose condition is the same wall: a view reads
# its table as the table's owner, whom the policy does not bind.
_VISIBLE_CUSTOMERS = """
CREATE VIEW visible_customers AS SELECT * FROM customers
WHERE partner_id = current_setting('channelbus.partner_id', true)
   OR distributor_id = current_setting('channelbus.partner_id', true)
   OR current_setting('channelbus.partner_id', true) = '*'
"""


def upgrade() -> None:
    """Go forward."""
    make_request_role(op)
    op.execute(_SEARCH_GRAMS)
    run_sql(op, __file__)
    op.execute(_VISIBLE_CUSTOMERS)
    op.execute(f"GRANT SELECT ON visible_customers TO {REQUEST_ROLE}")
    op.execute(
        "INSERT INTO upstream_slots (slot, free_at) SELECT n, now() FROM generate_series(0, 9) AS n"
    )
    op.execute("ALTER TABLE sightings SET (fillfactor = 70)")  # rewritten in place, sweep by sweep
