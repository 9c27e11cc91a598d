"""A PUT or DELETE that comes again, byte for byte, gets its first answer again (decision 0016).

The SDK sends it again by itself, for instance after a connection that was dropped.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Message, Send

from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.logs import get_logger, request_id
from chassis.try_again import twice
from gateway.forwarding.answers import Answer, note_refusal
from gateway.forwarding.claim_signature import RepeatedSignatureError
from gateway.identity.authenticate import Caller
from gateway.identity.models import KeptAnswer
from gateway.received import Received

log = get_logger(__name__)

REPEATABLE = frozenset({"PUT", "DELETE"})
KEPT_BYTES_MAX = 16 * 1024  # of one answer: ours are a tenth of it
TAKEN_OVER_AFTER_SECONDS = 5.0  # without an answer: its gateway may be gone
WAIT_SECONDS_MAX = 7.0
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.02, 0.5  # between two looks
WAITING_MAX = 100  # repetitions, of this process
WAITING_PER_ACCOUNT_MAX = 5
TOO_MANY_REQUESTS = 429  # says to send the same again: it is no answer to keep

# What an answer may depend on and a signature need not cover.
_DECIDING = (
    b"content-type", b"accept", b"accept-language", b"x-language", b"x-domain-id",
    b"x-auth-token", b"x-security-token", b"x-subject-token",
    b"idempotency-key", b"if-match", b"if-none-match",
)  # fmt: skip

_OF_ONE_ANSWER = frozenset({b"content-length", b"x-request-id", b"idempotency-replayed"})

Work = Callable[[Send], Awaitable[None]]


class Known(NamedTuple):
    """What is kept of a request that came before."""

    request_id: str
    status: int | None
    headers: list[list[str]] | None
    body: bytes | None

    @property
    def answer(self) -> Answer | None:
        """The first answer; None: there is none yet, or it was too large to be kept."""
        if self.status is None or self.body is None:
            return None
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in self.headers or []]
        return Answer(self.status, [*pairs, (b"idempotency-replayed", b"true")], self.body)


def fingerprint_of(request: Received, caller: Caller) -> str:
    """One name for these bytes from this caller; of another caller or other bytes another one."""
    principal = caller.principal
    said = [
        caller.access or "", caller.signature or "",
        principal.name, principal.operator_id or "",
        request.method, request.target, hashlib.sha256(request.body).hexdigest(),
    ]  # fmt: skip
    said += [
        f"{name.decode()}:{value.decode('latin-1')}"
        for name, value in sorted(request.headers)
        if name in _DECIDING
    ]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


class KeptAnswers:
    """Carries out each signed PUT and DELETE once, and answers all that come with its bytes."""

    def __init__(self, database: Database):
        self._database = database
        self._waiting: Counter[str] = Counter()  # by account

    async def answer_once(self, fingerprint: str, account_id: str, work: Work, send: Send) -> None:
        """Do the work and keep its answer, or send the answer that was kept.

        `work` answers whatever happens.

        Raises:
            RepeatedSignatureError: the first is still under way, or its answer was too large.

        """
        known = await twice(lambda: self._claim(fingerprint))
        if known is not None and known.status is None:
            known = await self._wait(fingerprint, account_id, known)
        if known is None:
            await self._work(fingerprint, work, send)
        elif (answer := known.answer) is None:
            raise _refused(known)
        else:
            note_refusal(answer.status, answer.body)
            await answer.send(send)

    async def _claim(self, fingerprint: str) -> Known | None:
        """What is known of the request, or None: it is the caller's of this to carry out."""
        table = KeptAnswer
        mine = {"fingerprint": fingerprint, "request_id": request_id()}
        is_abandoned = table.status.is_(None) & (
            table.claimed_at < func.now() - timedelta(seconds=TAKEN_OVER_AFTER_SECONDS)
        )
        async with self._database.transaction() as session:
            taken = await session.execute(
                insert(table)
                .values(mine)
                .on_conflict_do_update(
                    index_elements=[table.fingerprint],
                    set_={"request_id": request_id(), "claimed_at": func.now()},
                    where=is_abandoned,
                )
                .returning(table.fingerprint)
            )
            if taken.first() is not None:
                return None
            return await _read(session, fingerprint)

    async def _wait(self, fingerprint: str, account_id: str, known: Known) -> Known | None:
        """For the first's answer; or to carry it out, when the first seems to have died."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + WAIT_SECONDS_MAX, PAUSE_SECONDS_MIN
        with self._seat(account_id, known):
            while loop.time() < until:
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
                seen = await self._claim(fingerprint)
                if seen is None or seen.status is not None:
                    return seen
        return known

    @contextmanager
    def _seat(self, account_id: str, known: Known) -> Iterator[None]:
        taken = self._waiting
        if taken[account_id] >= WAITING_PER_ACCOUNT_MAX or taken.total() >= WAITING_MAX:
            raise _refused(known)
        taken[account_id] += 1
        try:
            yield
        finally:
            taken[account_id] -= 1
            if not taken[account_id]:
                del taken[account_id]

    async def _work(self, fingerprint: str, work: Work, send: Send) -> None:
        held = _Held(send)
        await work(held)
        try:
            first = await twice(lambda: self._keep(fingerprint, held))
        except DatabaseAwayError as away:  # it was carried out: its caller hears so all the same
            log.warning("an answer was not kept", error=str(away))
            first = None
        if first is not None:
            await first.send(send)
        elif not held.is_too_large:
            await held.release()

    async def _keep(self, fingerprint: str, held: "_Held") -> Answer | None:
        """Keep it; another answer, when one was kept meanwhile."""
        table = KeptAnswer
        async with self._database.transaction() as session:
            if held.status == TOO_MANY_REQUESTS:
                await session.execute(
                    delete(table).where(
                        table.fingerprint == fingerprint, table.request_id == request_id()
                    )
                )
                return None
            kept = await session.execute(
                update(table)
                .where(table.fingerprint == fingerprint, table.status.is_(None))
                .values(status=held.status, headers=held.headers, body=held.body)
                .returning(table.fingerprint)
                .execution_options(synchronize_session=False)
            )
            if kept.first() is not None or held.is_too_large:
                return None
            return (await _read(session, fingerprint)).answer


def _refused(known: Known) -> RepeatedSignatureError:
    name = f"X-Request-Id {known.request_id}"
    if known.status is None:
        return RepeatedSignatureError(f"The first one, {name}, is still under way.")
    return RepeatedSignatureError(f"The answer to the first one, {name}, was not kept.")


async def _read(session: AsyncSession, fingerprint: str) -> Known:
    table = KeptAnswer
    row = await session.execute(
        select(table.request_id, table.status, table.headers, table.body).where(
            table.fingerprint == fingerprint
        )
    )
    return Known(*row.one())


class _Held:
    """An answer that is held until it is whole; one that is too large goes on at once."""

    def __init__(self, send: Send):
        self._send = send
        self._messages: list[Message] = []
        self.is_too_large = False

    async def __call__(self, message: Message) -> None:
        """ASGI. An answer that begins again takes the place of one that was not finished."""
        if self.is_too_large:
            await self._send(message)
            return
        if message["type"] == "http.response.start":
            self._messages.clear()
        self._messages.append(message)
        if len(self.whole_body) > KEPT_BYTES_MAX:
            self.is_too_large = True
            await self.release()

    @property
    def status(self) -> int:
        """As it was answered."""
        return int(self._messages[0]["status"])

    @property
    def headers(self) -> list[list[str]]:
        """All but those of the one request and of how the answer was sent."""
        return [
            [name.decode(), value.decode("latin-1")]
            for name, value in self._messages[0]["headers"]
            if name.lower() not in _OF_ONE_ANSWER
        ]

    @property
    def whole_body(self) -> bytes:
        """What was written so far."""
        return b"".join(message.get("body", b"") for message in self._messages)

    @property
    def body(self) -> bytes | None:
        """What to keep of it."""
        return None if self.is_too_large else self.whole_body

    async def release(self) -> None:
        """Send what is held."""
        for message in self._messages:
            await self._send(message)
