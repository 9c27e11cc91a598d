"""The demo's client: commands over the gateway, with a token or signed, many at a time."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from wire.json import dumps, loads
from wire.signature import sign_headers

CONNECTIONS_MAX = 64
TIMEOUT_SECONDS = 60.0
TRIES_MAX = 20
PAUSE_SECONDS = 0.5
# The system is short of something for a moment, or an event is still on its way to a copy.
_LATER = frozenset({"APIGW.0308", "CHB.0503", "CHB.1001", "CBC.99000035", "CBC.99000037"})
_LATER_STATUSES = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "PUT"})


@dataclass(frozen=True)
class Key:
    """A permanent key of a principal."""

    domain_id: str
    access: str
    secret: str = field(repr=False)


class CommandRefusedError(RuntimeError):
    """The system refused a command of the demo, or did not answer it."""

    def __init__(self, step: str, command: str, status: int, answer: Any, request_id: str):
        self.status = status
        self.is_of_a_repeat = False
        told = answer if isinstance(answer, dict) else {}
        self.code = str(told.get("error_code") or told.get("code") or "")
        message = told.get("error_msg") or told.get("detail") or answer
        super().__init__(
            f"{step}: {command} was answered {status} {self.code}: {message}"
            f" (request id {request_id})"
        )


class Gateway:
    """An open client of one gateway."""

    def __init__(self, url: str, admin_token: str):
        self._url = url
        self._admin_token = admin_token
        self.requests = 0

    async def __aenter__(self) -> Self:
        """Open the connections."""
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        await self._http.close()

    async def call(
        self,
        step: str,
        method: str,
        path: str,
        content: Any = None,
        *,
        by: Key | None = None,
        once: str | None = None,
        headers: dict[str, str] | None = None,
        healing: frozenset[str] = frozenset(),
    ) -> Any:
        """The answer's body; `by` a key, else by the administrator. `once` is an idempotency key.

        A refusal with one of the `healing` codes is asked again, as what a moment mends always is.

        Raises:
            CommandRefusedError

        """
        answer, _ = await self.exchange(
            step, method, path, content, by=by, once=once, headers=headers, healing=healing
        )
        return answer

    async def exchange(
        self,
        step: str,
        method: str,
        path: str,
        content: Any = None,
        *,
        by: Key | None = None,
        once: str | None = None,
        headers: dict[str, str] | None = None,
        healing: frozenset[str] = frozenset(),
    ) -> tuple[Any, dict[str, str]]:
        """The same, with the answer's headers by lower-case name."""
        body = b"" if content is None else dumps(content)
        sent = {"Content-Type": "application/json", **(headers or {})}
        if once is not None:
            sent["Idempotency-Key"] = once
        for left in reversed(range(TRIES_MAX)):
            try:
                status, answer, told = await self._send(method, path, body, sent, by)
            except (aiohttp.ClientError, TimeoutError):
                # Whether it was done is not known: asked again where that does no harm.
                if not left or (once is None and method not in _REPEATABLE):
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if status < 300:
                return answer, told
            refusal = CommandRefusedError(
                step, f"{method} {path}", status, answer, told.get("x-request-id", "none")
            )
            refusal.is_of_a_repeat = left < TRIES_MAX - 1
            later = refusal.code in _LATER | healing or status in _LATER_STATUSES
            if not (later and left):
                raise refusal
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError("the last try returns or raises")

    async def _send(
        self, method: str, path: str, body: bytes, headers: dict[str, str], by: Key | None
    ) -> tuple[int, Any, dict[str, str]]:
        """One try."""
        url = self._url + path
        if by is None:
            sent = {**headers, "X-Auth-Token": self._admin_token}
        else:
            now = datetime.now(UTC)
            sent = sign_headers(method, url, headers, body, by.access, by.secret, now)
        self.requests += 1
        target = URL(url, encoded=True)
        async with self._http.request(method, target, data=body, headers=sent) as answer:
            raw = await answer.read()
            told = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, _read(raw), told


def _read(raw: bytes) -> Any:
    try:
        return loads(raw) if raw else None
    except ValueError:
        return raw[:200].decode(errors="replace")
