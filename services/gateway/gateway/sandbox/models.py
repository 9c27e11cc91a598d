"""What is kept of a move of business time, so that a killed one goes on where it stood."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Interval
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES


class SandboxTables(DeclarativeBase):
    """Apart from the read model's tables: no request reaches them."""

    type_annotation_map = COLUMN_TYPES


class ClockMove(SandboxTables):
    """One order to move business time; instants are of the business clock unless they say wall."""

    __tablename__ = "clock_moves"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    is_open: Mapped[bool | None] = mapped_column(unique=True)  # true, then none: one is at most
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]
    reached: Mapped[datetime]  # the steps are done until there
    ahead: Mapped[timedelta | None] = mapped_column(Interval)  # of the wall, once it is there
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]  # by the wall
    held_until: Mapped[datetime | None]  # by the wall: a replica carries it out until then
    problem: Mapped[str | None]  # why it does not go on
    finished_at: Mapped[datetime | None]  # by the wall


class ClockStep(SandboxTables):
    """A stop on the way: what was due there, and what came of it."""

    __tablename__ = "clock_steps"

    move_id: Mapped[int] = mapped_column(ForeignKey("clock_moves.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    ran: Mapped[list[Any]]  # "order: expire orders"
    events_after: Mapped[int]  # the last position of the feed before the step
    events: Mapped[dict[str, Any]]  # type → how many were stated
    ended_at: Mapped[datetime | None]  # by the wall
