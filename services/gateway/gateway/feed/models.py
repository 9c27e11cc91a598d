"""What the feed knows of itself beside its rows, which the projection writes (portfolio.models)."""

from uuid import UUID

from sqlalchemy import Boolean, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES


class FeedTables(DeclarativeBase):
    """Apart from the read model's tables."""

    type_annotation_map = COLUMN_TYPES


class FeedHorizon(FeedTables):
    """One row: which feed this is, and up to which position it was pruned.

    A cursor names the feed: after a database is made again, positions mean something else.
    """

    __tablename__ = "event_feed_horizon"

    is_only: Mapped[bool] = mapped_column(Boolean, primary_key=True, server_default=text("true"))
    feed_id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    pruned_through: Mapped[int] = mapped_column(server_default=text("0"))
