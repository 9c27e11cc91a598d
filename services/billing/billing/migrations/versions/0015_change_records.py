"""What change records say: the names of partners, and the line that a charge for usage paid."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Go forward; names come with a partner's next event or a rebuild."""
    op.execute("ALTER TABLE partners ADD COLUMN name TEXT, ADD COLUMN account_name TEXT")
    op.execute(
        "ALTER TABLE movements ADD COLUMN bill_cycle TEXT,"
        " ADD COLUMN consume_time TIMESTAMP WITH TIME ZONE, ADD COLUMN service_type_name TEXT"
    )
