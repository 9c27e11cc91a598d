"""A request that failed only for the moment is begun again, before anybody heard of it.

A column's type was changed under a running service, two commands locked in opposite orders: the
same again goes well at once. What a command names is on its way here as an event: the same goes
well in a moment, and who waits for that holds no connection (`chassis.copies`).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import copies
from chassis.attempt import Attempt, current_attempt
from chassis.copies import NotYetKnownError
from chassis.database import Database
from chassis.error_answers import away_error
from chassis.errors import RefusedError
from chassis.failures import DatabaseAwayError, says_one_step_apart, says_transient
from chassis.logs import get_logger
from chassis.parts import application_of

log = get_logger(__name__)

WAITING_MAX = 100  # requests of this process
WAITING_PER_ACCOUNT_MAX = 20  # what the rate limit of one operation lets through in two seconds

LOOKING_AT_ONCE = 3  # of an account, as often as a single one would

T = TypeVar("T")


class TooManyWaitingError(RefusedError):
    """Too many of the account's requests wait for something that nobody knows yet."""

    code = "APIGW.0308"


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
    """ASGI middleware around the routes; `RequestContext` around it answers what it raises."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._waiting: Counter[str] = Counter()  # by account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        untouched, attempt = dict(scope), Attempt()
        under_way = current_attempt.set(attempt)
        try:
            while not await self._try(scope, receive, send, attempt):
                scope.clear()
                scope.update(untouched)
        except DatabaseAwayError as error:
            log.warning("database away", error=str(error), path=scope["path"])
            raise away_error(scope["path"]) from error
        finally:
            current_attempt.reset(under_way)

    async def _try(self, scope: Scope, receive: Receive, send: Send, attempt: Attempt) -> bool:
        """Whether it was answered; else it is to be begun again.

        Raises:
            DatabaseAwayError: it would go well, but cannot be begun again; the caller may.
            TooManyWaitingError

        """
        try:
            await self._app(scope, _receiving(receive, attempt), _noting(send, attempt))
        except NotYetKnownError as unknown:
            await self._wait(application_of(scope).parts.database, unknown, attempt)
            return False
        except Exception as error:
            if says_one_step_apart(error) and not attempt.answered:
                log.exception("code and schema do not fit", path=scope["path"])
                raise DatabaseAwayError(repr(error)) from error
            if attempt.answered or not says_transient(error):
                raise
            if attempt.committed or attempt.tried_again:
                raise DatabaseAwayError(repr(error)) from error
            log.warning("trying again", error=repr(error), path=scope["path"])
            attempt.tried_again = True
            return False
        return True

    async def _wait(self, database: Database, unknown: NotYetKnownError, attempt: Attempt) -> None:
        """Until it is there or the time is over, looking in short transactions."""
        if attempt.waits_until is None:
            attempt.waits_until = copies.wait_end()
        account = unknown.principal.id if unknown.principal else ""
        with self._seat(account):
            for pause in copies.pauses(attempt.waits_until, lambda: self._crowd(account)):
                await asyncio.sleep(pause)
                async with database.transaction_of(unknown.principal) as session:
                    if await unknown.look(session) is not None:
                        break
            else:
                attempt.waited_out = True
        attempt.committed = False  # the looks' transactions are not the request's

    def _crowd(self, account: str) -> float:
        """So that an account's looks cost the same, however many of its requests wait."""
        return max(1.0, self._waiting[account] / LOOKING_AT_ONCE)

    @contextmanager
    def _seat(self, account: str) -> Iterator[None]:
        taken = self._waiting
        if taken[account] >= WAITING_PER_ACCOUNT_MAX or taken.total() >= WAITING_MAX:
            raise TooManyWaitingError
        taken[account] += 1
        try:
            yield
        finally:
            taken[account] -= 1
            if not taken[account]:
                del taken[account]


def _noting(send: Send, attempt: Attempt) -> Send:
    async def noted(message: Message) -> None:
        attempt.answered = True
        await send(message)

    return noted


def _receiving(receive: Receive, attempt: Attempt) -> Receive:
    """What was read before, then what comes."""
    known = iter(list(attempt.read))

    async def received() -> Message:
        for message in known:
            return message
        message = await receive()
        if message["type"] == "http.request":
            attempt.read.append(message)
        return message

    return received
