"""A command that names what is not yet known here waits for the event that brings it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import WAIT_SECONDS, WAIT_STEP_SECONDS
from chassis.database import Database

T = TypeVar("T")


async def wait_for(
    database: Database, ask: Callable[[AsyncSession], Awaitable[T | None]]
) -> T | None:
    """What `ask` finds, asked again for up to two seconds; None when nothing came.

    Each time in a transaction of its own: who waits for nothing must not hold a connection that
    others need to be authenticated.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    while True:
        async with database.transaction() as session:
            found = await ask(session)
        if found is not None or loop.time() >= deadline:
            return found
        await asyncio.sleep(WAIT_STEP_SECONDS)
