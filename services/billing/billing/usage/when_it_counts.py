"""When a use counts on the bill: when it ended, as long as that cycle takes charges."""

from collections.abc import Container
from datetime import datetime

from wire.times import cycle_of


def counts_at(used_until: datetime, now: datetime, taking: Container[str]) -> datetime:
    """The end of the use; now, where that cycle is final: what is late stands in the open one."""
    end = min(used_until, now)
    return end if cycle_of(end) in taking else now


def late_for(used_until: datetime, trade_time: datetime) -> str | None:
    """The cycle that the use is too late for; None where it stands in its own."""
    cycle = cycle_of(used_until)
    return cycle if cycle < cycle_of(trade_time) else None
