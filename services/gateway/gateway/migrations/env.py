"""Alembic runs this for every migration command."""

from chassis.migrations import run
from gateway.feed.models import FeedTables
from gateway.identity.models import IdentityTables
from gateway.ops.models import OpsTables
from gateway.portfolio.models import PortfolioTables
from gateway.sandbox.models import SandboxTables

run(
    IdentityTables.metadata,
    PortfolioTables.metadata,
    FeedTables.metadata,
    OpsTables.metadata,
    SandboxTables.metadata,
)
