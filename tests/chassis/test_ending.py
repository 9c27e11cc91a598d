"""A process that is told to end: nobody's request is lost for it, and what it held is free."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import ValidationError
from sqlalchemy import text

from chassis import bus
from chassis.parts import Running
from chassis.settings import ServiceSettings
from testkit.embedded.ports import free_port
from tests.chassis.processes import Outcome, running, until
from tests.chassis.tally import Heard

DRAIN_SECONDS, ANSWER_SECONDS = 1.5, 1.0
SHUTDOWN_SECONDS = DRAIN_SECONDS + ANSWER_SECONDS + 4.0
START_SECONDS = 60


class Ending:
    """A running service, where it listens, and how to ask it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, ops_port: int):
        self.process = process
        self._url, self._ops = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ops_port}"

    async def ask(self, path: str) -> tuple[int, dict[str, object], bool]:
        """On a connection of its own: status, body, whether the connection is closed then."""
        async with aiohttp.ClientSession() as client, client.get(self._url + path) as answer:
            closes = answer.headers.get("connection") == "close"
            return answer.status, await answer.json(content_type=None), closes

    async def is_ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as client, client.get(self._ops + "/readyz") as got:
                return got.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def under_way(self, path: str) -> asyncio.Task[tuple[int, dict[str, object], bool]]:
        """A request that the service has begun to answer."""
        asked = asyncio.create_task(self.ask(path))
        await asyncio.sleep(0.2)  # it has arrived; the assertions hold, too, if it has not yet
        return asked


@pytest.fixture
async def ending(settings: ServiceSettings) -> AsyncIterator[Ending]:
    port = free_port()
    ops_port = free_port({port})
    named = {
        "PORT": str(port),
        "OPS_PORT": str(ops_port),
        "DRAIN_SECONDS": str(DRAIN_SECONDS),
        "SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS),
    }
    with running("tests.chassis.ending_process", settings, **named) as process:
        started = Ending(process, port, ops_port)
        await until(started.is_ready, START_SECONDS)
        yield started


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


async def test_a_process_drains_answers_what_is_under_way_and_gives_up_what_it_held(
    ending: Ending, outcome: Outcome
) -> None:
    """Seen to fail without `end()` before the drain (readiness, waits), without its loop (`late`
    is refused), without the answer to who is cancelled, and with uvicorn's own exit status."""
    waits = await ending.under_way("/waits")
    takes = await ending.under_way(f"/takes/{DRAIN_SECONDS}")
    writes = await ending.under_way("/writes/k1")
    ending.process.send_signal(signal.SIGTERM)

    async def not_ready() -> bool:
        return not await ending.is_ready()

    await until(not_ready, DRAIN_SECONDS)
    assert await asyncio.wait_for(waits, DRAIN_SECONDS) == (200, {"next": "here"}, True)
    late = await ending.ask("/takes/0")
    assert late == (200, {"seconds": 0.0}, True)
    assert await takes == (200, {"seconds": DRAIN_SECONDS}, True)
    status, body, _ = await writes
    assert (status, body["error_code"]) == (500, "CBC.0999")
    assert "this process ends" in str(body["error_msg"])
    assert await asyncio.to_thread(ending.process.wait, SHUTDOWN_SECONDS) == 0
    async with outcome.database.transaction() as session:
        assert await session.get(Heard, 1) is None
        held = text("SELECT count(*) FROM relay_slots WHERE holder IS NOT NULL")
        assert await session.scalar(held) == 0


async def test_a_task_that_ends_by_itself_is_no_good_end(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[int]()
    monkeypatch.setattr(os, "kill", lambda _pid, number: told.append(number))
    running = Running(
        bus_database=None,  # type: ignore[arg-type]
        consumers={},
        schedules=[],
        restaters=[],
        copied=None,
        warnings=[],
    )

    async def breaks() -> None:
        raise RuntimeError

    task = bus._kept(running, breaks())
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert (running.failed, told) == (True, [signal.SIGTERM])


def test_a_process_has_time_to_answer_after_it_has_drained(settings_given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="SHUTDOWN_SECONDS must be at least 35"):
        ServiceSettings(**settings_given, drain_seconds=30, shutdown_seconds=34)  # type: ignore[arg-type]
    assert ServiceSettings(**settings_given, drain_seconds=30, shutdown_seconds=35)  # type: ignore[arg-type]


@pytest.fixture
def settings_given() -> dict[str, str]:
    return {
        "database_url": "postgresql://u:p@127.0.0.1:1",
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "internal_keys": "test:c2VjcmV0LWtleS1mb3ItdGVzdHMtMzItYnl0ZXMhISE=",
    }
