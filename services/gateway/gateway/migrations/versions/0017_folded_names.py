"""Names are searched by one folding, in place of the lower case alone.

A trigger folds, so that a row is folded whoever writes it, also a replica of the version before.
What lower case alone folds already is not written again: most names. The rest is folded in portions
that each commit; interrupted, it begins again and writes only what is not done. Until a row's turn
it is found as before, and so it is by replicas of the version before, also afterwards.
"""

import time
from collections.abc import Callable

from alembic import op
from sqlalchemy import Engine, text

from chassis.database import REQUEST_ROLE
from chassis.folding import make_folding

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

PORTION_ROWS = 1_000
TELL_EVERY_SECONDS = 5.0

_COLUMNS = """
ALTER TABLE portfolio_customers
    ADD COLUMN IF NOT EXISTS folded_account_name text,
    ADD COLUMN IF NOT EXISTS folded_customer_name text
"""
# NULL where the folding is the lower case. Grams that a replica of version 0.2 gives stay, too.
_FOLD = """
CREATE OR REPLACE FUNCTION fold_customer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account text := fold_name(NEW.account_name);
    customer text := fold_name(NEW.customer_name);
    given text[] := '{}';
BEGIN
    IF TG_OP = 'INSERT' OR NEW.names IS DISTINCT FROM OLD.names THEN
        given := NEW.names;
    END IF;
    NEW.folded_account_name := nullif(account, lower(NEW.account_name));
    NEW.folded_customer_name := nullif(customer, lower(NEW.customer_name));
    NEW.names := given || search_grams_of('', account, lower(NEW.account_name))
        || search_grams_of('', customer, lower(NEW.customer_name));
    RETURN NEW;
END $$
"""
# A stub has no names.
_MADE = """
CREATE OR REPLACE TRIGGER fold_made BEFORE INSERT ON portfolio_customers FOR EACH ROW
WHEN (NEW.account_name IS NOT NULL OR NEW.customer_name IS NOT NULL)
EXECUTE FUNCTION fold_customer()
"""
_CHANGED = """
CREATE OR REPLACE TRIGGER fold_changed BEFORE UPDATE ON portfolio_customers FOR EACH ROW
WHEN (OLD.account_name IS DISTINCT FROM NEW.account_name
      OR OLD.customer_name IS DISTINCT FROM NEW.customer_name
      OR OLD.names IS DISTINCT FROM NEW.names)
EXECUTE FUNCTION fold_customer()
"""
_VISIBLE_PORTFOLIO = """
CREATE OR REPLACE VIEW visible_portfolio AS SELECT * FROM portfolio_customers
WHERE partner_id = (SELECT current_setting('channelbus.partner_id', true))
   OR distributor_id = (SELECT current_setting('channelbus.partner_id', true))
   OR (SELECT current_setting('channelbus.partner_id', true)) = '*'
"""

_HOW_MANY = text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = :table")
# As whoever writes the read model does (portfolio/write_rows.py), so that none waits crosswise.
_ONE_WRITER = text("SELECT pg_advisory_xact_lock(hashtext('gateway.event_feed'))")
_LAST = text("""
    SELECT count(*), max(customer_id) FROM (
        SELECT customer_id FROM portfolio_customers WHERE customer_id > :after
        ORDER BY customer_id LIMIT :rows
    ) AS portion
""")
# Other grams ask the trigger to fold. They were made by another rule for lower case than the
# database's: what is not plain (chassis/folding.py) is compared by its grams, too.
_REFOLD = text("""
    UPDATE portfolio_customers SET names = '{}'
    WHERE customer_id > :after AND customer_id <= :last AND (
        folded_account_name IS DISTINCT FROM nullif(fold_name(account_name), lower(account_name))
        OR folded_customer_name
           IS DISTINCT FROM nullif(fold_name(customer_name), lower(customer_name))
        OR concat(account_name, customer_name) ~ '[^ -~一-鿿]' AND NOT names @> (
            search_grams_of('', fold_name(account_name), lower(account_name))
            || search_grams_of('', fold_name(customer_name), lower(customer_name))
        )
    )
""")


def upgrade() -> None:
    """Go forward; what makes rows fold is committed before the first portion."""
    make_folding(op)
    for statement in (_COLUMNS, _FOLD, _MADE, _CHANGED, _VISIBLE_PORTFOLIO):
        op.execute(statement)
    op.execute(f"GRANT SELECT ON visible_portfolio TO {REQUEST_ROLE}")
    with op.get_context().autocommit_block():
        refold(op.get_bind().engine, lambda line: print(line, flush=True))


def refold(engine: Engine, tell: Callable[[str], None], rows: int = PORTION_ROWS) -> None:
    """Fold all customers' names, so many in a transaction."""
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
                found = connection.execute(_REFOLD, {"after": after, "last": last})
            after, seen, written = last, seen + portion, written + found.rowcount
            if time.monotonic() - told_at >= TELL_EVERY_SECONDS:
                told_at = time.monotonic()
                tell(f"names of customers: {seen:,} of about {about:,} seen, {written:,} folded")
    if seen:
        tell(f"names of customers: all {seen:,} seen, {written:,} folded")
