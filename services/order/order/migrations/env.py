"""Alembic's entry: the chassis does the work."""

from chassis import migrations
from order.models import Tables

migrations.run(Tables.metadata)
