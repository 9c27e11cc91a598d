"""Time is an argument: functions take a `now`; the doors ask the application's clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The instant, aware and in UTC."""
    return datetime.now(UTC)


async def request_now(request: Request) -> datetime:
    """The application's clock, so that a test can stand on the last second of a month.

    `async`, or FastAPI would take a thread for it with every request.
    """
    clock: Clock = request.app.state.clock
    return clock()


Now = Annotated[datetime, Depends(request_now)]
