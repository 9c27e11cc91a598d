"""Who may send a request now: each attempt runs inside one `pace()`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

Pace = Callable[[], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def unlimited() -> AsyncIterator[None]:
    """No limit; for an upstream of one's own, in tests."""
    yield
