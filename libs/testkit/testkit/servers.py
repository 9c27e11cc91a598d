"""The PostgreSQL and Kafka of a test session: private ones, or those that the environment names."""

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError

from testkit.embedded.jars import ensure_jars
from testkit.embedded.kafka import EmbeddedKafka
from testkit.embedded.ports import free_port
from testkit.embedded.postgres import EmbeddedPostgres
from testkit.embedded.processes import (
    end,
    end_recorded,
    last_lines,
    recorded_process,
    wait_until_recorded,
)
from testkit.statements import Statements

STOP_SECONDS = 15.0
LAUNCH_SECONDS = 60.0
KAFKA_ANSWER_SECONDS = 120.0
KAFKA_RETRY_SECONDS = 0.1
REPLICAS_MAX = 3

# Copying a template database writes hundreds of files: 20 ms in memory, up to a second on a disk.
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 4 * 1024**3  # free, for several sessions side by side

_FOLDER_PREFIX = "channelbus-test-"
_OWNER_FILE = "owner.pid"

Result = TypeVar("Result")


class NotOursError(RuntimeError):
    """The server was given by the environment; tests may not stop or start it."""


def blocking(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine from synchronous code, also while the caller's own loop runs."""
    with ThreadPoolExecutor(1) as one_thread:
        return one_thread.submit(asyncio.run, work).result()


class PostgresServer:
    """A server in which each test may have databases of its own."""

    def __init__(
        self, url: str, folder: Path | None = None, embedded: EmbeddedPostgres | None = None
    ):
        self.url = url
        self._folder = folder
        self._embedded = embedded
        self._statements = Statements(self.database_url("postgres"))

    @classmethod
    def for_session(cls, *, in_memory: bool = False) -> "PostgresServer":
        """The one at DATABASE_URL, else a private one that waits for no disk.

        `in_memory` for many small databases: where there is room, their files have no disk at all.
        """
        given = os.environ.get("DATABASE_URL")
        return cls(given.rstrip("/")) if given else cls.private(in_memory=in_memory)

    @classmethod
    def private(
        cls, settings: Mapping[str, str] | None = None, *, in_memory: bool = False
    ) -> "PostgresServer":
        """One that no other test has, whatever the environment names."""
        folder = new_folder("postgres", in_memory=in_memory)
        password = secrets.token_urlsafe(18)
        embedded = EmbeddedPostgres(
            folder / "data", free_port(), password, kept=False, settings=settings or {}
        )
        embedded.initialise()
        server = cls(embedded.url, folder, embedded)
        server.start()
        return server

    def standby(self) -> "PostgresServer":
        """A server that follows this one, started; its `settings` must let it be followed."""
        assert self._embedded
        folder = new_folder("postgres", in_memory=True)
        embedded = self._embedded.copy_as_standby(folder / "data", free_port())
        server = PostgresServer(embedded.url, folder, embedded)
        server.start()
        return server

    @property
    def pid(self) -> int | None:
        """The server's process, when it is ours and alive."""
        process = recorded_process(self._own_folder() / "postgres.pid")
        return process.pid if process else None

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        folder = self._own_folder()
        assert self._embedded
        started = self._embedded.launch(folder / "postgres.pid").start(folder / "postgres.log")
        wait_until_recorded(folder / "postgres.pid", started.pid, LAUNCH_SECONDS)
        try:
            self._embedded.wait_until_ready()
        except TimeoutError as failure:
            raise RuntimeError(last_lines(folder / "postgres.log")) from failure

    def stop(self) -> None:
        """Stop it by pid; its data stays for another `start`."""
        end_recorded(
            self._own_folder() / "postgres.pid",
            stop_signal=signal.SIGINT,
            grace_seconds=STOP_SECONDS,
        )

    def crash(self) -> None:
        """End it without a checkpoint, as a power cut would."""
        end_recorded(
            self._own_folder() / "postgres.pid",
            stop_signal=signal.SIGQUIT,
            grace_seconds=STOP_SECONDS,
        )

    def close(self) -> None:
        """End what was started and remove what was written."""
        self._statements.close()
        if self._folder:
            self.stop()
            shutil.rmtree(self._folder, ignore_errors=True)

    def database_url(self, name: str) -> str:
        """The URL of one database on this server."""
        return f"{self.url}/{name}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database, empty or as a copy of another; its URL."""
        copied = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
        self.execute(f'CREATE DATABASE "{name}"{copied}')
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database although sessions may still be connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the superuser, outside a transaction."""
        if database == "postgres":
            self._statements.execute(statement)
        else:
            blocking(_execute(self.database_url(database), statement))

    def _own_folder(self) -> Path:
        if self._folder is None:
            raise NotOursError("DATABASE_URL names this server; a test may not stop or start it")
        return self._folder


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class KafkaServer:
    """A real broker that tests may also stop, kill and start again."""

    def __init__(
        self, bootstrap: str, folder: Path | None = None, embedded: EmbeddedKafka | None = None
    ):
        self.bootstrap = bootstrap
        self._folder = folder
        self._embedded = embedded

    @classmethod
    def for_session(cls, *, in_memory: bool = False) -> "KafkaServer":
        """The one at KAFKA_BOOTSTRAP_SERVERS, else a private one, as `PostgresServer` has it."""
        given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
        return cls(given) if given else cls.private(in_memory=in_memory)

    @classmethod
    def private(
        cls,
        listeners: Mapping[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
        *,
        in_memory: bool = False,
    ) -> "KafkaServer":
        """One that no other test has; `listeners` are ports by protocol beside the plain one."""
        folder = new_folder("kafka", in_memory=in_memory)
        taken = {*(listeners or {}).values()}
        port = free_port(taken)
        embedded = EmbeddedKafka(
            folder / "kafka", port, free_port({port, *taken}), listeners or {}, settings or {}
        )
        embedded.prepare(ensure_jars())
        server = cls(embedded.bootstrap, folder, embedded)
        server.start()
        return server

    @property
    def pid(self) -> int | None:
        """The broker's process, when it is ours and alive."""
        process = recorded_process(self._own_folder() / "kafka.pid")
        return process.pid if process else None

    def start(self) -> None:
        """Start the broker on its old port and wait until it answers."""
        folder = self._own_folder()
        assert self._embedded
        launch = self._embedded.launch(ensure_jars(), folder / "kafka.pid")
        started = launch.start(folder / "kafka.log")
        wait_until_recorded(folder / "kafka.pid", started.pid, LAUNCH_SECONDS)
        try:
            blocking(wait_until_answering(self.bootstrap))
        except TimeoutError as failure:
            raise RuntimeError(last_lines(folder / "kafka.log")) from failure

    def stop(self) -> None:
        """Stop the broker in good order; what it holds stays."""
        end_recorded(
            self._own_folder() / "kafka.pid", stop_signal=signal.SIGTERM, grace_seconds=STOP_SECONDS
        )

    def kill(self) -> None:
        """End the broker as a power cut would."""
        process = recorded_process(self._own_folder() / "kafka.pid")
        if process:
            end(process, stop_signal=signal.SIGKILL, grace_seconds=STOP_SECONDS)

    def close(self) -> None:
        """End what was started and remove what was written."""
        if self._folder:
            self.kill()
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        """Where its logs lie."""
        assert self._embedded
        return self._embedded.data

    def create_topics(self, names: Sequence[str], partitions: int = 6) -> None:
        """Make the topics that are not there yet."""
        blocking(create_topics(self.bootstrap, names, partitions))

    def _own_folder(self) -> Path:
        if self._folder is None:
            raise NotOursError("KAFKA_BOOTSTRAP_SERVERS names this broker; it is not ours to stop")
        return self._folder


async def wait_until_answering(
    bootstrap: str, timeout_seconds: float = KAFKA_ANSWER_SECONDS
) -> None:
    """Wait until the broker answers a request; raises TimeoutError."""
    host, _, port = bootstrap.split(",")[0].rpartition(":")
    async with asyncio.timeout(timeout_seconds):
        while True:
            # The client would log each refused connection, so it is not asked before this.
            if await _listens(host, int(port)) and await _answers(bootstrap):
                return
            await asyncio.sleep(KAFKA_RETRY_SECONDS)


async def _answers(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaConnectionError, OSError):
        return False
    finally:
        await admin.close()
    return True


async def _listens(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def create_topics(bootstrap: str, names: Sequence[str], partitions: int) -> list[str]:
    """Make the topics that are not there yet; the names of those made."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = [name for name in names if name not in there]
        if missing:
            copies = min(REPLICAS_MAX, len((await admin.describe_cluster())["brokers"]))
            await admin.create_topics([NewTopic(name, partitions, copies) for name in missing])
        return missing
    except TopicAlreadyExistsError:  # made by somebody else between the two requests
        return []
    finally:
        await admin.close()


def new_folder(purpose: str, *, in_memory: bool = False) -> Path:
    """A folder of this session below the system's temporary folder, named as ours.

    Folders whose session died without cleaning up go first.
    """
    from testkit.embedded.launch import record_pid

    temporary = Path(tempfile.gettempdir())
    for left in [*temporary.glob(f"{_FOLDER_PREFIX}*"), *MEMORY.glob(f"{_FOLDER_PREFIX}*")]:
        owner = left / _OWNER_FILE
        if owner.exists() and recorded_process(owner) is None:
            remove_left_folder(left)
    parent = MEMORY if in_memory and _has_room(MEMORY) else temporary
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{purpose}-", dir=parent))
    record_pid(folder / _OWNER_FILE, os.getpid())
    return folder


def _has_room(memory: Path) -> bool:
    if not os.access(memory, os.W_OK):
        return False
    return memory.is_mount() and shutil.disk_usage(memory).free >= MEMORY_BYTES_MIN


def remove_left_folder(folder: Path) -> None:
    """End what a dead session left running and remove its folder."""
    for pid_file in folder.glob("*.pid"):
        end_recorded(pid_file, stop_signal=signal.SIGKILL, grace_seconds=STOP_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
