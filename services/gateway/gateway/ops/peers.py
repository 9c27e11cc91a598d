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
from chassis.peer_tls import PeerTls, why_not
from gateway.forwarding.destinations import Service
from gateway.settings import GatewaySettings

LOOK_SECONDS_MAX = 1.5
COMMAND_SECONDS_MAX = 120.0  # replaying thousands of events
CONNECTIONS_MAX = 24
ANSWER_BYTES_MAX = 4 * 1024 * 1024


class RefusedByServiceError(RefusedError):
    """The service said no, in its own words, which are in the language that was asked for."""

    code = "CHB.0409"

    def message(self, _language: str) -> str:
        """What the service said."""
        return self.detail


class Peers:
    """A pooled client towards all services, this one included."""

    def __init__(self, settings: GatewaySettings):
        self._settings = settings
        self._tls = PeerTls(settings)
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

    async def look(
        self, service: Service, path: str, seconds_max: float | None = None
    ) -> tuple[int, bytes]:
        """Status and body of one of the pages that are open to everybody.

        Raises:
            OutsideError: no answer in time.

        """
        return await self._send(service, self.urls[service] + path, "GET", b"", {}, seconds_max)

    async def probe(self, service: Service, path: str) -> tuple[int, bytes]:
        """Health or metrics, as `look`."""
        return await self._send(service, self.ops_urls[service] + path, "GET", b"", {}, None)

    async def ask(
        self,
        service: Service,
        principal: Principal,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        language: str = "",
        seconds_max: float | None = None,
    ) -> dict[str, Any]:
        """Read under the signed header; a refusal is in the language.

        Raises:
            OutsideError: no answer in time.
            RefusedByServiceError: it refused.

        """
        target = f"{path}?{urlencode(query)}" if query else path
        asked = (service, principal, "GET", target, b"")
        return await self._signed(*asked, seconds_max, language)

    async def command(
        self,
        service: Service,
        principal: Principal,
        path: str,
        content: dict[str, Any],
        language: str = "",
    ) -> dict[str, Any]:
        """POST under the signed header; refused as `ask` is."""
        body = json.dumps(content).encode()
        asked = (service, principal, "POST", path, body)
        return await self._signed(*asked, COMMAND_SECONDS_MAX, language)

    async def _signed(
        self,
        service: Service,
        principal: Principal,
        method: str,
        target: str,
        body: bytes,
        seconds_max: float | None,
        language: str,
    ) -> dict[str, Any]:
        headers = {
            "X-Language": "zh_CN" if language == "zh" else "en_US",
            "Content-Type": "application/json",
            "X-Request-Id": request_id(),
            "traceparent": trace_parent(),
            HEADER: sign_identity(self._settings.keys, principal, method, target, body),
        }
        url = self.urls[service] + target
        status, raw = await self._send(service, url, method, body, headers, seconds_max)
        answer = _content(raw)
        if status >= 400:
            told = str(answer.get("detail") or f"{service}: {status}")
            raise RefusedByServiceError(told, status=status)
        return answer

    async def _send(
        self,
        service: Service,
        url: str,
        method: str,
        body: bytes,
        headers: dict[str, str],
        seconds_max: float | None,
    ) -> tuple[int, bytes]:
        assert self._client is not None, "Peers.open was not entered"
        timeout = aiohttp.ClientTimeout(total=seconds_max or LOOK_SECONDS_MAX)
        try:
            async with self._client.request(
                method, URL(url, encoded=True), data=body or None, headers=headers,
                timeout=timeout, allow_redirects=False, ssl=self._tls.believed(),
            ) as answer:  # fmt: skip
                return answer.status, await _bounded(answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise OutsideError(f"{service}: {why_not(error)}") from error


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
