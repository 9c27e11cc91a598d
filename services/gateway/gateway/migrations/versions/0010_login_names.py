"""Login names as one name space: the claims, and an index to find a name without its case.

Names that are of two kinds already stay as they are and are told: somebody has to decide.
"""

from alembic import op
from sqlalchemy import Connection, text

from chassis.build_indexes import build_index

revision = "0010"
down_revision = "0009"

TOLD_MAX = 100
_CLAIMS = """
CREATE TABLE login_name_claims (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    claims BIGINT NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL
)
"""
_SHARED = text("""
    SELECT name, string_agg(kind || ' ' || id, ', ' ORDER BY kind, id) FROM (
        SELECT lower(account_name) AS name, id,
               CASE WHEN kind = 'customer' THEN 'customer' ELSE 'partner' END AS kind
        FROM identity_accounts
        UNION ALL SELECT lower(account_name), id, 'operator' FROM identity_operators
    ) AS named
    GROUP BY name HAVING count(DISTINCT kind) > 1 ORDER BY name LIMIT :most
""")


def upgrade() -> None:
    """Go forward."""
    op.execute(_CLAIMS)
    op.execute("CREATE INDEX ix_login_name_claims_claimed_at ON login_name_claims (claimed_at)")
    for table in ("identity_accounts", "identity_operators"):
        build_index(op, f"{table}_folded", f"{table} (lower(account_name))")
    for line in shared_names(op.get_bind()):
        print(line, flush=True)


def shared_names(connection: Connection) -> list[str]:
    """A line for each name by which people of two kinds sign in."""
    found = connection.execute(_SHARED, {"most": TOLD_MAX})
    return [f"login name {name} is shared by {owners}: rename one" for name, owners in found]
