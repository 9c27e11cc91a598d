"""Names and labels are searched by one folding, in place of the lower case alone.

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

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

PORTION_ROWS = 1_000
TELL_EVERY_SECONDS = 5.0

_COLUMNS = """
ALTER TABLE customers
    ADD COLUMN IF NOT EXISTS folded_account_name text,
    ADD COLUMN IF NOT EXISTS folded_customer_name text,
    ADD COLUMN IF NOT EXISTS folded_label text,
    ALTER COLUMN grams DROP EXPRESSION IF EXISTS,
    ALTER COLUMN grams SET DEFAULT '{}'
"""
# A longer text that a replica of the version before begins to tally is counted in lower case alone.
_COUNTED = "ALTER TABLE tallies ADD COLUMN IF NOT EXISTS of_folded boolean NOT NULL DEFAULT false"
# NULL where the folding is the lower case, of a label the label itself.
_FOLD = """
CREATE OR REPLACE FUNCTION fold_customer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account text := fold_name(NEW.account_name);
    customer text := fold_name(NEW.customer_name);
    label text := fold_forms(NEW.label);
BEGIN
    NEW.folded_account_name := nullif(account, lower(NEW.account_name));
    NEW.folded_customer_name := nullif(customer, lower(NEW.customer_name));
    NEW.folded_label := nullif(label, NEW.label);
    NEW.grams := search_grams_of('a', account, lower(NEW.account_name))
        || search_grams_of('c', customer, lower(NEW.customer_name))
        || search_grams_of('l', label, NEW.label);
    RETURN NEW;
END $$
"""
_MADE = """
CREATE OR REPLACE TRIGGER fold_made BEFORE INSERT ON customers
FOR EACH ROW EXECUTE FUNCTION fold_customer()
"""


def _changed(columns: tuple[str, ...]) -> str:
    """Whether one of them did; in words that a dump keeps."""
    return " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in columns)


_WRITTEN = ("account_name", "customer_name", "label")
_CHANGED = f"""
CREATE OR REPLACE TRIGGER fold_changed BEFORE UPDATE ON customers FOR EACH ROW
WHEN ({_changed(_WRITTEN)} OR cardinality(NEW.grams) = 0)
EXECUTE FUNCTION fold_customer()
"""
_FOLDED = """(OLD.associated_on AT TIME ZONE 'UTC')::date, OLD.grams,
                coalesce(OLD.folded_account_name, lower(OLD.account_name)),
                coalesce(OLD.folded_customer_name, lower(OLD.customer_name), ''),
                coalesce(OLD.folded_label, OLD.label, '')"""
_APPEND = f"""
CREATE OR REPLACE FUNCTION append_tally_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.association_status = 'associated' THEN
        INSERT INTO tally_changes
            (partner_id, distributor_id, association_type, associated_day, grams,
             account_name, customer_name, label, by)
        VALUES (OLD.partner_id, OLD.distributor_id, OLD.association_type, {_FOLDED}, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.association_status = 'associated' THEN
        INSERT INTO tally_changes
            (partner_id, distributor_id, association_type, associated_day, grams,
             account_name, customer_name, label, by)
        VALUES (NEW.partner_id, NEW.distributor_id, NEW.association_type,
                {_FOLDED.replace("OLD.", "NEW.")}, 1);
    END IF;
    RETURN NULL;
END $$
"""
_COUNTS_FOR = (
    "partner_id", "distributor_id", "association_status", "association_type", "associated_on",
    *_WRITTEN, "folded_account_name", "folded_customer_name", "folded_label",
)  # fmt: skip
_TALLIED = f"""
CREATE OR REPLACE TRIGGER tally_changed AFTER UPDATE ON customers FOR EACH ROW
WHEN ({_changed(_COUNTS_FOR)})
EXECUTE FUNCTION append_tally_changes()
"""
_VISIBLE_CUSTOMERS = """
CREATE OR REPLACE VIEW visible_customers AS SELECT * FROM customers
WHERE partner_id = (SELECT current_setting('channelbus.partner_id', true))
   OR distributor_id = (SELECT current_setting('channelbus.partner_id', true))
   OR (SELECT current_setting('channelbus.partner_id', true)) = '*'
"""

_HOW_MANY = text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = 'customers'")
_LAST = text("""
    SELECT count(*), max(id) FROM (
        SELECT id FROM customers WHERE id > :after ORDER BY id LIMIT :rows
    ) AS portion
""")
# No grams ask the trigger to fold; whoever writes the row beside this waits, or is waited for.
_REFOLD = text("""
    UPDATE customers SET grams = '{}' WHERE id IN (
        SELECT id FROM customers
        WHERE id > :after AND id <= :last AND (
            folded_account_name
                IS DISTINCT FROM nullif(fold_name(account_name), lower(account_name))
            OR folded_customer_name
                IS DISTINCT FROM nullif(fold_name(customer_name), lower(customer_name))
            OR folded_label IS DISTINCT FROM nullif(fold_forms(label), label)
        ) ORDER BY id FOR UPDATE
    )
""")


def upgrade() -> None:
    """Go forward; what makes rows fold is committed before the first portion."""
    make_folding(op)
    for statement in (
        _COLUMNS, _COUNTED, _FOLD, _MADE, _CHANGED, _APPEND, _TALLIED, _VISIBLE_CUSTOMERS,
    ):  # fmt: skip
        op.execute(statement)
    op.execute(f"GRANT SELECT ON visible_customers TO {REQUEST_ROLE}")
    with op.get_context().autocommit_block():
        refold(op.get_bind().engine, lambda line: print(line, flush=True))


def refold(engine: Engine, tell: Callable[[str], None], rows: int = PORTION_ROWS) -> None:
    """Fold all customers' names and labels, so many in a transaction."""
    after, seen, written, told_at = "", 0, 0, time.monotonic()
    with engine.connect() as connection:
        with connection.begin():
            about = connection.scalar(_HOW_MANY)
        while True:
            with connection.begin():
                portion, last = connection.execute(_LAST, {"after": after, "rows": rows}).one()
                if not portion:
                    break
                found = connection.execute(_REFOLD, {"after": after, "last": last})
            after, seen, written = last, seen + portion, written + found.rowcount
            if time.monotonic() - told_at >= TELL_EVERY_SECONDS:
                told_at = time.monotonic()
                tell(f"customers: {seen:,} of about {about:,} seen, {written:,} folded")
    if seen:
        tell(f"customers: all {seen:,} seen, {written:,} folded")
