"""A browser as far as the console needs one: cookies, forms, live parts; and a played service."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from starlette.types import Scope, Send

from gateway.forwarding.destinations import Service
from testkit.keys import ADMIN_TOKEN
from tests.gateway.gate import Answer, Gate, answer_json, listening

LIVE_SECONDS = 60

METRICS = """
channelbus_relay_events_total 1200.0
channelbus_relay_failures_total 3.0
channelbus_relay_slots 64.0
channelbus_outbox_rows 17.0
channelbus_outbox_oldest_seconds 125.0
channelbus_consumer_events_total{consumer="voucher",type="order.paid"} 40.0
channelbus_consumer_lag_events{consumer="voucher",partition="0",stream="order"} 1200.0
channelbus_consumer_lag_events{consumer="voucher",partition="1",stream="order"} 34.0
channelbus_consumer_lag_seconds{consumer="voucher",partition="0",stream="order"} 61.5
channelbus_consumer_lag_seconds{consumer="voucher",partition="1",stream="order"} 2.0
channelbus_refusals_total{code="CBC.99005003"} 9.0
channelbus_schedule_last_success_seconds{schedule="renew resources"} 1.7951520e+09
channelbus_schedule_behind_seconds{schedule="renew resources"} 1200.0
channelbus_schedule_behind_seconds{schedule="seal audit"} 0.0
channelbus_schedule_failures_total{schedule="renew resources"} 3.0
channelbus_request_seconds_bucket{le="0.005",method="GET",route="/x",status="200"} 1.0
"""


@dataclass
class PlayedService:
    """What the services behind the gateway say of themselves; set as the echo's answer."""

    metrics: str = METRICS
    livez: tuple[int, dict[str, Any]] = (200, {"alive": True, "stalled": {}})
    readyz: tuple[int, dict[str, Any]] = (200, {"ready": True, "alarms": []})
    parked: list[dict[str, Any]] = field(default_factory=list)
    others: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, send: Send) -> None:
        """ASGI."""
        path = scope["path"]
        if path == "/metrics":
            head = [(b"content-type", b"text/plain; version=1.0.0")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": self.metrics.encode()})
            return
        answers = {
            "/livez": self.livez,
            "/readyz": self.readyz,
            "/internal/parked": (200, {"keys": self.parked}),
            **self.others,
        }
        await answer_json(send, *answers.get(path, (404, {})))


@dataclass
class Browser:
    """One person's browser. `language` is what it asks for."""

    gate: Gate
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    last_page: str = ""

    async def get(self, path: str, **headers: str) -> Answer:
        """A page; redirects are not followed. A page that failed leaves no form to be sent."""
        self.csrf = ""
        answer = await self._send("GET", path, b"", headers)
        self.last_page = f"{path} answered {answer.status}: {readable(answer):.300}"
        return answer

    async def post(self, path: str, *, csrf: str | None = None, **fields: str) -> Answer:
        """A form as the page of the same session sends it, or with another token."""
        token = self.csrf if csrf is None else csrf
        sendable = csrf is not None or token or not self.last_page
        assert sendable, f"no page with a form was read last: {self.last_page}"
        body = urlencode({"csrf": token, **fields}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._send("POST", path, body, kind)

    async def sign_in(self, **fields: str) -> Answer:
        """By the form: with the administrator's token unless something else is given."""
        await self.get("/ops/sign-in")
        told = fields or {"way": "token", "token": ADMIN_TOKEN}
        return await self.post("/ops/sign-in", **told)

    async def text(self, path: str = "/ops") -> str:
        """What a reader sees of a page that must be there."""
        answer = await self.get(path)
        assert answer.status == 200, answer.raw
        return readable(answer)

    @asynccontextmanager
    async def live(self) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
        """The live parts as they come: name and HTML."""
        headers = self._headers({"Accept": "text/event-stream"})
        async with (
            asyncio.timeout(LIVE_SECONDS),
            self.gate.client.get(self.gate.url + "/ops/live", headers=headers) as answer,
        ):
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            # By the same one the next look could meet a process that ends.
            assert answer.headers["Connection"] == "close"
            yield _parts(answer.content)

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Accept-Language": self.language, **({"Cookie": cookie} if cookie else {}), **more}

    async def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        async with self.gate.client.request(
            method,
            self.gate.url + path,
            data=body or None,
            headers=self._headers(headers),
            allow_redirects=False,
        ) as answer:
            raw = await answer.read()
            named = {name.lower(): value for name, value in answer.headers.items()}
            self._keep(answer.headers.getall("Set-Cookie", []), raw.decode())
            return Answer(answer.status, named, raw)

    def _keep(self, set_cookies: list[str], page: str) -> None:
        for line in set_cookies:
            jar = SimpleCookie(line)
            for name, morsel in jar.items():
                self.set_cookies[name] = line
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        if found:
            self.csrf = found[1]


async def _parts(lines: Any) -> AsyncIterator[tuple[str, str]]:
    name, data = "", []
    async for raw in lines:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and name:
            yield name, "\n".join(data)
            name, data = "", []


def readable(answer: Answer) -> str:
    """The words of a page, without its tags."""
    return words_of(answer.raw.decode())


def words_of(page: str) -> str:
    """The same, of HTML."""
    without = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


@asynccontextmanager
async def looking_at_itself(gate: Gate) -> AsyncIterator[None]:
    """The console asks this gateway itself where it would ask the one of GATEWAY_OPS_URL."""
    peers = gate.app.parts.console.peers
    async with listening(gate.app.ops) as own:
        peers.urls = {**peers.urls, Service.GATEWAY: own}
        peers.ops_urls = {**peers.ops_urls, Service.GATEWAY: own}
        yield
