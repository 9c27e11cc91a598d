"""Backed up, destroyed, restored: what the owners lost is named, each fact of it and no other.

A tally stands for billing and another one for the gateway; the other databases stay empty.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, update

from chassis.app import basic_parts, service_app
from chassis.database import Database
from chassis.restore_command import IMPOSSIBLE, UNDECIDED, WELL
from chassis.restored import OWNERS, SERVICES, NotRestoredError, look
from chassis.schema import newest_version
from chassis.settings import ServiceSettings
from chassis.tables import ConsumerPosition, OutboxRow
from testkit.audit import deeds
from testkit.servers import KafkaServer, PostgresServer
from tests.chassis.backing_up import LOGGED, backup, restored, streaming
from tests.chassis.processes import until
from tests.chassis.tally import Heard, counting, create_schema, settings_for, state

NOW = datetime(2026, 11, 30, tzinfo=UTC)
BEFORE, BETWEEN, AFTER = range(1, 21), range(21, 31), range(31, 41)
pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(240)]


def restore_command(settings: ServiceSettings, kept: Path, *arguments: str) -> tuple[int, str]:
    """`channelbus-restore`; its exit status and what it said."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "DATABASE_PREFIX": settings.database_prefix,
        "TOPIC_PREFIX": settings.topic_prefix,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "INTERNAL_KEYS": settings.internal_keys.get_secret_value(),
    }
    command = [str(Path(sys.executable).parent / "channelbus-restore"), *arguments]
    done = subprocess.run(
        [*command, "--kept", str(kept)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@asynccontextmanager
async def running(settings: ServiceSettings) -> AsyncIterator[tuple[Database, Database]]:
    """Billing states and sends, the gateway hears; the two databases."""
    billing = service_app(basic_parts("billing", settings), routers=[], consumers=[])
    gateway = service_app(basic_parts("gateway", settings), routers=[], consumers=[counting()])
    async with billing.router.lifespan_context(billing), gateway.router.lifespan_context(gateway):
        yield billing.parts.database, gateway.parts.database


async def versions(database: Database) -> list[int]:
    """What the gateway heard, twice what it heard twice."""
    async with database.transaction() as session:
        return sorted(await session.scalars(select(Heard.version)))


async def told(billing: Database, gateway: Database, facts: range, so_far: int) -> None:
    """State the facts; all of them are heard and sent when this returns."""
    await state(billing, "k", facts, NOW)

    async def heard() -> bool:
        async with billing.transaction() as session:
            waiting = await session.scalar(select(func.count()).select_from(OutboxRow))
        return not waiting and len(await versions(gateway)) >= so_far

    await until(heard)


@pytest.fixture
async def told_until_destroyed(
    kafka_server: KafkaServer, tmp_path: Path
) -> AsyncIterator[tuple[ServiceSettings, Path, datetime]]:
    """A backup of a server that is gone: 20 facts, 10 more until the instant, 10 more after it."""
    prefix = f"r{uuid4().hex[:8]}_"
    kafka_server.create_topics([prefix + stream for stream in OWNERS], 2)
    server = PostgresServer.private(LOGGED)
    settings = settings_for(server.url, kafka_server.bootstrap, prefix, relay_lease_seconds=2.0)
    folder = tmp_path / "backups"
    try:
        for service in SERVICES:
            server.create_database(prefix + service)
            await create_schema(settings, service)
            server.execute("CREATE TABLE alembic_version (version_num text)", prefix + service)
            newest = f"INSERT INTO alembic_version VALUES ('{newest_version(service)}')"
            server.execute(newest, prefix + service)  # a tally in a service's place
        with streaming(folder, server.url):
            async with running(settings) as (billing, gateway):
                await told(billing, gateway, BEFORE, 20)
                taken = await asyncio.to_thread(backup, folder, "base", server.url)
                assert taken.returncode == 0, taken.stderr
                await told(billing, gateway, BETWEEN, 30)
                await asyncio.sleep(0.01)  # the instant lies between two commits
                instant = datetime.now(UTC)
                await asyncio.sleep(0.01)
                await told(billing, gateway, AFTER, 40)
            server.stop()  # the log's last records are streamed before it has ended
        yield settings, folder, instant
    finally:
        server.close()


async def test_lost_facts_are_named_left_out_and_nothing_else_is_lost(
    told_until_destroyed: tuple[ServiceSettings, Path, datetime], tmp_path: Path
) -> None:
    """Break: in `_unknown`, leave out the numbers from the boundary on; in `_judge`, do not ask
    for the position."""
    settings, folder, instant = told_until_destroyed
    checked = backup(folder, "check")
    assert checked.returncode == 0, checked.stderr
    assert "channelbus_backup_check_failed 0" in (folder / "channelbus_backup.prom").read_text()

    with restored(folder) as server:  # to the end of the log: nothing is lost
        here = on(settings, server)
        found = await look(here)
        assert (found.is_well, found.read["billing"]) == (True, 40), found
        gateway = Database(here, "gateway")
        assert await versions(gateway) == [*BEFORE, *BETWEEN, *AFTER]
        with pytest.raises(NotRestoredError, match="Stop what uses the databases of gateway first"):
            await look(here)
        await gateway.close()

    kept = tmp_path / "kept.json"
    with restored(folder, "--until", instant.isoformat()) as server:
        here = on(settings, server)
        status, said = await asyncio.to_thread(restore_command, here, kept, "check")
        lost = [line for line in said.splitlines() if line.startswith("LOST")]
        assert (status, len(lost)) == (UNDECIDED, len(AFTER)), said
        assert all("would be acted on by gateway/tally" in line for line in lost), said

        await _move_positions(here, 3)  # as if the gateway had been restored to a later instant
        status, said = await asyncio.to_thread(restore_command, here, kept, "check")
        assert status == IMPOSSIBLE, said
        assert "DIFFERENT INSTANTS: gateway/tally acted on 3 facts of billing" in said
        await _move_positions(here, -3)

        leave_out = ["repair", "--leave-out", "all", "--reason", "restored to before the mistake"]
        status, said = await asyncio.to_thread(restore_command, here, kept, *leave_out)
        assert status == WELL, said
        async with running(here) as (billing, gateway):
            await told(billing, gateway, range(101, 104), 33)
            assert await versions(gateway) == [*BEFORE, *BETWEEN, 101, 102, 103]
            done = [action for action, _ in await deeds(gateway)]
            assert done == ["lost_fact.leave_out"] * len(AFTER)


async def _move_positions(settings: ServiceSettings, events: int) -> None:
    gateway = Database(settings, "gateway")
    async with gateway.transaction() as session:
        moved = update(ConsumerPosition).values(position=ConsumerPosition.position + events)
        await session.execute(moved.where(ConsumerPosition.last_event.is_not(None)))
    await gateway.close()


def test_the_newest_base_backup_before_an_instant_is_told_within_its_second(
    tmp_path: Path,
) -> None:
    """Break: in `newest`, compare the instants' whole seconds."""
    names = ["20261130T032239.500000Z", "20261130T032240.100000Z", "20261130T032240.970155Z"]
    for name in names:
        (tmp_path / "base" / name).mkdir(parents=True)
        (tmp_path / "base" / name / "backup_manifest").touch()
    (tmp_path / "base" / "unfinished").mkdir()
    from backup.physical import BackupError, Store, newest

    instant = datetime(2026, 11, 30, 3, 22, 40, 970154, tzinfo=UTC)
    assert newest(Store(tmp_path), instant).name == names[1]
    assert newest(Store(tmp_path), None).name == names[2]
    with pytest.raises(BackupError, match="has no base backup before 2026-11-30T03:22:39"):
        newest(Store(tmp_path), instant.replace(second=39, microsecond=500000))


def test_a_missing_and_a_torn_segment_are_named(tmp_path: Path) -> None:
    """Break: in `whole_from`, do not compare the name with the one before."""
    wal = tmp_path / "wal"
    base = tmp_path / "base" / "20261130T000000Z"
    wal.mkdir()
    base.mkdir(parents=True)
    (base / "backup_manifest").touch()
    first = "000000010000000000000003"
    (base / "backup_label").write_text(f"START WAL LOCATION: 0/3000028 (file {first})\n")
    names = [first, "000000010000000000000004", "000000010000000000000006"]
    for name in names:
        with (wal / name).open("wb") as segment:
            segment.truncate(16 * 1024**2)
    from backup.physical import BackupError, Store, whole_from

    def needed(first: str) -> list[str]:
        sizes = {name: (wal / name).stat().st_size for name in Store(tmp_path).segments()}
        return whole_from(sizes, first, str(wal))

    with pytest.raises(BackupError, match="lacks the segment 000000010000000000000005"):
        needed(first)
    (wal / "000000010000000000000005").write_bytes(b"x")
    with pytest.raises(BackupError, match="0000000000000005 is torn: 1 bytes"):
        needed(first)
    with pytest.raises(BackupError, match="lacks the segment 000000010000000000000002"):
        needed("000000010000000000000002")


def on(settings: ServiceSettings, server: PostgresServer) -> ServiceSettings:
    """The same login and password at the restored server."""
    login, _, _ = settings.database_url.get_secret_value().rpartition("@")
    _, _, where = server.url.rpartition("@")
    return settings.model_copy(update={"database_url": SecretStr(f"{login}@{where}")})
