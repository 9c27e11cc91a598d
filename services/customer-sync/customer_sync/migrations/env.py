"""Alembic runs this for every migration command."""

from chassis.migrations import run
from customer_sync import app as _every_table  # noqa: F401
from customer_sync.models import Tables

run(Tables.metadata)
