"""Who is signed in to the console."""

from datetime import datetime

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES


class OpsTables(DeclarativeBase):
    """Apart from the read models' tables: no tenant's request may read a session."""

    type_annotation_map = COLUMN_TYPES


class ConsoleSession(OpsTables):
    """A session by the SHA-256 of its id; the id itself is in the browser's cookie alone."""

    __tablename__ = "console_sessions"

    hash: Mapped[str] = mapped_column(primary_key=True)
    # An operator's token (by its hash), with which the session ends; or the mark of ADMIN_TOKEN.
    credential: Mapped[str] = mapped_column(index=True)
    is_administrator: Mapped[bool]
    name: Mapped[str]  # as the page greets
    signed_in_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
