"""The embedded servers: they start, survive a kill, and leave nothing behind."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from testkit.servers import KafkaServer, PostgresServer, blocking


async def ask(url: str, query: str) -> object:
    """One value from a database."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def send(bootstrap: str, topic: str, value: bytes, seconds: int = 40) -> None:
    """One acknowledged message."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", request_timeout_ms=1000 * seconds
    ) as producer:
        await producer.send_and_wait(topic, value)


async def first_values(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The first messages of a topic with one partition."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(30):
        return [(await consumer.getone()).value for _ in range(count)]


@pytest.fixture
def own_postgres(monkeypatch: pytest.MonkeyPatch) -> PostgresServer:
    """A server that only this test has."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return PostgresServer.for_session()


@pytest.mark.postgres
def test_postgres_keeps_its_data_through_kill_9_and_leaves_nothing(
    own_postgres: PostgresServer,
) -> None:
    try:
        own_postgres.create_database("kept")
        pid = own_postgres.pid
        assert pid
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs(tree, timeout=60)
        own_postgres.start()
        assert blocking(ask(own_postgres.database_url("kept"), "SELECT 1")) == 1
        pid = own_postgres.pid
        assert pid
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    finally:
        own_postgres.close()
    assert psutil.wait_procs(tree, timeout=60)[1] == []


@pytest.mark.postgres
def test_postgres_wants_its_password(postgres_server: PostgresServer) -> None:
    without = "postgresql://" + postgres_server.url.split("@")[1]
    user = postgres_server.url.split("//")[1].split(":")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        blocking(ask(without.replace("//", f"//{user}:wrong@") + "/postgres", "SELECT 1"))


@pytest.mark.postgres
def test_postgres_speaks_utf8_and_carries_the_extensions_that_are_used(
    postgres_server: PostgresServer,
) -> None:
    url = postgres_server.create_database("extensions")
    try:
        for name in ("pg_trgm", "btree_gin", "pg_stat_statements"):
            postgres_server.execute(f"CREATE EXTENSION {name}", "extensions")
        assert blocking(ask(url, "SELECT lower('华为云 ÄB')")) == "华为云 äb"
        assert str(blocking(ask(url, "SHOW server_version"))).startswith("18.")
    finally:
        postgres_server.drop_database("extensions")


@pytest.mark.postgres
def test_a_database_is_a_copy_of_its_template(postgres_server: PostgresServer) -> None:
    postgres_server.create_database("pattern")
    postgres_server.execute("CREATE TABLE marks AS SELECT 7 AS n", "pattern")
    copy = postgres_server.create_database("copied", template="pattern")
    try:
        assert blocking(ask(copy, "SELECT n FROM marks")) == 7
    finally:
        postgres_server.drop_database("copied")
        postgres_server.drop_database("pattern")


@pytest.mark.kafka
def test_kafka_keeps_what_it_acknowledged_through_kill_9_and_restart(
    kafka_server: KafkaServer,
) -> None:
    kafka_server.create_topics(["kept-messages"], partitions=1)
    blocking(send(kafka_server.bootstrap, "kept-messages", b"before"))
    before = kafka_server.pid
    kafka_server.kill()
    assert kafka_server.pid is None
    kafka_server.start()
    assert kafka_server.pid != before
    blocking(send(kafka_server.bootstrap, "kept-messages", b"after"))
    kept = blocking(first_values(kafka_server.bootstrap, "kept-messages", 2))
    assert kept == [b"before", b"after"]


@pytest.mark.kafka
def test_kafka_makes_no_topic_that_nobody_asked_for(kafka_server: KafkaServer) -> None:
    kafka_server.create_topics(["asked-for"], partitions=6)
    kafka_server.create_topics(["asked-for"], partitions=6)

    async def partitions() -> tuple[set[int] | None, bool]:
        consumer = AIOKafkaConsumer("asked-for", bootstrap_servers=kafka_server.bootstrap)
        async with consumer:
            with pytest.raises(UnknownTopicOrPartitionError):
                await send(kafka_server.bootstrap, "never-asked-for", b"lost", seconds=5)
            topics = await consumer.topics()
            return consumer.partitions_for_topic("asked-for"), "never-asked-for" in topics

    assert blocking(partitions()) == ({0, 1, 2, 3, 4, 5}, False)


def test_a_session_clears_away_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    from testkit.servers import new_folder

    left = tmp_path / "channelbus-test-postgres-left"
    left.mkdir()
    (left / "owner.pid").write_text("1 0\n")
    mine = new_folder("postgres")
    assert not left.exists()
    assert (mine / "owner.pid").exists()


def test_a_folder_lies_in_memory_only_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, memory = tmp_path / "disk", tmp_path / "memory"
    disk.mkdir()
    memory.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    monkeypatch.setattr("testkit.servers.MEMORY", memory)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == memory)
    from testkit.servers import new_folder

    assert new_folder("postgres").parent == disk
    monkeypatch.setattr("testkit.servers.MEMORY_BYTES_MIN", 1)
    assert new_folder("postgres", in_memory=True).parent == memory
    monkeypatch.setattr("testkit.servers.MEMORY_BYTES_MIN", 2**60)
    assert new_folder("postgres", in_memory=True).parent == disk
