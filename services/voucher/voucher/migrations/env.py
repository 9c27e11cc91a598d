"""Alembic's entry."""

from chassis import migrations
from voucher.models import Tables

migrations.run(Tables.metadata)
