"""How many coupons a partner issued, and how many records it has, is kept and not counted.

By triggers, so that no use case can forget it, and by appending, so that nobody waits for the row
of a partner; `tallies.keep_tallies` sums up what was appended.
"""

from alembic import op

from chassis.build_indexes import build_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CELL = "partner_id, distributor_id, counted, status, made_on, gone_on"
_TABLES = f"""
CREATE TABLE tallies (
    partner_id text NOT NULL,
    distributor_id text NOT NULL,
    counted text NOT NULL,
    status bigint NOT NULL,
    made_on date NOT NULL,
    gone_on date NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY ({_CELL})
);
CREATE TABLE tally_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partner_id text NOT NULL,
    distributor_id text NOT NULL,
    counted text NOT NULL,
    status bigint NOT NULL,
    made_on date NOT NULL,
    gone_on date NOT NULL,
    by bigint NOT NULL
);
CREATE INDEX tally_changes_of ON tally_changes (partner_id);
ALTER TABLE tally_changes SET (autovacuum_vacuum_scale_factor = 0.0,
                               autovacuum_vacuum_threshold = 2000)
"""
_OF_COUPON = """
    {0}.partner_id, coalesce({0}.distributor_id, ''), 'coupon', {0}.status,
    ({0}.created_at AT TIME ZONE 'UTC')::date,
    (least({0}.ended_at, {0}.expire_at) AT TIME ZONE 'UTC')::date
"""
_OF_RECORD = """
    r.partner_id, coalesce(r.distributor_id, ''), 'record',
    CASE r.result WHEN '0' THEN 0 ELSE -1 END,
    (r.at AT TIME ZONE 'UTC')::date, 'infinity'::date
"""
_OF_MANY = (
    "INSERT INTO tally_changes ({cell}, by) SELECT {of}, {sign}count(*) FROM changed r {where}"
    " GROUP BY 1, 2, 3, 4, 5, 6"
)
_MANY = """
CREATE FUNCTION append_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {insert};
    RETURN NULL;
END $$
"""
_CHANGED = f"""
CREATE FUNCTION append_coupon_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_changes ({_CELL}, by)
    VALUES ({_OF_COUPON.format("OLD")}, -1), ({_OF_COUPON.format("NEW")}, 1);
    RETURN NULL;
END $$
"""
_COUNTS_FOR = ("partner_id", "distributor_id", "status", "created_at", "ended_at", "expire_at")
_DIFFERS = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _COUNTS_FOR)
_TRIGGERS = f"""
CREATE TRIGGER tally_made AFTER INSERT ON coupons
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION append_coupons_made();
CREATE TRIGGER tally_gone AFTER DELETE ON coupons
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION append_coupons_gone();
CREATE TRIGGER tally_changed AFTER UPDATE ON coupons FOR EACH ROW
    WHEN (NEW.quota_id IS NOT NULL AND ({_DIFFERS}))
    EXECUTE FUNCTION append_coupon_changes();
CREATE TRIGGER tally_made AFTER INSERT ON coupon_records
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION append_records_made();
CREATE TRIGGER tally_gone AFTER DELETE ON coupon_records
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION append_records_gone()
"""
_FILL = f"""
INSERT INTO tallies ({_CELL}, number)
SELECT {_OF_COUPON.format("r")}, count(*) FROM coupons r WHERE quota_id IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6
UNION ALL
SELECT {_OF_RECORD}, count(*) FROM coupon_records r GROUP BY 1, 2, 3, 4, 5, 6
"""


def upgrade() -> None:
    """Go forward."""
    build_index(
        op, "coupons_gone",
        "coupons (partner_id, least(ended_at, expire_at)) WHERE quota_id IS NOT NULL",
    )  # fmt: skip
    build_index(op, "coupon_records_of_customer", "coupon_records (partner_id, customer_id, at)")
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in ("tallies", "tally_changes"):
        bind_to_tenant(op, table, has_distributor=True)
    op.execute(f"GRANT SELECT ON tallies TO {REQUEST_ROLE}")
    op.execute(f"GRANT SELECT, INSERT ON tally_changes TO {REQUEST_ROLE}")
    is_issued = "WHERE r.quota_id IS NOT NULL"
    for name, of, sign, where in (
        ("coupons_made", _OF_COUPON.format("r"), "", is_issued),
        ("coupons_gone", _OF_COUPON.format("r"), "-", is_issued),
        ("records_made", _OF_RECORD, "", ""),
        ("records_gone", _OF_RECORD, "-", ""),
    ):
        insert = _OF_MANY.format(cell=_CELL, of=of, sign=sign, where=where)
        op.execute(_MANY.format(name=name, insert=insert))
    op.execute(_CHANGED)
    for statement in _TRIGGERS.split(";"):
        op.execute(statement)
    op.execute(_FILL)
