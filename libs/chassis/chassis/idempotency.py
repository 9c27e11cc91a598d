"""`Idempotency-Key` with Stripe's contract: the same key and request get the same answer.

The key is kept in the command's own transaction: if that rolls back, nothing was done and the key
is free; a second request with the key waits for the first one's end.
"""

import asyncio
import hashlib
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response as RawResponse

from chassis.answers import JsonAnswer
from chassis.database import Database, HttpSession
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import CurrentPrincipal, raw_target
from chassis.routes import read_json
from chassis.tables import IdempotencyKey
from wire.json import BODY_BYTES_MAX, canonical

KEY_CHARACTERS_MAX = 255
KEEP_HOURS = 24
PRUNE_ROWS_MAX = 1000


class KeyReusedError(RefusedError):
    """The key was used for another request."""

    code = "CHB.0422"


class ReplayedAnswer(Exception):  # noqa: N818 - no error: the door's way out
    """This request was answered before; here is that answer."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str]):
        self.status, self.body, self.headers = status, body, headers
        super().__init__("answered before")


class Idempotency:
    """The request's key, if it has one; `answer` makes the answer and keeps it."""

    def __init__(self, session: AsyncSession, principal: str, key: str | None, status: int):
        self._session, self._principal, self._key = session, principal, key
        self._status = status

    async def claim(self, fingerprint: str) -> None:
        """Take the key, or raise the answer it already has; one older than a day is free."""
        table = IdempotencyKey
        row = {"principal": self._principal, "key": self._key, "fingerprint": fingerprint}
        unanswered = {"status": None, "body": None, "headers": None}
        fresh = {"fingerprint": fingerprint, "created_at": func.now(), **unanswered}
        taken = await self._session.execute(
            insert(table)
            .values(row)
            .on_conflict_do_update(
                index_elements=[table.principal, table.key],
                set_=fresh,
                where=table.created_at < func.now() - timedelta(hours=KEEP_HOURS),
            )
            .returning(table.key)
        )
        if taken.first() is not None:
            return
        known = await self._session.execute(
            select(table.fingerprint, table.status, table.body, table.headers).where(
                table.principal == self._principal, table.key == self._key
            )
        )
        kept_fingerprint, status, body, headers = known.one()
        if kept_fingerprint != fingerprint:
            raise KeyReusedError
        raise ReplayedAnswer(status or 200, b"{}" if body is None else body, headers or {})

    async def answer(self, content: Any, headers: dict[str, str] | None = None) -> Response:
        """The answer of a command that has done its work; kept under the key for a day.

        Its status is the route's, which every route has from its table; 204 has no content.
        """
        answer: Response = (
            Response(status_code=self._status)
            if self._status == HTTPStatus.NO_CONTENT
            else JsonAnswer(content, status_code=self._status)
        )
        answer.headers.update(headers or {})
        if self._key is not None:
            await self._session.execute(
                update(IdempotencyKey)
                .where(IdempotencyKey.principal == self._principal, IdempotencyKey.key == self._key)
                .values(status=self._status, body=bytes(answer.body), headers=headers)
                .execution_options(synchronize_session=False)  # no row of it is in the session
            )
        return answer


async def _idempotency(
    request: Request,
    session: HttpSession,
    principal: CurrentPrincipal,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Idempotency:
    status = request.scope["route"].status_code or 200
    kept = Idempotency(session, principal.name, idempotency_key, status)
    if idempotency_key is not None:
        if not 1 <= len(idempotency_key) <= KEY_CHARACTERS_MAX:
            raise BadFieldError("Idempotency-Key", f"1 to {KEY_CHARACTERS_MAX} characters")
        await kept.claim(await _fingerprint_of(request))
    return kept


async def _fingerprint_of(request: Request) -> str:
    """One name for all that says the same: JSON counts by its values, other bytes as they are."""
    asked = f"{request.method} {raw_target(request)}\n".encode()
    return hashlib.sha256(asked + await meaning_of(await request.body())).hexdigest()


async def meaning_of(body: bytes) -> bytes:
    """A JSON body in its one spelling; what is none as it is."""
    if not body:
        return b""
    try:
        content = await read_json(body)
    except BadFieldError:
        return body
    if len(body) > BODY_BYTES_MAX:  # takes longer than others should wait
        return await asyncio.to_thread(canonical, content)
    return canonical(content)


CurrentIdempotency = Annotated[Idempotency, Depends(_idempotency, scope="function")]


async def replayed(_request: Request, answer: Exception) -> Response:
    """Exception handler: the kept answer, marked as such."""
    assert isinstance(answer, ReplayedAnswer)
    return RawResponse(
        answer.body,
        answer.status,
        {**answer.headers, "Idempotency-Replayed": "true"},
        media_type="application/json" if answer.body else None,
    )


async def prune_idempotency_keys(database: Database, now: datetime) -> None:
    """Schedule: forget keys older than a day, in bounded portions."""
    pruned = PRUNE_ROWS_MAX
    while pruned == PRUNE_ROWS_MAX:
        pruned = await _prune_portion(database, now)


async def _prune_portion(database: Database, now: datetime) -> int:
    table = IdempotencyKey
    old = (
        select(table.principal, table.key)
        # By both clocks: one that leaps would free a key whose command may be repeated.
        .where(table.created_at < func.least(now, func.now()) - timedelta(hours=KEEP_HOURS))
        .limit(PRUNE_ROWS_MAX)
        .with_for_update(skip_locked=True)
        .cte("old")
    )
    async with database.transaction() as session:
        gone = await session.execute(
            delete(table)
            .where(table.principal == old.c.principal, table.key == old.c.key)
            .returning(table.key)
        )
        return len(gone.all())
