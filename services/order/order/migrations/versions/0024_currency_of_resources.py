"""Resources say the currency of what is paid for them: that of the order that opened them.

A trigger says it for replicas of the version before, which do not. In portions that each commit.
"""

from alembic import op
from sqlalchemy import Engine, text

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PORTION_RESOURCES = 2_000

_OF_ITS_ORDER = """
CREATE OR REPLACE FUNCTION say_currency_of_resource() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.currency := (SELECT currency FROM orders WHERE order_id = NEW.order_id);
    RETURN NEW;
END $$
"""
_MADE = """
CREATE OR REPLACE TRIGGER resource_made BEFORE INSERT ON resources
FOR EACH ROW WHEN (NEW.currency IS NULL) EXECUTE FUNCTION say_currency_of_resource()
"""
_LAST = text("""
    SELECT count(*), max(resource_id) FROM (
        SELECT resource_id FROM resources WHERE resource_id > :after
        ORDER BY resource_id LIMIT :rows
    ) AS portion
""")
_CURRENCIES = text("""
    UPDATE resources AS r SET currency = o.currency FROM orders AS o
    WHERE o.order_id = r.order_id AND r.resource_id IN (
        SELECT resource_id FROM resources
        WHERE resource_id > :after AND resource_id <= :last AND currency IS NULL
        ORDER BY resource_id FOR UPDATE
    )
""")
# Proved beside writers first; then the table is not read again while it is kept from them.
_REQUIRED = [
    "ALTER TABLE resources DROP CONSTRAINT IF EXISTS currency_is_said",
    "ALTER TABLE resources ADD CONSTRAINT currency_is_said CHECK (currency IS NOT NULL) NOT VALID",
    "ALTER TABLE resources VALIDATE CONSTRAINT currency_is_said",
    "ALTER TABLE resources ALTER COLUMN currency SET NOT NULL",
    "ALTER TABLE resources DROP CONSTRAINT currency_is_said",
]


def upgrade() -> None:
    """Go forward; the trigger is committed before the first portion."""
    op.execute("ALTER TABLE resources ADD COLUMN IF NOT EXISTS currency text")
    op.execute(_OF_ITS_ORDER)
    op.execute(_MADE)
    with op.get_context().autocommit_block():
        engine = op.get_bind().engine
        _fill(engine)
        with engine.connect() as connection:
            for statement in _REQUIRED:
                with connection.begin():
                    connection.execute(text(statement))


def _fill(engine: Engine) -> None:
    after = ""
    with engine.connect() as connection:
        while True:
            with connection.begin():
                found = connection.execute(_LAST, {"after": after, "rows": PORTION_RESOURCES})
                portion, last = found.one()
                if not portion:
                    return
                connection.execute(_CURRENCIES, {"after": after, "last": last})
            after = last
