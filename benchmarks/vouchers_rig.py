"""What the rows of the voucher benchmark share: a server that keeps what it commits, and callers.

Both sides ask the same PostgreSQL, which waits for its disk at each commit as a real one does.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
from tests.voucher.builders import NOW, PARTNER, VoucherDoor, associated, hear, joined

from benchmarks.wire import said
from chassis.identity import HEADER, Principal, sign_identity
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, Templates
from testkit.servers import PostgresServer
from voucher.app import build
from voucher.settings import VoucherSettings

CLIENTS, BATCH = 16, 500
NAMES = [f"c{number}" for number in range(BATCH)]
FACE = "0.01"
# Those of a server that is in use: the testkit's own waits for no disk.
_KEEPING = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
    "shared_buffers": "256MB", "max_wal_size": "1GB",
}  # fmt: skip


@contextmanager
def keeping_postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL that loses nothing, ended with the run."""
    server = PostgresServer.private(_KEEPING)
    try:
        yield server
    finally:
        server.close()


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it stands on the service's doorstep: built and signed by those before it."""

    scope: Mapping[str, Any]
    body: bytes

    async def answer(self, app: Any) -> Any:
        """Carry it out; the JSON that comes back. No HTTP client: asyncpg needs none, either."""
        said_once = iter([{"type": "http.request", "body": self.body, "more_body": False}])
        status, parts = 0, []

        async def receive() -> Mapping[str, Any]:
            told = next(said_once, None)
            return told if told is not None else await asyncio.Future()

        async def send(message: Mapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))

        await app(dict(self.scope), receive, send)
        whole = b"".join(parts)
        if not 200 <= status < 300:
            raise RuntimeError(f"{status}: {whole!r}")
        return json.loads(whole) if whole else None


class Rig:
    """The service on a database of its own, and bare connections to the same."""

    def __init__(self, templates: Templates):
        store: ServiceDatabase = templates.copy("voucher", f"b{uuid4().hex[:8]}_")
        self.url = store.url.replace("+asyncpg", "")
        self.clock = StandingClock(NOW)
        self.app = build(store.settings(VoucherSettings), self.clock)

    async def __aenter__(self) -> "Rig":
        self._entered = VoucherDoor.of(self.app, PARTNER)
        self.door: Any = await self._entered.__aenter__()
        await hear(self.door.database, joined("sp"), *(associated(name) for name in NAMES))
        self.quota = await self.door.grant("90000000.00")
        self.pool = await asyncpg.create_pool(self.url, min_size=CLIENTS, max_size=CLIENTS)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.pool.close()
        await self._entered.__aexit__(None, None, None)
        await self.app.parts.database.close()

    def call(self, method: str, path: str, body: Any, by: Principal = PARTNER) -> Call:
        """A request of somebody, signed as the gateway signs it."""
        content = b"" if body is None else json.dumps(body).encode()
        plain, _, query = path.partition("?")
        signed = sign_identity(self.app.parts.settings.keys, by, method, path, content)
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": plain, "raw_path": plain.encode(),
            "query_string": query.encode(),
            "root_path": "", "server": ("service", 80), "client": ("127.0.0.1", 1),
            "headers": [
                (b"host", b"service"), (b"content-type", b"application/json"),
                (b"content-length", str(len(content)).encode()),
                (HEADER.lower().encode(), signed.encode()),
            ],
        }  # fmt: skip
        return Call(scope, content)


async def timed(work: Awaitable[Any]) -> float:
    """Seconds."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def shown(figure: str, ours: float, floor: float, bar: float) -> bool:
    """Rates beside each other."""
    met = ours / floor >= bar
    print(f"\n{figure}\n  channelbus {ours:>10,.1f}/s")
    print(f"  floor      {floor:>10,.1f}/s   ratio {ours / floor:.2f}   bar {bar}: {said(met)}")
    return met


async def by_clients(deed: Callable[[int], Awaitable[None]], count: int) -> None:
    """So many at once, each with the next number as soon as it has done one."""
    left = iter(range(count))

    async def one() -> None:
        for number in left:
            await deed(number)

    await asyncio.gather(*(one() for _ in range(CLIENTS)))
