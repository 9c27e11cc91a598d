"""`Idempotency-Key` with Stripe's contract: the same key and request get the same answer.

The key is kept in the command's own transaction: if that rolls back, nothing was done and the key
is free; a second request with the key waits for the first one's end.
"""

import hashlib
from datetime import datetime, timedelta
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
from chassis.tables import IdempotencyKey

KEY_CHARACTERS_MAX = 255
KEEP_HOURS = 24
PRUNE_ROWS_MAX = 1000


class KeyReusedError(RefusedError):
    """The key was used for another request."""

    code = "CHB.0422"


class ReplayedAnswer(Exception):  # noqa: N818 - no error: the door's way out
    """This request was answered before; here is that answer."""

    def __init__(self, status: int, body: bytes):
        self.status, self.body = status, body
        super().__init__("answered before")


class Idempotency:
    """The request's key, if it has one; `answer` makes the answer and keeps it."""

    def __init__(self, session: AsyncSession, principal: str, key: str | None):
        self._session, self._principal, self._key = session, principal, key

    async def claim(self, fingerprint: str) -> None:
        """Take the key, or raise the answer it already has; one older than a day is free."""
        table = IdempotencyKey
        row = {"principal": self._principal, "key": self._key, "fingerprint": fingerprint}
        fresh = {"fingerprint": fingerprint, "status": None, "body": None, "created_at": func.now()}
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
            select(table.fingerprint, table.status, table.body).where(
                table.principal == self._principal, table.key == self._key
            )
        )
        kept_fingerprint, status, body = known.one()
        if kept_fingerprint != fingerprint:
            raise KeyReusedError
        raise ReplayedAnswer(status or 200, body or b"{}")

    async def answer(
        self, status: int, content: Any, headers: dict[str, str] | None = None
    ) -> Response:
        """The answer of a command that has done its work; kept under the key for a day."""
        answer = JsonAnswer(content, status_code=status)
        answer.headers.update(headers or {})
        if self._key is not None:
            await self._session.execute(
                update(IdempotencyKey)
                .where(IdempotencyKey.principal == self._principal, IdempotencyKey.key == self._key)
                .values(status=status, body=bytes(answer.body))
                .execution_options(synchronize_session=False)  # no row of it is in the session
            )
        return answer


async def _idempotency(
    request: Request,
    session: HttpSession,
    principal: CurrentPrincipal,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Idempotency:
    kept = Idempotency(session, principal.name, idempotency_key)
    if idempotency_key is not None:
        if not 1 <= len(idempotency_key) <= KEY_CHARACTERS_MAX:
            raise BadFieldError("Idempotency-Key", f"1 to {KEY_CHARACTERS_MAX} characters")
        content = f"{request.method} {raw_target(request)}\n".encode() + await request.body()
        await kept.claim(hashlib.sha256(content).hexdigest())
    return kept


CurrentIdempotency = Annotated[Idempotency, Depends(_idempotency, scope="function")]


async def replayed(_request: Request, answer: Exception) -> Response:
    """Exception handler: the kept answer, marked as such."""
    assert isinstance(answer, ReplayedAnswer)
    return RawResponse(
        answer.body,
        answer.status,
        {"Idempotency-Replayed": "true"},
        media_type="application/json",
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
