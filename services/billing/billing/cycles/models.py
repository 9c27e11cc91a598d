"""Bill cycles: months in Beijing time that take lines until they are closed."""

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from chassis.errors import RefusedError
from wire.times import BEIJING, cycle_bounds

OPEN, CLOSING, CLOSED, CORRECTED = "open", "closing", "closed", "corrected"
FINAL = (CLOSED, CORRECTED)
NOBODYS = "*"  # a cycle is the whole installation's
FINAL_DAY, FINAL_HOUR = 5, 12  # of the next month, Beijing (docs/domain/bills.md B.8)


class CycleFinalError(RefusedError):
    """The cycle is closed and does not change any more."""

    code = "CHB.0409"


def final_at(cycle: str) -> datetime:
    """When the cycle closes by itself: the 5th of the next month at 12:00 Beijing."""
    _, end = cycle_bounds(cycle)
    day = end.astimezone(BEIJING) + timedelta(days=FINAL_DAY - 1)
    return datetime.combine(day.date(), time(FINAL_HOUR), BEIJING)


class Cycle(Tables):
    """What was decided of a cycle. One without a row is open until it is final by its time."""

    __tablename__ = "cycles"

    cycle: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(server_default=text(f"'{NOBODYS}'"))
    state: Mapped[str]  # open | closing | closed | corrected
    is_held: Mapped[bool]  # it does not close by itself
    held_because: Mapped[str | None]
    # Items of the checklist that somebody let pass: item → reason, by whom, when.
    waived: Mapped[dict[str, Any]]
    closing_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by_itself: Mapped[bool | None]
    open_items: Mapped[list[Any]]  # that were not as they should be when it closed
    version: Mapped[int]

    @property
    def is_final(self) -> bool:
        """Whether it takes no line any more, for good."""
        return self.state in FINAL


def new_cycle(cycle: str) -> Cycle:
    """As a cycle is of which nothing was decided yet."""
    return Cycle(
        cycle=cycle, partner_id=NOBODYS, state=OPEN, is_held=False, waived={}, open_items=[],
        version=1,
    )  # fmt: skip
