"""By which credentials a credential was exchanged, and the indexes to end and list by it.

Tokens and temporary keys live a day at most, so the tables are small. What was exchanged before by
an access key or for a customer does not know its origin and ends with its time.
"""

from alembic import op

from chassis.build_indexes import build_index

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Go forward."""
    for table in ("tokens", "access_keys"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS ancestors text[] NOT NULL DEFAULT '{{}}'"
        )
        build_index(op, f"{table}_below", f"{table} USING gin (ancestors)")
        for name, column in (("of_operator", "operator_id"), ("acting", "acting_partner_id")):
            build_index(op, f"{table}_{name}", f"{table} ({column}) WHERE {column} <> ''")
    # In a database made anew the column of the version before was never there.
    op.execute("ALTER TABLE access_keys ADD COLUMN IF NOT EXISTS made_by_token text")
    op.execute(
        "UPDATE access_keys SET ancestors = ARRAY['token:' || made_by_token]"
        " WHERE made_by_token IS NOT NULL AND ancestors = '{}'"
    )
