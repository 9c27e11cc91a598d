"""`python -m backup` as an operator calls it, and a server laid from what it kept."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from testkit.embedded.postgres import binary
from testkit.servers import PostgresServer, blocking
from tests.flows.cast import eventually

CHECKOUT = Path(__file__).parents[2]
PROGRAMS = str(binary("pg_basebackup").parent)
LOGGED = {"wal_level": "replica", "max_wal_senders": "5"}


def backup(
    folder: Path, verb: str, url: str = "", *options: str
) -> subprocess.CompletedProcess[str]:
    """One verb, to its end."""
    return subprocess.run(
        _command(folder, verb, *options), env=_environment(url), capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip


@contextmanager
def streaming(folder: Path, url: str, *options: str) -> Iterator[None]:
    """The log is streamed within the block."""
    process = subprocess.Popen(
        _command(folder, "wal", *options), env=_environment(url), start_new_session=True
    )
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGINT)
        process.wait(30)


def url_of(server: PostgresServer, backed_up: PostgresServer) -> str:
    """The restored server's, which has the login and password of the other one."""
    login, _, _ = backed_up.url.rpartition("@")
    return f"{login}@{server.url.rpartition('@')[2]}"


def rows(url: str, statement: str) -> list[list[Any]]:
    """What a query answers."""

    async def asked() -> list[list[Any]]:
        connection = await asyncpg.connect(url)
        try:
            return [list(row.values()) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return blocking(asked())


def received(server: PostgresServer) -> None:
    """Wait until what was committed so far is in the folder to which the log is streamed."""
    base = f"{server.url}/postgres"
    ((end,),) = rows(base, "SELECT pg_current_wal_lsn()::text")
    arrived = f"SELECT count(*) FROM pg_stat_replication WHERE flush_lsn >= '{end}'"
    eventually(lambda: rows(base, arrived), lambda found: found == [[1]])


@contextmanager
def restored(folder: Path, *options: str) -> Iterator[PostgresServer]:
    """Another server, laid from the backup."""
    server = PostgresServer.private({**LOGGED, "autovacuum": "off"})
    server.stop()
    assert server._embedded
    data = server._embedded.data
    shutil.rmtree(data)
    laid = backup(folder, "restore", "", "--data", str(data), *options)
    assert laid.returncode == 0, laid.stderr
    _give_to_nobody(data, folder)
    try:
        server.start()
        eventually(lambda: (data / "recovery.signal").exists(), lambda there: not there)
        yield server
    finally:
        server.close()


def _command(folder: Path, verb: str, *options: str) -> list[str]:
    command = [sys.executable, "-m", "backup", verb, "--folder", str(folder)]
    return [*command, "--programs", PROGRAMS, *options]


def _environment(url: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT / "deploy"), "DATABASE_URL": url}


def _give_to_nobody(*folders: Path) -> None:
    """As root the server runs as nobody; it reads the log from the folder of backups."""
    if os.geteuid() == 0:
        for folder in folders:
            subprocess.run(["chown", "-R", "nobody", str(folder)], check=True)
        for above in folders[-1].parents[:3]:
            above.chmod(above.stat().st_mode | 0o011)
