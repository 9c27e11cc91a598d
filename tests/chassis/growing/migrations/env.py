"""Alembic's entry, as every service has it."""

from sqlalchemy import MetaData

from chassis.migrations import run

run(MetaData())
