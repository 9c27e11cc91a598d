"""The one synchronous call between services: reserve before commit, and the quote.

See decision 0009.
"""

import json
from typing import Any

import aiohttp

from chassis.errors import OutsideError, RefusedError
from chassis.identity import HEADER, Principal, sign_identity
from chassis.listener import HEAD_BYTES_MAX
from chassis.logs import request_id, trace_parent
from chassis.peer_tls import PeerTls, why_not
from chassis.settings import ServiceSettings

TIMEOUT_SECONDS = 5.0
CONNECTIONS_MAX = 100


class Sideways:
    """A pooled client towards the other services, signed like the gateway's own requests."""

    def __init__(self, settings: ServiceSettings):
        self._settings = settings
        self._tls = PeerTls(settings)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the pool; belongs to the running loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            max_line_size=HEAD_BYTES_MAX,
            max_field_size=HEAD_BYTES_MAX,
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def post(
        self, base_url: str, path: str, principal: Principal, content: dict[str, Any]
    ) -> dict[str, Any]:
        """The answer's body.

        Raises:
            RefusedError: the other service refused, with its code and detail.
            OutsideError: no answer in time; whether it acted is unknown.

        """
        body = json.dumps(content, ensure_ascii=False).encode()
        return await self._send("POST", base_url, path, principal, body)

    async def get(self, base_url: str, path: str, principal: Principal) -> dict[str, Any]:
        """The answer's body; `path` with its query. Raises as `post` does."""
        return await self._send("GET", base_url, path, principal, b"")

    async def _send(
        self, method: str, base_url: str, path: str, principal: Principal, body: bytes
    ) -> dict[str, Any]:
        assert self._session is not None, "Sideways.start was not awaited"
        headers = {
            "Content-Type": "application/json",
            "X-Request-Id": request_id(),
            "traceparent": trace_parent(),
            HEADER: sign_identity(self._settings.keys, principal, method, path, body),
        }
        try:
            async with self._session.request(
                method,
                base_url + path,
                data=body or None,
                headers=headers,
                ssl=self._tls.believed(),
            ) as answer:
                known = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
            raise OutsideError(f"{path}: {why_not(error)}") from error
        if answer.status >= 500:
            raise OutsideError(f"{path}: {answer.status}")
        if answer.status >= 400:
            raise RefusedError(
                known.get("refusal_detail", ""),
                detail_zh=known.get("refusal_detail_zh", ""),
                code=known["code"],
                status=answer.status,
            )
        return dict(known)
