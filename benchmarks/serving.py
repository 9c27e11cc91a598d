"""Services as processes on the stores of a benchmark, and clients that ask them."""

import asyncio
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp

from benchmarks.wire_rig import READY_SECONDS
from chassis.identity import HEADER, Principal, sign_identity
from chassis.settings import ServiceSettings
from testkit.databases import ServiceDatabase
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS, INTERNAL_KEYS

WARMING = 3  # of what is asked one at a time: these fill caches

Deed = Callable[[Any], Awaitable[Any]]


def start_process(
    command: Sequence[str], store: ServiceDatabase, more: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """A service's command on the databases of that prefix; without a bus, measured elsewhere."""
    told = {
        **os.environ,
        "DATABASE_URL": store.server_url,
        "DATABASE_PREFIX": store.prefix,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "BUS_ENABLED": "false",
        "INTERNAL_KEYS": INTERNAL_KEYS,
        "ENCRYPTION_KEYS": ENCRYPTION_KEYS,
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "LOG_LEVEL": "WARNING",
        **more,
    }
    return subprocess.Popen(command, env=told, stdout=subprocess.DEVNULL)


def stop_processes(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """End them."""
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        process.wait()


async def until_ready(client: aiohttp.ClientSession, url: str) -> None:
    """Wait for `/readyz` below that address."""
    async with asyncio.timeout(READY_SECONDS):
        while not await _answers(client, f"{url}/readyz"):
            await asyncio.sleep(0.1)


async def _answers(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def ask_service(
    client: aiohttp.ClientSession, url: str, store: ServiceDatabase, path: str, body: bytes,
    who: Principal, method: str = "POST",
) -> bytes:  # fmt: skip
    """As the gateway asks it, in the name of `who`; what is refused is a mistake of the run."""
    keys = store.settings(ServiceSettings).keys
    headers = {HEADER: sign_identity(keys, who, method, path, body)}
    headers["Content-Type"] = "application/json"
    async with client.request(method, url + path, data=body, headers=headers) as answer:
        raw = await answer.read()
        assert answer.status < 300, raw
        return raw


async def rate(things: Sequence[Any], deed: Deed, at_once: int) -> float:
    """So many a second, each done once."""
    left = iter(things)

    async def one_client() -> None:
        for one in left:
            await deed(one)

    started = time.perf_counter()
    await asyncio.gather(*(one_client() for _ in range(at_once)))
    return len(things) / (time.perf_counter() - started)


async def median(things: Sequence[Any], deed: Deed) -> float:
    """Milliseconds of one, one at a time."""
    took = []
    for one in things:
        started = time.perf_counter()
        await deed(one)
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took[WARMING:])
