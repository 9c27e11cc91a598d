"""A command that names what is not yet known here waits for the event that brings it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chassis.copies import WAIT_SECONDS, WAIT_STEP_SECONDS

T = TypeVar("T")


async def wait_for(ask: Callable[[], Awaitable[T | None]]) -> T | None:
    """What `ask` finds, asked again for up to two seconds; None when nothing came."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    while True:
        found = await ask()
        if found is not None or loop.time() >= deadline:
            return found
        await asyncio.sleep(WAIT_STEP_SECONDS)
