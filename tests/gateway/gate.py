"""A really listening gateway with an echoing service behind it, and callers with credentials."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import aiohttp
import uvicorn
from starlette.types import Receive, Scope, Send
from yarl import URL

from chassis.identity import HEADER, Principal, read_identity
from chassis.listener import HEAD_BYTES_MAX, listening_as
from chassis.parts import ServiceApp
from chassis.peer_tls import ServerTls
from contracts.event import Event
from gateway.app import build
from gateway.identity.create_access_key import Holder, mint_key
from gateway.parts import GatewayParts
from gateway.settings import GatewaySettings
from testkit import bus
from testkit.databases import ServiceDatabase
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS
from wire.signature import sign_request

ADMIN = {"X-Auth-Token": ADMIN_TOKEN}
START_SECONDS = 60


@dataclass
class Echo:
    """A service that says what reached it; `answer` replaces what it says."""

    url: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[Scope, Send], Awaitable[None]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        seen = {
            "method": scope["method"],
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": {k.decode(): v.decode("latin-1") for k, v in scope["headers"]},
            "body": base64.b64encode(body).decode(),
        }
        self.seen.append(seen)
        if self.answer is not None:
            await self.answer(scope, send)
            return
        await answer_json(send, 200, seen)

    def principal(self, settings: GatewaySettings, index: int = -1) -> Principal:
        """Whom the internal header of a request names; fails when it does not verify."""
        seen = self.seen[index]
        target = seen["path"] + (f"?{seen['query']}" if seen["query"] else "")
        header = seen["headers"][HEADER.lower()]
        body = base64.b64decode(seen["body"])
        return read_identity(settings.keys, header, seen["method"], target, body)

    def body(self, index: int = -1) -> bytes:
        """The bytes that arrived."""
        return base64.b64decode(self.seen[index]["body"])


async def answer_json(
    send: Send, status: int, content: Any, headers: dict[str, str] | None = None
) -> None:
    """A whole JSON answer."""
    body = json.dumps(content).encode()
    named = {"content-type": "application/json", "content-length": str(len(body))}
    pairs = [(k.encode(), v.encode()) for k, v in {**named, **(headers or {})}.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


class Server(uvicorn.Server):
    """Ends when told: uvicorn's own looks ten times a second, and each test waits for two."""

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self._told = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the test run's own handlers: several servers do not give them back in order."""
        yield

    async def main_loop(self) -> None:
        """Wait to be told."""
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(
        self,
        sockets: list[socket.socket] | None = None,  # noqa: ARG002 - uvicorn names it
    ) -> None:
        """Close without uvicorn's tenth of a second for clients that are slow to hear of it."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._ended()
        await self.lifespan.shutdown()

    async def _ended(self) -> None:
        async with asyncio.timeout(START_SECONDS):
            while self.server_state.connections or self.server_state.tasks:
                await asyncio.sleep(0.005)

    def end(self) -> None:
        """Tell it."""
        self._told.set()


@asynccontextmanager
async def listening(app: Any, tls: ServerTls | None = None) -> AsyncIterator[str]:
    """Serve the application on the loopback; the URL."""
    server = Server(listening_as(app, tls, port=0))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(START_SECONDS):
        while not server.started:
            assert not running.done(), "the server ended before it was started"
            await asyncio.sleep(0.005)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}"
    finally:
        server.end()
        await running


@dataclass(frozen=True)
class Answer:
    """What a caller got."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def content(self) -> Any:
        """The JSON."""
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The refusal's code; a refusal without the documented body fails here."""
        content = self.content
        if self.headers["content-type"] == "application/problem+json":
            assert content["status"] == self.status
            return str(content["code"])
        assert set(content) <= {"error_code", "error_msg", "request_id"}
        assert content["error_msg"]
        assert (
            content.get("request_id", self.headers["x-request-id"])
            == (self.headers["x-request-id"])
        )
        return str(content["error_code"])


@dataclass
class Gate:
    """The gateway at work."""

    url: str
    app: ServiceApp[GatewayParts]
    settings: GatewaySettings
    echo: Echo
    client: aiohttp.ClientSession
    ahead: timedelta = timedelta()
    frozen: datetime | None = None

    def now(self) -> datetime:
        """The gateway's clock."""
        return (self.frozen or datetime.now(UTC)) + self.ahead

    async def feed(self, *events: Event) -> None:
        """Let identity act on events, as its subscription would."""
        consumers = self.app.running.consumers["gateway_identity"]
        await bus.hear(self.app.parts.database, consumers, *events)

    async def key(
        self, account_id: str, operator_id: str | None = None, **given: str
    ) -> "AccessPair":
        """A permanent key; `access` and `secret` may be given."""
        made = mint_key(
            self.app.parts.keyring, Holder(account_id, operator_id), "", datetime.now(UTC)
        )
        access, secret = given.get("access", made.key.access), given.get("secret", made.secret)
        key_id, sealed = self.app.parts.keyring.vault.seal(secret, access)
        made.key.access, made.key.secret, made.key.secret_key_id = access, sealed, key_id
        async with self.app.parts.database.transaction() as session:
            session.add(made.key)
        return AccessPair(access, secret)

    async def send(
        self,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send exactly this."""
        async with self.client.request(
            method,
            URL(self.url + target, encoded=True),
            data=BytesIO(body) if len(body) > 1_000_000 else body or None,
            headers=headers or {},
            allow_redirects=False,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
        ) as answer:
            raw = await answer.read()
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, named, raw)

    async def call(
        self,
        caller: "AccessPair",
        method: str,
        target: str,
        content: Any = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send it signed."""
        if body is None:
            body = b"" if content is None else json.dumps(content).encode()
        signed = self.signed(caller, method, target, body, headers)
        return await self.send(method, target, body=body, headers=signed)

    def signed(
        self,
        caller: "AccessPair",
        method: str,
        target: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> dict[str, str]:
        """The headers of a signed request, in English unless they say something ("" is nothing)."""
        given = {"X-Language": "en_US", **(headers or {})}
        if target.startswith("/api/"):
            given = dict(headers or {})
        if caller.security_token:
            given["X-Security-Token"] = caller.security_token
        return sign_request(
            method,
            self.url + target,
            access=caller.access,
            secret=caller.secret,
            now=self.now(),
            body=body,
            headers=given,
        ).headers

    async def admin(self, method: str, target: str, content: Any = None) -> Answer:
        """Send it as the administrator."""
        body = b"" if content is None else json.dumps(content).encode()
        headers = {**ADMIN, "Content-Type": "application/json"}
        return await self.send(method, target, body=body, headers=headers)

    async def post(
        self, target: str, content: Any, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send it under whatever the headers prove."""
        body = json.dumps(content).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return await self.send("POST", target, body=body, headers=sent)


@dataclass(frozen=True)
class AccessPair:
    """A key in a caller's hands."""

    access: str
    secret: str
    security_token: str | None = None


@asynccontextmanager
async def open_gate(database: ServiceDatabase, **given: Any) -> AsyncIterator[Gate]:
    """A gateway without a bus on its own database; every service is the echo."""
    echo = Echo()
    async with listening(echo) as echo.url:
        services = ("customer_sync", "order", "voucher", "billing", "partner")
        urls = [f"{service}{kind}" for service in services for kind in ("_url", "_ops_url")]
        told: dict[str, Any] = {
            "admin_token": ADMIN_TOKEN,
            "encryption_keys": ENCRYPTION_KEYS,
            "argon2_time_cost": 1,
            "argon2_memory_kib": 64,
            "credential_cache_seconds": 5.0,
            **dict.fromkeys(urls, echo.url),
            **given,
        }
        settings = database.settings(GatewaySettings, **told)
        clock: list[Gate] = []
        app = build(settings, lambda: clock[0].now())
        client = aiohttp.ClientSession(
            auto_decompress=False, max_line_size=HEAD_BYTES_MAX, max_field_size=HEAD_BYTES_MAX
        )
        gate = Gate("", app, settings, echo, client)
        clock.append(gate)
        async with client, listening(app) as gate.url:
            yield gate
