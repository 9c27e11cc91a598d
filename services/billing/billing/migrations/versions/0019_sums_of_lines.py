"""Sums of bill lines by day and what bills group by, kept with the lines; customers see their own.

Triggers count each line by the statement that writes it, whoever does. Lines of before are summed
customer by customer: each commits, and writers wait for the one customer that is being summed.
"""

import time
from collections.abc import Callable

from alembic import op
from sqlalchemy import Engine, text

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TELL_EVERY_SECONDS = 5.0

_DIMENSIONS = (
    "bill_cycle", "customer_id", "bill_date", "partner_id", "distributor_id", "payer_id",
    "association_type", "account_manager_id", "customer_label", "site", "currency",
    "service_type_code", "service_type_name", "resource_type_code", "resource_type_name",
    "region_code", "charging_mode", "bill_type", "provider_type", "enterprise_project_id",
)  # fmt: skip
_FEES = ("official_amount", "official_discount_amount", "erase_amount")
_AMOUNTS = (
    "payment_amount", "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount",
    "bonus_amount", "cash_amount", "credit_amount", "debt_amount", "writeoff_amount",
)  # fmt: skip
_COUNTS = ("lines", "zero_lines", "owed_lines")
_SUMMED = (*_COUNTS, *_FEES, *_AMOUNTS)
_TABLE = f"""
CREATE TABLE IF NOT EXISTS bill_sums (
    bill_cycle text NOT NULL,
    customer_id text NOT NULL,
    sum_key text NOT NULL,
    bill_date date NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    payer_id text,
    association_type text NOT NULL,
    account_manager_id text,
    customer_label text,
    site text NOT NULL,
    currency text NOT NULL,
    service_type_code text NOT NULL,
    service_type_name text NOT NULL,
    resource_type_code text NOT NULL,
    resource_type_name text NOT NULL,
    region_code text NOT NULL,
    charging_mode bigint NOT NULL,
    bill_type bigint NOT NULL,
    provider_type bigint NOT NULL,
    enterprise_project_id text,
    {", ".join(f"{name} bigint NOT NULL" for name in _COUNTS)},
    {", ".join(f"{name} numeric(38, 8) NOT NULL" for name in _FEES)},
    {", ".join(f"{name} numeric(38, 2) NOT NULL" for name in _AMOUNTS)},
    PRIMARY KEY (bill_cycle, customer_id, sum_key)
);
CREATE INDEX IF NOT EXISTS sums_of_partner ON bill_sums (partner_id, bill_cycle, customer_id)
"""


def _key(of: str = "") -> str:
    """The columns that make a sum, as one short text."""
    return f"md5(CAST(row({', '.join(of + name for name in _DIMENSIONS)}) AS text))"


_OF_LINES = (
    "count(*)",
    "count(*) FILTER (WHERE payment_amount = 0)",
    "count(*) FILTER (WHERE debt_amount <> 0)",
    *(f"sum({name})" for name in (*_FEES, *_AMOUNTS)),
)
_SUMS_OF = f"""
INSERT INTO bill_sums AS s (sum_key, {", ".join(_DIMENSIONS)}, {", ".join(_SUMMED)})
SELECT {_key()} AS sum_key, {", ".join(_DIMENSIONS)}, {", ".join(_OF_LINES)}
FROM {{lines}} GROUP BY {", ".join(_DIMENSIONS)} ORDER BY customer_id, sum_key
"""
# Whoever sums all lines of a customer anew has this lock alone: a line is counted by one of them.
_NOT_MEANWHILE = "hashtext('billing.sum_lines')"
_ON_NEW = f"""
CREATE OR REPLACE FUNCTION sum_new_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({_NOT_MEANWHILE});
    {_SUMS_OF.format(lines="new_lines")}
    ON CONFLICT (bill_cycle, customer_id, sum_key) DO UPDATE SET
        {", ".join(f"{name} = s.{name} + excluded.{name}" for name in _SUMMED)};
    RETURN NULL;
END $$
"""
# What a line is for does not change, only how it was paid.
_ON_CHANGED = f"""
CREATE OR REPLACE FUNCTION sum_changed_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({_NOT_MEANWHILE});
    WITH changes AS (
        SELECT n.customer_id, n.bill_cycle, {_key("n.")} AS sum_key,
            count(*) FILTER (WHERE n.debt_amount <> 0)
                - count(*) FILTER (WHERE o.debt_amount <> 0) AS owed_lines,
            {", ".join(f"sum(n.{name} - o.{name}) AS {name}" for name in _AMOUNTS)}
        FROM new_lines n JOIN old_lines o USING (line_id, bill_cycle)
        WHERE n.version <> o.version
        GROUP BY 1, 2, 3 ORDER BY 1, 3
    )
    UPDATE bill_sums s SET owed_lines = s.owed_lines + c.owed_lines,
        {", ".join(f"{name} = s.{name} + c.{name}" for name in _AMOUNTS)}
    FROM changes c
    WHERE s.bill_cycle = c.bill_cycle AND s.customer_id = c.customer_id AND s.sum_key = c.sum_key;
    RETURN NULL;
END $$
"""
_TRIGGERS = """
CREATE OR REPLACE TRIGGER lines_summed AFTER INSERT ON bill_lines
REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION sum_new_lines();
CREATE OR REPLACE TRIGGER changes_summed AFTER UPDATE ON bill_lines
REFERENCING OLD TABLE AS old_lines NEW TABLE AS new_lines
FOR EACH STATEMENT EXECUTE FUNCTION sum_changed_lines()
"""
# As in order: by the name of the principal, which another has who acts for the customer.
_OWN = (
    "customer_id ="
    " (SELECT substring(current_setting('channelbus.principal', true) FROM '^customer:(.*)$'))"
)
_NEXT_CUSTOMER = text("SELECT min(customer_id) FROM bill_lines WHERE customer_id > :after")
_LOCK = text(f"SELECT pg_advisory_xact_lock({_NOT_MEANWHILE})")
_FORGET = text("DELETE FROM bill_sums WHERE customer_id = :customer_id")
_SUM = text(_SUMS_OF.format(lines="bill_lines WHERE customer_id = :customer_id"))


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "ALTER TABLE customers"
        " ADD COLUMN IF NOT EXISTS shows_consumption boolean NOT NULL DEFAULT false"
    )
    for statement in _TABLE.split(";"):
        op.execute(statement)
    op.execute("DROP POLICY IF EXISTS tenant ON bill_sums")
    bind_to_tenant(op, "bill_sums", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON bill_sums TO {REQUEST_ROLE}")
    for table in ("bill_lines", "bill_sums", "line_versions"):
        op.execute(f"DROP POLICY IF EXISTS own_customer ON {table}")
        op.execute(
            f"CREATE POLICY own_customer ON {table} FOR SELECT TO {REQUEST_ROLE} USING ({_OWN})"
        )
    op.execute(_ON_NEW)
    op.execute(_ON_CHANGED)
    for statement in _TRIGGERS.split(";"):
        op.execute(statement)
    with op.get_context().autocommit_block():
        sum_all(op.get_bind().engine, lambda line: print(line, flush=True))


def sum_all(engine: Engine, tell: Callable[[str], None]) -> None:
    """Sum each customer's lines anew; whoever is done stays done when it is asked again."""
    after, seen, told_at = "", 0, time.monotonic()
    with engine.connect() as connection:
        while True:
            with connection.begin():
                customer_id = connection.scalar(_NEXT_CUSTOMER, {"after": after})
                if customer_id is None:
                    break
                connection.execute(_LOCK)
                connection.execute(_FORGET, {"customer_id": customer_id})
                connection.execute(_SUM, {"customer_id": customer_id})
            after, seen = customer_id, seen + 1
            if time.monotonic() - told_at >= TELL_EVERY_SECONDS:
                told_at = time.monotonic()
                tell(f"bill lines of {seen:,} customers are summed")
    if seen:
        tell(f"bill lines of all {seen:,} customers are summed")
