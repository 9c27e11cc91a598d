"""Alembic runs this for every migration command."""

from chassis.migrations import run
from customer_sync.models import Tables

run(Tables.metadata)
