"""A service's process that answers requests, and another one that works: together they are one."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import aiohttp
import pytest
from sqlalchemy import text

from chassis.app import basic_parts, service_app
from chassis.database import Database
from chassis.parts import Parts, ServiceApp
from chassis.schedules import WallSchedule
from chassis.settings import ServiceSettings
from chassis.tables import OutboxRow
from testkit.embedded.ports import free_port
from tests.chassis.processes import Outcome, running, until
from tests.chassis.tally import counting, state

NOW = datetime(2026, 11, 23, tzinfo=UTC)
QUIET_SECONDS = 1.0  # several times what a relay takes
POLL_SECONDS = 60.0  # so that only a wake-up explains an event that arrives
WOKEN_SECONDS = 20.0


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


async def test_who_answers_sends_and_hears_nothing_and_wakes_who_works(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Seen to fail when the role is not asked (the first count), and without the wake-up."""
    turns = list[str]()

    def app(role: str) -> ServiceApp[Parts]:
        async def note(_database: Database, _now: datetime) -> None:
            turns.append(role)

        told = settings.model_copy(update={"role": role, "relay_poll_seconds": POLL_SECONDS})
        return service_app(
            basic_parts("tally", told), routers=[], consumers=[counting()],
            schedules=[WallSchedule("note", 60.0, note)],
        )  # fmt: skip

    async with AsyncExitStack() as stack:
        api = app("api")
        await stack.enter_async_context(api.router.lifespan_context(api))
        await state(api.parts.database, "k1", range(1, 3), NOW)
        await asyncio.sleep(QUIET_SECONDS)
        assert (await outcome.count(OutboxRow), await outcome.heard(), turns) == (2, [], [])
        assert await _held(outcome) == 0

        worker = app("worker")
        await stack.enter_async_context(worker.router.lifespan_context(worker))
        await outcome.settled("k1", 2)
        assert turns == ["worker"]
        async with asyncio.timeout(WOKEN_SECONDS):
            await state(api.parts.database, "k2", range(1, 3), NOW)
            await outcome.settled("k2", 2)


async def test_a_worker_listens_for_nobody_but_operators_and_both_end_well(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Seen to fail with a worker that listens on its PORT."""
    ports = list[int]()
    for _ in range(4):
        ports.append(free_port(ports))
    api_port, api_ops, worker_port, worker_ops = ports

    def told(role: str, port: int, ops: int) -> dict[str, str]:
        return {"ROLE": role, "PORT": str(port), "OPS_PORT": str(ops), "SHUTDOWN_SECONDS": "8"}

    module = "tests.chassis.ending_process"
    with (
        running(module, settings, **told("api", api_port, api_ops)) as api,
        running(module, settings, **told("worker", worker_port, worker_ops)) as worker,
    ):
        await until(lambda: _answers(api_ops, "/readyz"))
        await until(lambda: _answers(worker_ops, "/readyz"))
        assert await _answers(worker_ops, "/metrics")
        assert await _answers(api_port, "/takes/0")
        assert not await _answers(worker_port, "/takes/0")
        await until(lambda: _holds(outcome))
        for process in (api, worker):
            process.send_signal(signal.SIGTERM)
        assert [await asyncio.to_thread(one.wait, 10) for one in (api, worker)] == [0, 0]
    assert await _held(outcome) == 0


async def _answers(port: int, path: str) -> bool:
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}{path}") as answer,
        ):
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def _holds(outcome: Outcome) -> bool:
    return await _held(outcome) > 0


async def _held(outcome: Outcome) -> int:
    held = text("SELECT count(*) FROM relay_slots WHERE holder IS NOT NULL")
    async with outcome.database.transaction() as session:
        return await session.scalar(held) or 0
