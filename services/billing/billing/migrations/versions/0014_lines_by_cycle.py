"""Bill lines are kept cycle by cycle, and each says when it was known and how it came about.

The table of before becomes the part of all cycles up to the one after the next: it is attached,
nothing is copied. What takes long is done first and beside writers: the records that were charged
and the instants of older lines in portions that each commit, the new key, the check that spares
the attachment its scan. The exchange itself only renames. Interrupted, it begins again and does
what is not done.
"""

import time
from collections.abc import Callable

from alembic import op
from sqlalchemy import Engine, text

from chassis.build_indexes import build_index, drop_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PORTION_LINES = 5_000
TELL_EVERY_SECONDS = 5.0

# What is not known of older lines is absent; "epoch" until the line's portion says otherwise.
_COLUMNS = """
ALTER TABLE bill_lines
    ADD COLUMN IF NOT EXISTS known_at timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN IF NOT EXISTS changed_at timestamptz,
    ADD COLUMN IF NOT EXISTS order_line_id text,
    ADD COLUMN IF NOT EXISTS late_for text,
    ADD COLUMN IF NOT EXISTS corrects text,
    ADD COLUMN IF NOT EXISTS reason text,
    ADD COLUMN IF NOT EXISTS provider_type bigint NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS pre_order_id text,
    ADD COLUMN IF NOT EXISTS relative_order_id text,
    ADD COLUMN IF NOT EXISTS period_begin_at timestamptz,
    ADD COLUMN IF NOT EXISTS period_end_at timestamptz,
    ADD COLUMN IF NOT EXISTS enterprise_project_id text,
    ADD COLUMN IF NOT EXISTS enterprise_project_name text,
    ADD COLUMN IF NOT EXISTS customer_label text,
    ADD COLUMN IF NOT EXISTS tags jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS parent_resource_id text,
    ADD COLUMN IF NOT EXISTS root_resource_id text,
    ADD COLUMN IF NOT EXISTS sub_service_type_code text,
    ADD COLUMN IF NOT EXISTS sub_service_type_name text,
    ADD COLUMN IF NOT EXISTS sub_resource_type_code text,
    ADD COLUMN IF NOT EXISTS sub_resource_type_name text,
    ADD COLUMN IF NOT EXISTS sub_resource_id text,
    ADD COLUMN IF NOT EXISTS sub_resource_name text,
    ADD COLUMN IF NOT EXISTS az_code text,
    ADD COLUMN IF NOT EXISTS is_spot boolean,
    ADD COLUMN IF NOT EXISTS payment_type text,
    ADD COLUMN IF NOT EXISTS product_name text,
    ADD COLUMN IF NOT EXISTS spec_size numeric(38, 10),
    ADD COLUMN IF NOT EXISTS spec_size_measure_id bigint,
    ADD COLUMN IF NOT EXISTS ri_usage numeric(38, 10),
    ADD COLUMN IF NOT EXISTS ri_usage_measure_id bigint,
    ADD COLUMN IF NOT EXISTS unit_price numeric(38, 10),
    ADD COLUMN IF NOT EXISTS formula text,
    ADD COLUMN IF NOT EXISTS price_id text,
    ADD COLUMN IF NOT EXISTS rule text,
    ADD COLUMN IF NOT EXISTS refund_case text,
    ADD COLUMN IF NOT EXISTS promotion_type text,
    ADD COLUMN IF NOT EXISTS reckoned jsonb NOT NULL DEFAULT '{}'
"""
_OF_CUSTOMERS = """
ALTER TABLE customers
    ADD COLUMN IF NOT EXISTS label text
"""
_AMOUNTS = (
    "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount", "bonus_amount",
    "cash_amount", "credit_amount", "debt_amount", "writeoff_amount",
)  # fmt: skip
_TABLES = f"""
CREATE TABLE IF NOT EXISTS charged_records (
    record_id text PRIMARY KEY,
    line_id text NOT NULL,
    bill_cycle text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text
);
CREATE TABLE IF NOT EXISTS line_versions (
    line_id text NOT NULL,
    version bigint NOT NULL,
    bill_cycle text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    until timestamptz NOT NULL,
    {", ".join(f"{name} numeric(38, 2) NOT NULL" for name in _AMOUNTS)},
    PRIMARY KEY (line_id, version)
);
CREATE INDEX IF NOT EXISTS versions_of_customer ON line_versions (customer_id, bill_cycle, until)
"""
# Whoever writes a line, by a statement of one or of thousands, charges its record: once.
_CHARGE_RECORDS = """
CREATE OR REPLACE FUNCTION charge_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO charged_records
        (record_id, line_id, bill_cycle, customer_id, partner_id, distributor_id)
    SELECT usage_record_id, line_id, bill_cycle, customer_id, partner_id, distributor_id
    FROM new_lines WHERE usage_record_id IS NOT NULL;
    RETURN NULL;
END $$
"""
_ON_INSERT = """
CREATE OR REPLACE TRIGGER records_charged AFTER INSERT ON {table}
REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION charge_records()
"""
# A replica of the release before says no instant: it is the wall's then.
_KEEP_VERSION = f"""
CREATE OR REPLACE FUNCTION keep_line_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO line_versions (line_id, version, bill_cycle, customer_id, partner_id,
        distributor_id, until, {", ".join(_AMOUNTS)})
    VALUES (OLD.line_id, OLD.version, OLD.bill_cycle, OLD.customer_id, OLD.partner_id,
        OLD.distributor_id,
        CASE WHEN NEW.changed_at IS DISTINCT FROM OLD.changed_at THEN NEW.changed_at
             ELSE now() END,
        {", ".join(f"OLD.{name}" for name in _AMOUNTS)});
    RETURN NULL;
END $$
"""
_ON_CHANGE = """
CREATE OR REPLACE TRIGGER line_changed AFTER UPDATE ON {table} FOR EACH ROW
WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION keep_line_version()
"""
_HOW_MANY = text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = 'bill_lines'")
_LAST = text("""
    SELECT count(*), max(line_id) FROM (
        SELECT line_id FROM bill_lines WHERE line_id > :after ORDER BY line_id LIMIT :rows
    ) AS portion
""")
_REMEMBER = text("""
    INSERT INTO charged_records
        (record_id, line_id, bill_cycle, customer_id, partner_id, distributor_id)
    SELECT usage_record_id, line_id, bill_cycle, customer_id, partner_id, distributor_id
    FROM bill_lines
    WHERE line_id > :after AND line_id <= :last AND usage_record_id IS NOT NULL
    ON CONFLICT (record_id) DO NOTHING
""")
_SAY_WHEN = text("""
    UPDATE bill_lines SET known_at = trade_time
    WHERE line_id > :after AND line_id <= :last AND known_at = 'epoch'
""")
# The cycle after the next one: of now, of business time, of the last cycle that has a line. No
# writer reaches it while the table is exchanged.
_NEXT_PART = text("""
    SELECT to_char(date_trunc('month', greatest(
        now() AT TIME ZONE 'Asia/Shanghai',
        (SELECT max(now() + ahead) FROM business_time) AT TIME ZONE 'Asia/Shanghai',
        (SELECT to_timestamp(max(bill_cycle), 'YYYY-MM')::timestamp FROM bill_lines
         WHERE bill_cycle ~ '^[0-9]{4}-[0-9]{2}$')
    )) + interval '2 months', 'YYYY-MM')
""")
_CHECK = "of_earlier_cycles"
_INDEXES = ("of_partner", "of_customer", "owed_by", "of_order", "correcting")
# No cycle that there is comes after the boundary; a line that says another one is not lost.
_OTHER = """
CREATE TABLE IF NOT EXISTS bill_lines_other (
    LIKE bill_lines INCLUDING DEFAULTS INCLUDING CONSTRAINTS
)
"""
_MOVE = """
WITH gone AS (DELETE FROM bill_lines WHERE bill_cycle >= '{until}' RETURNING *)
INSERT INTO bill_lines_other SELECT * FROM gone
"""
_PARENT = """
CREATE TABLE bill_lines (
    LIKE bill_lines_first INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (line_id, bill_cycle)
) PARTITION BY RANGE (bill_cycle);
CREATE INDEX bill_lines_of_partner ON bill_lines (partner_id, bill_cycle, customer_id);
CREATE INDEX bill_lines_of_customer ON bill_lines (customer_id, bill_cycle, trade_time, line_id);
CREATE INDEX bill_lines_owed_by
    ON bill_lines (coalesce(payer_id, customer_id), trade_time, line_id) WHERE debt_amount > 0;
CREATE INDEX bill_lines_of_order ON bill_lines (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX bill_lines_correcting ON bill_lines (corrects) WHERE corrects IS NOT NULL
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_COLUMNS)
    op.execute("ALTER TABLE bill_lines ALTER COLUMN known_at SET DEFAULT now()")
    op.execute(_OF_CUSTOMERS)
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in ("charged_records", "line_versions"):
        op.execute(f"DROP POLICY IF EXISTS tenant ON {table}")
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {REQUEST_ROLE}")
    for statement in (_CHARGE_RECORDS, _KEEP_VERSION):
        op.execute(statement)
    op.execute(_ON_INSERT.format(table="bill_lines"))
    op.execute(_ON_CHANGE.format(table="bill_lines"))
    with op.get_context().autocommit_block():
        catch_up(op.get_bind().engine, lambda line: print(line, flush=True))
    drop_index(op, "bill_lines_of_record")
    build_index(op, "bill_lines_of_order", "bill_lines (order_id) WHERE order_id IS NOT NULL")
    build_index(op, "bill_lines_correcting", "bill_lines (corrects) WHERE corrects IS NOT NULL")
    build_index(op, "bill_lines_first_pkey", "bill_lines (line_id, bill_cycle)", unique=True)
    with op.get_context().autocommit_block():
        until = op.get_bind().scalar(_NEXT_PART)
        op.execute(f"ALTER TABLE bill_lines DROP CONSTRAINT IF EXISTS {_CHECK}")
        op.execute(_OTHER)
        op.execute(
            f"ALTER TABLE bill_lines ADD CONSTRAINT {_CHECK}"
            f" CHECK (bill_cycle < '{until}') NOT VALID"
        )
        op.execute(_MOVE.format(until=until))
        op.execute(f"ALTER TABLE bill_lines VALIDATE CONSTRAINT {_CHECK}")
    _exchange(until)


def _exchange(until: str) -> None:
    """Put the table of all cycles in the place of the one of before, which becomes a part of it."""
    op.execute("LOCK TABLE bill_lines IN ACCESS EXCLUSIVE MODE")
    op.execute("DROP TRIGGER records_charged ON bill_lines")
    op.execute("DROP TRIGGER line_changed ON bill_lines")
    op.execute("DROP POLICY tenant ON bill_lines")
    op.execute("ALTER TABLE bill_lines DISABLE ROW LEVEL SECURITY")
    op.execute(f"REVOKE ALL ON bill_lines FROM {REQUEST_ROLE}")
    op.execute("ALTER TABLE bill_lines DROP CONSTRAINT bill_lines_pkey")
    op.execute("ALTER TABLE bill_lines RENAME TO bill_lines_first")
    op.execute(
        "ALTER TABLE bill_lines_first ADD CONSTRAINT bill_lines_first_pkey"
        " PRIMARY KEY USING INDEX bill_lines_first_pkey"
    )
    for name in _INDEXES:
        op.execute(f"ALTER INDEX bill_lines_{name} RENAME TO bill_lines_first_{name}")
    for statement in _PARENT.split(";"):
        op.execute(statement)
    op.execute(f"ALTER TABLE bill_lines DROP CONSTRAINT {_CHECK}")
    op.execute(
        "ALTER TABLE bill_lines ATTACH PARTITION bill_lines_first"
        f" FOR VALUES FROM (MINVALUE) TO ('{until}')"
    )
    op.execute("ALTER TABLE bill_lines ATTACH PARTITION bill_lines_other DEFAULT")
    op.execute(f"ALTER TABLE bill_lines_first DROP CONSTRAINT {_CHECK}")
    bind_to_tenant(op, "bill_lines", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON bill_lines TO {REQUEST_ROLE}")
    op.execute(_ON_INSERT.format(table="bill_lines"))
    op.execute(_ON_CHANGE.format(table="bill_lines"))


def catch_up(engine: Engine, tell: Callable[[str], None], rows: int = PORTION_LINES) -> None:
    """Remember the charged records of older lines, and since when they are known."""
    after, seen, told_at = "", 0, time.monotonic()
    with engine.connect() as connection:
        with connection.begin():
            about = connection.scalar(_HOW_MANY)
        while True:
            with connection.begin():
                portion, last = connection.execute(_LAST, {"after": after, "rows": rows}).one()
                if not portion:
                    break
                connection.execute(_REMEMBER, {"after": after, "last": last})
                connection.execute(_SAY_WHEN, {"after": after, "last": last})
            after, seen = last, seen + portion
            if time.monotonic() - told_at >= TELL_EVERY_SECONDS:
                told_at = time.monotonic()
                tell(f"bill lines: {seen:,} of about {about:,} seen")
    if seen:
        tell(f"bill lines: all {seen:,} seen")
