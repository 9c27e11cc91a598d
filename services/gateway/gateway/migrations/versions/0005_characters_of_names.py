"""Single characters of the names beside their pairs, so that a search of one is indexed, too.

The characters are those of the pairs, which are folded already. A name that has no pair is taken
as it is.

In portions that each commit, since a million rows take minutes: searches go on by the index, and
who writes waits for one portion. Interrupted, it begins again and writes only what is not done.
"""

import time
from collections.abc import Callable

from alembic import op
from sqlalchemy import Engine, text

revision = "0005"
down_revision = "0004"

PORTION_ROWS = 1_000
TELL_EVERY_SECONDS = 5.0

_HOW_MANY = text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = :table")
# As whoever writes the read model does (portfolio/write_rows.py), so that none waits crosswise.
_ONE_WRITER = text("SELECT pg_advisory_xact_lock(hashtext('gateway.event_feed'))")
_LAST = text("""
    SELECT count(*), max(customer_id) FROM (
        SELECT customer_id FROM portfolio_customers WHERE customer_id > :after
        ORDER BY customer_id LIMIT :rows
    ) AS portion
""")
_ADD_CHARACTERS = text("""
    UPDATE portfolio_customers AS c SET names = wanted.names
    FROM portfolio_customers AS known, LATERAL (SELECT ARRAY(
        SELECT gram FROM (
            SELECT unnest(known.names)
            UNION ALL SELECT left(pair, 1) FROM unnest(known.names) AS pair
            UNION ALL SELECT right(pair, 1) FROM unnest(known.names) AS pair
            UNION ALL SELECT lower(name)
            FROM unnest(ARRAY[known.account_name, known.customer_name]) AS name
            WHERE length(name) = 1
        ) AS found (gram) GROUP BY gram ORDER BY gram COLLATE "C"
    ) AS names) AS wanted
    WHERE known.customer_id > :after AND known.customer_id <= :last AND known.version > 0
      AND known.names <> wanted.names AND c.customer_id = known.customer_id
""")


def upgrade() -> None:
    """Go forward; what was migrated before is committed first."""
    with op.get_context().autocommit_block():
        add_characters(op.get_bind().engine, _tell)


def add_characters(engine: Engine, tell: Callable[[str], None], rows: int = PORTION_ROWS) -> None:
    """Complete the names of all customers, so many in a transaction."""
    after, seen, written, told_at = "", 0, 0, time.monotonic()
    with engine.connect() as connection:
        with connection.begin():
            about = connection.scalar(_HOW_MANY, {"table": "portfolio_customers"})
        while True:
            with connection.begin():
                connection.execute(_ONE_WRITER)
                portion, last = connection.execute(_LAST, {"after": after, "rows": rows}).one()
                if not portion:
                    break
                found = connection.execute(_ADD_CHARACTERS, {"after": after, "last": last})
            after, seen, written = last, seen + portion, written + found.rowcount
            if time.monotonic() - told_at >= TELL_EVERY_SECONDS:
                told_at = time.monotonic()
                tell(f"names of customers: {seen:,} of about {about:,} seen, {written:,} completed")
    if seen:
        tell(f"names of customers: all {seen:,} seen, {written:,} completed")


def _tell(line: str) -> None:
    print(line, flush=True)
