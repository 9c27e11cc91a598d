"""Alembic's entry: the chassis does the work."""

from billing import app as _every_table  # noqa: F401
from billing.models import Tables
from chassis import migrations

migrations.run(Tables.metadata)
