"""The second wall stands behind every table, those that are no partner's too.

Names, phones and mailboxes belong to the whole platform: a request asks for one of them by a
function of the owner's, and cannot read the others.
"""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import wall_kit_tables

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TAKE = """
CREATE FUNCTION take_identity(of_kind text, of_value text, accounts_max bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    INSERT INTO identities AS known (kind, value, accounts) VALUES (of_kind, of_value, 1)
    ON CONFLICT (kind, value) DO UPDATE SET accounts = known.accounts + 1
    WHERE known.accounts < accounts_max
    RETURNING true
$$
"""
_COUNT = """
CREATE FUNCTION accounts_with_identity(of_kind text, of_value text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT accounts FROM identities WHERE kind = of_kind AND value = of_value
$$
"""
_TENANT = "(SELECT current_setting('channelbus.partner_id', true))"
_OWN = f"id = {_TENANT} OR distributor_id = {_TENANT} OR {_TENANT} = '*'"
_VISIBLE = "EXISTS (SELECT FROM customers WHERE customers.id = customer_id)"


def upgrade() -> None:
    """Go forward."""
    wall_kit_tables(op)
    op.execute(f"REVOKE ALL ON identities, sightings, upstream_slots FROM {REQUEST_ROLE}")
    for made, name in (
        (_TAKE, "take_identity(text, text, bigint)"),
        (_COUNT, "accounts_with_identity(text, text)"),
    ):
        op.execute(made)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {REQUEST_ROLE}")
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON partners FROM {REQUEST_ROLE}")
    for table, visible in (("partners", _OWN), ("pending_associations", _VISIBLE)):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO {REQUEST_ROLE}"
            f" USING ({visible}) WITH CHECK ({visible})"
        )
