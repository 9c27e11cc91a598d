"""What a changed schema or another transaction spoilt is done once more before anybody hears of it.

A column's type is changed under a running service, two commands lock in opposite orders: the
transaction is rolled back, and the same again goes well. A caller would not know that.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.error_answers import away_error, refusal_answer
from chassis.failures import says_transient
from chassis.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class _Attempt:
    """What cannot be undone of a request, and what has to be read a second time."""

    answered: bool = False
    committed: bool = False
    read: list[Message] = field(default_factory=list)


_attempt: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)


def note_commit() -> None:
    """A transaction of the request under way was committed: it is not done again as a whole."""
    if (attempt := _attempt.get()) is not None:
        attempt.committed = True


async def twice(work: Callable[[], Awaitable[T]]) -> T:
    """The result of one transaction; begun once more when that alone may help."""
    try:
        return await work()
    except Exception as error:
        if not says_transient(error):
            raise
        log.warning("trying again", error=repr(error))
        return await work()


class TryAgain:
    """ASGI middleware around the routes: a request that nobody saw the end of is done once more."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        untouched = dict(scope)
        attempt = _Attempt()
        _attempt.set(attempt)
        try:
            await self._app(scope, _recording(receive, attempt), _noting(send, attempt))
        except Exception as error:
            if attempt.answered or not says_transient(error):
                raise
            if attempt.committed:
                await _refuse(scope, receive, send, error)
                return
            log.warning("trying again", error=repr(error), path=scope["path"])
            scope.clear()
            scope.update(untouched)
            await self._once_more(scope, _repeating(receive, attempt), send)

    async def _once_more(self, scope: Scope, receive: Receive, send: Send) -> None:
        attempt = _Attempt()
        try:
            await self._app(scope, receive, _noting(send, attempt))
        except Exception as error:
            if attempt.answered or not says_transient(error):
                raise
            await _refuse(scope, receive, send, error)


async def _refuse(scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
    """The caller may ask again: it is not known for a failure of ours."""
    log.warning("in vain", error=repr(error), path=scope["path"])
    answer = refusal_answer(Request(scope), away_error(scope["path"]))
    await answer(scope, receive, send)


def _noting(send: Send, attempt: _Attempt) -> Send:
    async def noted(message: Message) -> None:
        attempt.answered = True
        await send(message)

    return noted


def _recording(receive: Receive, attempt: _Attempt) -> Receive:
    async def recorded() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            attempt.read.append(message)
        return message

    return recorded


def _repeating(receive: Receive, attempt: _Attempt) -> Receive:
    left = deque(attempt.read)

    async def repeated() -> Message:
        return left.popleft() if left else await receive()

    return repeated
