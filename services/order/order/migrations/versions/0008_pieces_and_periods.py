"""Pieces to provision, attached resources, and the periods that resources are paid for.

What was opened in a release before gets the period that its line paid: the line's amounts in equal
parts to the cent, the earlier resources first. In portions that each commit.
"""

from alembic import op
from sqlalchemy import text

from chassis.build_indexes import build_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

PORTION_RESOURCES = 2_000

_TABLES = """
CREATE TABLE IF NOT EXISTS pieces (
    line_id text NOT NULL,
    number bigint NOT NULL,
    order_id text NOT NULL REFERENCES orders (order_id),
    partner_id text NOT NULL,
    distributor_id text,
    position bigint NOT NULL,
    resource_id text NOT NULL,
    main_resource_id text,
    state text NOT NULL,
    asked_times bigint NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (line_id, number)
);
CREATE INDEX IF NOT EXISTS pieces_of_order ON pieces (order_id, position, number);
CREATE TABLE IF NOT EXISTS resource_periods (
    period_id text PRIMARY KEY,
    resource_id text NOT NULL REFERENCES resources (resource_id),
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    order_id text NOT NULL,
    line_id text NOT NULL,
    begin_at timestamptz NOT NULL,
    end_at timestamptz,
    official_amount numeric(38, 2) NOT NULL,
    coupon_amount numeric(38, 2) NOT NULL,
    flexipurchase_coupon_amount numeric(38, 2) NOT NULL,
    stored_card_amount numeric(38, 2) NOT NULL,
    cash_amount numeric(38, 2) NOT NULL,
    credit_amount numeric(38, 2) NOT NULL
);
CREATE INDEX IF NOT EXISTS periods_of_resource ON resource_periods (resource_id, begin_at);
CREATE INDEX IF NOT EXISTS periods_of_order ON resource_periods (order_id)
"""
_LAST = text("""
    SELECT count(*), max(line_id) FROM (
        SELECT line_id FROM resources WHERE line_id > :after ORDER BY line_id LIMIT :rows
    ) AS portion
""")
_PART = (
    "(div(100 * l.{0}, l.quantity)"
    " + CASE WHEN r.number <= mod(100 * l.{0}, l.quantity) THEN 1 ELSE 0 END) / 100"
)
_AMOUNTS = ["official_amount", "coupon_amount", "flexipurchase_coupon_amount",
            "stored_card_amount", "cash_amount", "credit_amount"]  # fmt: skip
_PERIODS = text(f"""
    INSERT INTO resource_periods (period_id, resource_id, customer_id, partner_id, distributor_id,
        order_id, line_id, begin_at, end_at, {", ".join(_AMOUNTS)})
    SELECT replace(gen_random_uuid()::text, '-', ''), r.resource_id, r.customer_id, r.partner_id,
        r.distributor_id, r.order_id, r.line_id, r.effective_at, r.expire_at,
        {", ".join(_PART.format(name) for name in _AMOUNTS)}
    FROM (
        SELECT *, row_number() OVER (PARTITION BY line_id ORDER BY resource_id) AS number
        FROM resources WHERE line_id > :after AND line_id <= :last
    ) AS r JOIN order_lines AS l ON l.line_id = r.line_id
    WHERE r.charging_mode = 1
      AND NOT EXISTS (SELECT FROM resource_periods AS p WHERE p.resource_id = r.resource_id)
""")


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE order_lines ADD COLUMN IF NOT EXISTS attach_to bigint")
    op.execute("ALTER TABLE resources ADD COLUMN IF NOT EXISTS main_resource_id text")
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in ("pieces", "resource_periods"):
        op.execute(f"DROP POLICY IF EXISTS tenant ON {table}")
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {REQUEST_ROLE}")
    build_index(
        op, "resources_attached", "resources (main_resource_id) WHERE main_resource_id IS NOT NULL"
    )
    build_index(op, "resources_of_line", "resources (line_id)")
    with op.get_context().autocommit_block():
        engine = op.get_bind().engine
        after = ""
        with engine.connect() as connection:
            while True:
                with connection.begin():
                    found = connection.execute(_LAST, {"after": after, "rows": PORTION_RESOURCES})
                    portion, last = found.one()
                    if not portion:
                        return
                    connection.execute(_PERIODS, {"after": after, "last": last})
                after = last
