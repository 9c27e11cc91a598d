"""Alembic runs this for every migration command."""

from chassis.migrations import run
from gateway.identity.models import IdentityTables

run(IdentityTables.metadata)
