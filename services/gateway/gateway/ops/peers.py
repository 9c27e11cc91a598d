"""The services as the console asks them: open pages, and commands under the signed header."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from chassis.errors import OutsideError, RefusedError
from chassis.identity import HEADER, Principal, sign_identity
from chassis.logs import request_id, trace_parent
from gateway.forwarding.destinations import Service
from gateway.settings import GatewaySettings

LOOK_SECONDS_MAX = 1.5
COMMAND_SECONDS_MAX = 120.0  # replaying thousands of events
CONNECTIONS_MAX = 24
ANSWER_BYTES_MAX = 4 * 1024 * 1024


class RefusedByServiceError(RefusedError):
    """The service said no; the detail is its own words."""

    code = "CHB.0409"


class Peers:
    """A pooled client towards all services, this one included."""

    def __init__(self, settings: GatewaySettings):
        self._settings = settings
        self._client: aiohttp.ClientSession | None = None
        self.urls: Mapping[Service, str] = {
            Service.CUSTOMER_SYNC: settings.customer_sync_url.rstrip("/"),
            Service.ORDER: settings.order_url.rstrip("/"),
            Service.VOUCHER: settings.voucher_url.rstrip("/"),
            Service.BILLING: settings.billing_url.rstrip("/"),
            Service.PARTNER: settings.partner_url.rstrip("/"),
            Service.GATEWAY: settings.gateway_ops_url.rstrip("/"),  # nothing internal is public
        }
        self.ops_urls: Mapping[Service, str] = {
            Service.CUSTOMER_SYNC: settings.customer_sync_ops_url.rstrip("/"),
            Service.ORDER: settings.order_ops_url.rstrip("/"),
            Service.VOUCHER: settings.voucher_ops_url.rstrip("/"),
            Service.BILLING: settings.billing_ops_url.rstrip("/"),
            Service.PARTNER: settings.partner_ops_url.rstrip("/"),
            Service.GATEWAY: settings.gateway_ops_url.rstrip("/"),
        }

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The pool; belongs to the running loop."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as client:
            self._client = client
            yield

    async def look(self, service: Service, path: str) -> tuple[int, bytes]:
        """Status and body of one of the pages that are open to everybody.

        Raises:
            OutsideError: no answer in time.

        """
        return await self._send(
            service, self.urls[service] + path, "GET", b"", {}, LOOK_SECONDS_MAX
        )

    async def probe(self, service: Service, path: str) -> tuple[int, bytes]:
        """Health or metrics, as `look`."""
        return await self._send(
            service, self.ops_urls[service] + path, "GET", b"", {}, LOOK_SECONDS_MAX
        )

    async def ask(
        self, service: Service, principal: Principal, path: str, **query: str
    ) -> dict[str, Any]:
        """Read under the signed header.

        Raises:
            OutsideError: no answer in time.
            RefusedByServiceError: it refused.

        """
        target = f"{path}?{urlencode(query)}" if query else path
        return await self._signed(service, principal, "GET", target, b"", LOOK_SECONDS_MAX)

    async def command(
        self, service: Service, principal: Principal, path: str, content: dict[str, Any]
    ) -> dict[str, Any]:
        """POST under the signed header; refused as `ask` is."""
        body = json.dumps(content).encode()
        return await self._signed(service, principal, "POST", path, body, COMMAND_SECONDS_MAX)

    async def _signed(
        self,
        service: Service,
        principal: Principal,
        method: str,
        target: str,
        body: bytes,
        seconds_max: float,
    ) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/json",
            "X-Request-Id": request_id(),
            "traceparent": trace_parent(),
            HEADER: sign_identity(self._settings.keys, principal, method, target, body),
        }
        url = self.urls[service] + target
        status, raw = await self._send(service, url, method, body, headers, seconds_max)
        answer = _content(raw)
        if status >= 400:
            code, detail = answer.get("code"), answer.get("refusal_detail") or answer.get("detail")
            raise RefusedByServiceError(f"{code or status}: {detail or service}", status=status)
        return answer

    async def _send(
        self,
        service: Service,
        url: str,
        method: str,
        body: bytes,
        headers: dict[str, str],
        seconds_max: float,
    ) -> tuple[int, bytes]:
        assert self._client is not None, "Peers.open was not entered"
        timeout = aiohttp.ClientTimeout(total=seconds_max)
        try:
            async with self._client.request(
                method, URL(url, encoded=True), data=body or None, headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:  # fmt: skip
                return answer.status, await _bounded(answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise OutsideError(f"{service}: {type(error).__name__}") from error


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    pieces, size = [], 0
    async for piece in answer.content.iter_any():
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            raise aiohttp.ClientPayloadError(f"more than {ANSWER_BYTES_MAX} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _content(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
