"""Start a tally as a process, and look at what it left in the database."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from prometheus_client import Gauge
from sqlalchemy import func, select

from chassis.database import Database
from chassis.settings import ServiceSettings
from chassis.tables import OutboxRow, ParkedEvent
from tests.chassis.tally import Heard


@contextmanager
def tally(settings: ServiceSettings, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running tally; killed at the end, if it still lives."""
    with running("tests.chassis.tally_process", settings, **environment) as process:
        yield process


@contextmanager
def running(
    module: str, settings: ServiceSettings, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A module as a process with these settings; killed at the end, if it still lives."""
    named = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "DATABASE_PREFIX": settings.database_prefix,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "TOPIC_PREFIX": settings.topic_prefix,
        "INTERNAL_KEYS": settings.internal_keys.get_secret_value(),
        "RELAY_LEASE_SECONDS": str(settings.relay_lease_seconds),
        "CONSUMER_SESSION_SECONDS": str(settings.consumer_session_seconds),
        "CONSUMER_WATCH_SECONDS": str(settings.consumer_watch_seconds),
        "TRANSACTION_IDLE_SECONDS": str(settings.transaction_idle_seconds),
    }
    command = [sys.executable, "-m", module]
    process = subprocess.Popen(command, env={**os.environ, **named, **environment})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()


async def died(process: subprocess.Popen[bytes], seconds: float = 90) -> bool:
    """Whether it was killed by SIGKILL within the time."""
    status = await asyncio.to_thread(process.wait, seconds)
    return status == -signal.SIGKILL


def _has_stopped(process: subprocess.Popen[bytes]) -> bool:
    found = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
    return found is not None and found.si_status == signal.SIGSTOP


async def froze(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has stopped itself."""

    async def stopped() -> bool:
        return _has_stopped(process)

    await until(stopped)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 90) -> None:
    """Wait for something to become true; TimeoutError when it does not."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


def shown(gauge: Gauge, consumer: str) -> list[float]:
    """What a scrape would read of a consumer."""
    return [
        sample.value
        for metric in gauge.collect()
        for sample in metric.samples
        if sample.labels == {"consumer": consumer}
    ]


class Outcome:
    """What is committed in a tally's database."""

    def __init__(self, settings: ServiceSettings):
        self.database = Database(settings, "tally")

    async def heard(self, key: str | None = None) -> list[tuple[str, int]]:
        """(key, version) of every effect, in the order of the effects."""
        rows = select(Heard.key, Heard.version).order_by(Heard.id)
        if key is not None:
            rows = rows.where(Heard.key == key)
        async with self.database.transaction() as session:
            return [(name, version) for name, version in await session.execute(rows)]

    async def count(self, table: type[OutboxRow] | type[ParkedEvent]) -> int:
        """How many rows the table has."""
        async with self.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0

    async def settled(self, key: str, versions: int) -> None:
        """Wait until the key's facts are heard and the outbox is empty; then they must be exact."""

        async def complete() -> bool:
            return len(await self.heard(key)) >= versions and await self.count(OutboxRow) == 0

        await until(complete)
        await asyncio.sleep(0.3)  # time for a duplicate to show itself
        expected = [(key, version) for version in range(1, versions + 1)]
        assert await self.heard(key) == expected
