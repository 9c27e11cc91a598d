"""One size of the wire benchmark: a database, the real pair of services, and their floors."""

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import asyncpg
from tests.gateway.identity_builders import partner

from benchmarks.wire_load import PARTNER
from chassis.migrations import migrate
from customer_sync.settings import CustomerSyncSettings
from gateway.app import build
from gateway.identity.create_access_key import Holder, mint_key
from gateway.settings import GatewaySettings
from testkit.databases import ServiceDatabase
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS, INTERNAL_KEYS
from testkit.servers import PostgresServer
from wire.signature import sign_request

READY_SECONDS = 180.0  # six processes start at once
REQUESTS_PER_SECOND = 1_000_000  # the limit is not what is measured
READ = (
    "SELECT id, account_name, customer_name, associated_on, association_type, label, mobile,"
    " verified_status, country_code, customer_type, is_frozen, xaccount_id, xaccount_type"
    " FROM customers WHERE partner_id = $1 AND association_status = 'associated'"
    " ORDER BY associated_on DESC, id DESC LIMIT 10"
)
COUNT = "SELECT sum(customers) FROM tallies WHERE partner_id = $1 AND counted = 'n'"

Made = TypeVar("Made")


@dataclass
class Place:
    """Where one size is served."""

    server: PostgresServer
    customers: int
    prefix: str
    access: str = ""
    secret: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def database_url(self) -> str:
        """Customer-sync's, for asyncpg."""
        return f"{self.server.url}/{self.prefix}customer_sync"

    @property
    def keys(self) -> dict[str, bytes]:
        """What signs the internal header."""
        return self._settings().keys

    gateway = property(lambda self: self._url("gateway"))
    service = property(lambda self: self._url("customer-sync"))
    floor = property(lambda self: self._url("floor"))
    bare = property(lambda self: self._url("bare"))

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def _settings(self) -> GatewaySettings:
        database = ServiceDatabase("gateway", self.server.url, self.prefix)
        return database.settings(
            GatewaySettings, admin_token=ADMIN_TOKEN, encryption_keys=ENCRYPTION_KEYS
        )

    def customer_sync_settings(self) -> CustomerSyncSettings:
        """Of the service that is measured."""
        database = ServiceDatabase("customer_sync", self.server.url, self.prefix)
        return database.settings(CustomerSyncSettings)

    async def prepare(self) -> None:
        """Databases, the partner and its key, before any process is there."""
        for service in ("customer_sync", "gateway"):
            database = ServiceDatabase(service, self.server.url, self.prefix)
            self.server.create_database(database.name)
            await asyncio.to_thread(migrate, service, database.url)
        app = build(self._settings())
        made = mint_key(app.parts.keyring, Holder(PARTNER, None), "", datetime.now(UTC))
        async with app.parts.database.transaction() as session:
            group = app.running.consumers["gateway_identity"]
            await group.handle([partner(PARTNER)], session)
            session.add(made.key)
            self.access, self.secret = made.key.access, made.secret
        await app.parts.database.close()

    async def serve(self, path: str, body: bytes, *, floors: bool) -> None:
        """Start the processes; the bare routes say what the real ones said to `body`."""
        for name in ("customer-sync", "gateway", "rows", "floor", "bare"):
            self.ports[name], self.ports[f"{name}-ops"] = _free_port(), _free_port()
        self._start("customer-sync", [_command("customer-sync"), "serve"])
        self._start("gateway", [_command("gateway"), "serve"])
        await self._ready("customer-sync-ops", "gateway-ops")
        headers = {"X-Auth-Token": ADMIN_TOKEN}
        asked = sign_request(
            "POST", self.gateway + path, access=self.access, secret=self.secret,
            now=datetime.now(UTC), body=body,
        )  # fmt: skip
        async with aiohttp.ClientSession() as client:
            limit = {"requests_per_second": REQUESTS_PER_SECOND}
            target = f"{self.gateway}/api/principals/{PARTNER}/rate-limit"
            async with client.put(target, json=limit, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
            async with client.post(asked.url, data=body, headers=asked.headers) as answer:
                page = await answer.read()
        assert len(json.loads(page)["customer_infos"]) == 10, page
        if floors:
            await self._serve_floors(page)

    async def _serve_floors(self, page: bytes) -> None:
        for name in ("rows", "floor", "bare"):
            told = {"PAGE": page.decode(), "DATABASE": self.database_url}
            told |= {"ROWS": self._url("rows"), "SECRET": self.secret, "PARTNER": PARTNER}
            serve = [sys.executable, "-m", "uvicorn", f"benchmarks.wire_floor:{name}"]
            serve += [
                "--factory",
                "--no-access-log",
                "--log-level",
                "warning",
                "--port",
                str(self.ports[name]),
            ]
            self._start(name, serve, told)
        await self._ready("rows", "floor", "bare")

    def sign_for_floor(self, path: str, body: bytes, kind: Callable[..., Made]) -> Made:
        """The floor verifies a signature of its own host."""
        made = sign_request(
            "POST", self.floor + path, access=self.access, secret=self.secret,
            now=datetime.now(UTC), body=body,
        )  # fmt: skip
        return kind(made.url, made.headers, body)

    async def read_milliseconds(self, count: int) -> float:
        """Median of page and count in PostgreSQL, asked by asyncpg alone."""
        connection = await asyncpg.connect(self.database_url)
        took = []
        for _ in range(count):
            started = time.perf_counter()
            await connection.fetch(READ, PARTNER)
            await connection.fetchval(COUNT, PARTNER)
            took.append((time.perf_counter() - started) * 1000)
        await connection.close()
        return statistics.median(took)

    def _start(self, name: str, command: list[str], more: dict[str, str] | None = None) -> None:
        told = {
            **os.environ,
            "DATABASE_URL": self.server.url,
            "DATABASE_PREFIX": self.prefix,
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "BUS_ENABLED": "false",
            "INTERNAL_KEYS": INTERNAL_KEYS,
            "ENCRYPTION_KEYS": ENCRYPTION_KEYS,
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "LOG_LEVEL": "WARNING",
            "CUSTOMER_SYNC_URL": self.service,
            "PORT": str(self.ports[name]),
            "OPS_PORT": str(self.ports[f"{name}-ops"]),
            **(more or {}),
        }
        self.running.append(subprocess.Popen(command, env=told, stdout=subprocess.DEVNULL))

    async def _ready(self, *names: str) -> None:
        async with aiohttp.ClientSession() as client:
            for name in names:
                async with asyncio.timeout(READY_SECONDS):
                    while not await _answers(client, f"{self._url(name)}/readyz"):
                        await asyncio.sleep(0.1)

    def stop(self) -> None:
        """End the processes and remove the databases."""
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait()
        for service in ("customer_sync", "gateway"):
            self.server.drop_database(f"{self.prefix}{service}")


@asynccontextmanager
async def wire_rig(server: PostgresServer, customers: int) -> AsyncIterator[Place]:
    """A place for that many customers, empty yet."""
    place = Place(server, customers, f"bench{customers}_")
    try:
        await place.prepare()
        yield place
    finally:
        place.stop()


async def _answers(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _command(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: Any = bound.getsockname()[1]
    return int(port)
