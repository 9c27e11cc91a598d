"""The embedded system from the first start to its end, through kills, in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local.layout import Layout
from local.services import SERVICES
from local.supervision import living_processes
from testkit.embedded.jars import CHECKOUT
from testkit.embedded.ports import LOOPBACK, free_port

NAMES = {"postgres", "kafka", *(service.name for service in SERVICES)}
VERB_SECONDS = 200
_REPLACING = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_PREFIX", "TOPIC_PREFIX")


def local(
    verb: str, *options: str, run: Path, gateway: int, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """`make <verb>`, as a process."""
    told = {k: v for k, v in os.environ.items() if k not in _REPLACING}
    told |= {"PYTHONPATH": str(CHECKOUT / "deploy"), "CHANNELBUS_RUN_DIR": str(run)}
    told |= {"GATEWAY_PORT": str(gateway)}
    return subprocess.run(
        [sys.executable, "-m", "local", verb, *options],
        env=told,
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
        told = local("status", run=run, gateway=gateway, stdout=writes)
    finally:
        os.close(writes)
    return told.returncode, told.stderr


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
