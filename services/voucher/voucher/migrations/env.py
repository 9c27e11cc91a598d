"""Alembic's entry."""

from chassis import migrations
from voucher import app as _every_table  # noqa: F401
from voucher.models import Tables

migrations.run(Tables.metadata)
