"""What the native API shows of a cycle."""

from datetime import datetime

from billing.cycles.models import Cycle, final_at
from wire.native import NativeAnswer


class CycleAnswer(NativeAnswer):
    """How a month stands."""

    bill_cycle: str  # YYYY-MM, Beijing
    state: str  # open, closing, closed, corrected
    closes_at: datetime  # by itself, unless it is held
    is_on_hold: bool  # it does not close by itself
    held_because: str | None
    closing_at: datetime | None
    closed_at: datetime | None
    closed_by_itself: bool | None
    open_items: list[str]  # of the checklist, when it closed


def native_cycle(cycle: Cycle) -> CycleAnswer:
    """The row, or what stands for it."""
    closes_at = final_at(cycle.cycle)
    return CycleAnswer.of(
        cycle, bill_cycle=cycle.cycle, closes_at=closes_at, is_on_hold=cycle.is_held
    )
