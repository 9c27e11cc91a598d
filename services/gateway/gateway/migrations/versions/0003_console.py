"""What the feed knows of itself, and the console's sessions.

The sessions are not granted to the role that requests run as: they are credentials.
"""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go forward."""
    run_sql(op, __file__)
    op.execute("INSERT INTO event_feed_horizon DEFAULT VALUES")
    op.execute(f"GRANT SELECT ON event_feed_horizon TO {REQUEST_ROLE}")
