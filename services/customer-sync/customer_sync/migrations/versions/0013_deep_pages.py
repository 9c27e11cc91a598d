"""The index of a partner's list holds whatever decides who is skipped before a deep page.

It is made before the old one goes, so that lists go on meanwhile; customers cannot be changed for
some seconds, with a million of them.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; what keeps readers out comes last. A new database has it already: once more."""
    op.execute(
        "CREATE INDEX customers_of_partner_new ON customers"
        " (partner_id, associated_on DESC, id DESC) INCLUDE (distributor_id, association_type)"
        " WHERE association_status = 'associated'"
    )
    op.execute("DROP INDEX customers_of_partner")
    op.execute("ALTER INDEX customers_of_partner_new RENAME TO customers_of_partner")
