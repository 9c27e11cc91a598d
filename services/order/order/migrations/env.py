"""Alembic's entry: the chassis does the work."""

from chassis import migrations
from order import app as _every_table  # noqa: F401
from order.models import Tables

migrations.run(Tables.metadata)
