"""Two clocks (decision 0093): business time, which a sandbox moves ahead, and wall time.

`Now` is business time: deadlines, effective and expiry instants, cycles, `occurred_at`. `WallNow`
is wall time: credentials, codes, sessions, leases, pauses, pruning, what operators decide. Time is
an argument: functions take a `now`, and the doors ask the clock that is meant.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from chassis.parts import application_of

WallClock = Callable[[], datetime]


def wall_now() -> datetime:
    """The instant, aware and in UTC."""
    return datetime.now(UTC)


async def request_now(request: Request) -> datetime:
    """Business time, so that a test can stand on the last second of a month."""
    return await application_of(request.scope).parts.business_clock.now()


async def request_wall_now(request: Request) -> datetime:
    """Wall time, which nobody moves.

    `async`, or FastAPI would take a thread for it with every request.
    """
    return application_of(request.scope).parts.wall_clock()


Now = Annotated[datetime, Depends(request_now)]
WallNow = Annotated[datetime, Depends(request_wall_now)]
