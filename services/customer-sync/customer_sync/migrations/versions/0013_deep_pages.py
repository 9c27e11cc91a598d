"""The index of a partner's list holds whatever decides who is skipped before a deep page.

It is made before the old one goes, so that lists go on meanwhile.
"""

from alembic import op

from chassis.build_indexes import build_index, drop_index

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. A new database has it already: once more, as after a run that was killed."""
    build_index(
        op,
        "customers_of_partner_new",
        "customers (partner_id, associated_on DESC, id DESC)"
        " INCLUDE (distributor_id, association_type) WHERE association_status = 'associated'",
    )
    drop_index(op, "customers_of_partner")
    op.execute("ALTER INDEX customers_of_partner_new RENAME TO customers_of_partner")
