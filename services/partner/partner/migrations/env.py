"""Alembic's entry: the chassis does the work."""

from chassis import migrations
from partner.models import Tables

migrations.run(Tables.metadata)
