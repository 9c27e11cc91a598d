"""The embedded system from the first start to its end, through kills, in a folder of its own."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from local.layout import Layout
from local.services import SERVICES
from local.supervision import living_processes
from testkit.embedded.jars import CHECKOUT
from testkit.embedded.ports import LOOPBACK, free_port

NAMES = {"postgres", "kafka", *(service.name for service in SERVICES)}
VERB_SECONDS = 200
DOWN_SECONDS_MAX = 60
_REPLACING = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_PREFIX", "TOPIC_PREFIX")


def told(run: Path, gateway: int) -> dict[str, str]:
    """The environment of a verb."""
    inherited = {k: v for k, v in os.environ.items() if k not in _REPLACING}
    inherited |= {"PYTHONPATH": str(CHECKOUT / "deploy"), "CHANNELBUS_RUN_DIR": str(run)}
    return inherited | {"GATEWAY_PORT": str(gateway)}


def local(
    verb: str, *options: str, run: Path, gateway: int, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """`make <verb>`, as a process; nobody is there to answer what it asks."""
    return subprocess.run(
        [sys.executable, "-m", "local", verb, *options],
        env=told(run, gateway),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=VERB_SECONDS,
        check=False,
    )


def status_to_nobody(run: Path, gateway: int) -> tuple[int, str]:
    """Exit status and complaints when the reader has gone, as `head` goes."""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        shown = local("status", run=run, gateway=gateway, stdout=writes)
    finally:
        os.close(writes)
    return shown.returncode, shown.stderr


def pids(run: Path) -> dict[str, int]:
    """The processes of the system, by name."""
    return {name: process.pid for name, process in living_processes(Layout(run)).items()}


def processes_that_name(run: Path) -> list[str]:
    """Command lines of whatever still has to do with the folder."""
    found = psutil.process_iter(["cmdline"])
    return [" ".join(p.info["cmdline"]) for p in found if str(run) in str(p.info["cmdline"])]


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_the_system_starts_recovers_from_kills_and_leaves_nothing(tmp_path: Path) -> None:
    run, gateway = tmp_path / "run", free_port()
    try:
        first = local("up", "--no-demo", run=run, gateway=gateway)
        assert first.returncode == 0, first.stdout + first.stderr
        started = pids(run)
        assert set(started) == NAMES

        again = local("up", "--no-demo", run=run, gateway=gateway)
        assert again.returncode == 0, again.stdout + again.stderr
        assert pids(run) == started
        assert local("status", run=run, gateway=gateway).returncode == 0
        assert status_to_nobody(run, gateway) == (0, "")
        look_at_what_is_told(run, gateway, first.stdout)

        os.kill(int((run / "supervisord.pid").read_text()), signal.SIGKILL)
        for name in ("postgres", "kafka", "order"):
            os.kill(started[name], signal.SIGKILL)
        recovered = local("up", "--no-demo", run=run, gateway=gateway)
        assert recovered.returncode == 0, recovered.stdout + recovered.stderr
        assert set(pids(run)) == NAMES
    finally:
        down = local("down", run=run, gateway=gateway)
    assert down.returncode == 0, down.stdout + down.stderr
    assert processes_that_name(run) == []
    assert local("status", run=run, gateway=gateway).returncode == 3

    refused = local("reset", run=run, gateway=gateway)
    assert (refused.returncode, "YES=yes" in refused.stderr) == (1, True)
    assert (run / "postgres").exists()
    assert local("reset", "--yes", run=run, gateway=gateway).returncode == 0
    assert {path.name for path in run.iterdir()} == {"lock"}


def look_at_what_is_told(run: Path, gateway: int, start: str) -> None:
    """Secrets where they are asked for and nowhere else; parked keys; the services' commands."""
    secrets = json.loads((run / "secrets.json").read_text())
    assert not [name for name, secret in secrets.items() if secret in start]
    shown = local("credentials", "admin.token", run=run, gateway=gateway)
    assert shown.stdout.strip() == secrets["admin_token"]
    unknown = local("credentials", "partner.token", run=run, gateway=gateway)
    assert (unknown.returncode, "there is no partner.token" in unknown.stderr) == (1, True)

    status = local("status", run=run, gateway=gateway).stdout
    assert f"console at http://127.0.0.1:{gateway}/ops" in status
    assert "no parked keys" in status
    park_a_key(run, gateway)
    assert "order: 1 parked keys" in local("status", run=run, gateway=gateway).stdout

    listed = local("run", "order", "parked", "list", run=run, gateway=gateway)
    assert (listed.returncode, "k1" in listed.stdout) == (0, True), listed.stderr
    nobody = local("run", "parked", "list", run=run, gateway=gateway)
    assert (nobody.returncode, "begins with a service" in nobody.stderr) == (1, True)

    for folder in ("kafka", "log", "pids"):
        assert stat.S_IMODE((run / folder).stat().st_mode) == 0o700, folder


def park_a_key(run: Path, gateway: int) -> None:
    """As the bus parks one whose event cannot be handled."""
    server = json.loads(local("credentials", run=run, gateway=gateway).stdout)["database"]

    async def park() -> None:
        connection = await asyncpg.connect(f"{server}/channelbus_order")
        try:
            await connection.execute(
                "INSERT INTO parked_keys (consumer, stream, key) VALUES ('order', 'customer', 'k1')"
            )
            await connection.execute(
                "INSERT INTO parked_events (consumer, stream, key, partition, position, headers,"
                " body, attempts) VALUES ('order', 'customer', 'k1', 0, 0, '{}', '', 1)"
            )
        finally:
            await connection.close()

    asyncio.run(park())


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.parametrize("reached", ["postgres.new", "pids/gateway.pid"])
def test_stopping_ends_a_start_that_is_under_way(tmp_path: Path, reached: str) -> None:
    run, gateway = tmp_path / "run", free_port()
    starting = subprocess.Popen(
        [sys.executable, "-m", "local", "up", "--no-demo"],
        env=told(run, gateway),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        while not (run / reached).exists():
            assert starting.poll() is None, starting.stdout and starting.stdout.read()
            time.sleep(0.02)
        stopped = local("down", run=run, gateway=gateway)
        said, _ = starting.communicate(timeout=DOWN_SECONDS_MAX)
    finally:
        starting.kill()
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert "ended the `make up` that was under way" in stopped.stdout
    assert starting.returncode == 130, said
    assert "Traceback" not in said
    assert processes_that_name(run) == []


def test_a_taken_gateway_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        gateway = taken.getsockname()[1]
        refused = local("up", run=tmp_path / "run", gateway=gateway)
    assert refused.returncode == 1
    assert f"port {gateway} is used" in refused.stderr
    assert "GATEWAY_PORT" in refused.stderr
    assert processes_that_name(tmp_path / "run") == []


def test_stopping_what_does_not_run_is_harmless(tmp_path: Path) -> None:
    stopped = local("down", run=tmp_path / "run", gateway=8080)
    assert stopped.returncode == 0
    assert "nothing was running" in stopped.stdout


def test_a_status_that_nobody_reads_to_its_end_complains_of_nothing(tmp_path: Path) -> None:
    assert status_to_nobody(tmp_path / "run", 8080) == (3, "")
