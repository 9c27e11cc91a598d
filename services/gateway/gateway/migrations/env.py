"""Alembic runs this for every migration command."""

from chassis.migrations import run
from gateway.identity.models import IdentityTables
from gateway.portfolio.models import PortfolioTables

run(IdentityTables.metadata, PortfolioTables.metadata)
