"""What the feed knows of itself, and the console's sessions.

The sessions are not granted to the role that requests run as: they are credentials.
"""

from alembic import op

from chassis.database import REQUEST_ROLE
from gateway.feed.models import FeedTables
from gateway.ops.models import OpsTables

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go forward."""
    FeedTables.metadata.create_all(op.get_bind())
    op.execute("INSERT INTO event_feed_horizon DEFAULT VALUES")
    op.execute(f"GRANT SELECT ON event_feed_horizon TO {REQUEST_ROLE}")
    OpsTables.metadata.create_all(op.get_bind())
