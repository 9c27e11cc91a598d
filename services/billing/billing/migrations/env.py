"""Alembic's entry: the chassis does the work."""

from billing.models import Tables
from chassis import migrations

migrations.run(Tables.metadata)
