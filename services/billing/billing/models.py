"""Billing's metadata; the tables stand with their subjects and in `copies`."""

from sqlalchemy.orm import DeclarativeBase

from chassis.database import COLUMN_TYPES


class Tables(DeclarativeBase):
    """Billing's own metadata."""

    type_annotation_map = COLUMN_TYPES
