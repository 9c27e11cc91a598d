"""What `helm test` does, done to a running system: twice, for it meets what it left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.system import System
from tests.helm.rendering import CHART, named, objects, values_of

STORY = CHART / "files/story.py"
SECONDS_MAX = 90


def _told(system: System, folder: Path, token: str) -> subprocess.CompletedProcess[str]:
    (folder / "admin-token").write_text(token + "\n")
    given = {
        "GATEWAY": system.gateway_url,
        "ADMIN_TOKEN_FILE": str(folder / "admin-token"),
        "CONNECTED": "false",
    }
    command = [sys.executable, str(STORY)]
    return subprocess.run(
        command, env={**os.environ, **given}, capture_output=True, text=True, timeout=SECONDS_MAX,
        check=False,
    )  # fmt: skip


def test_the_story_goes_well_each_time(session_system: System, tmp_path: Path) -> None:
    for _ in range(2):
        told = _told(session_system, tmp_path, session_system.admin_token)
        assert told.returncode == 0, told.stderr
        assert told.stdout.splitlines() == [
            "a signed call is answered",
            "an event went through Kafka into the read model",
        ]


def test_a_system_that_is_not_well_is_told(session_system: System, tmp_path: Path) -> None:
    told = _told(session_system, tmp_path, "a-wrong-token-of-somebody")
    assert told.returncode == 1
    assert told.stderr.startswith("helm test: GET /api/partners")


@pytest.mark.parametrize(("way", "connected"), [("minimal", "false"), ("connected", "true")])
def test_its_pod_runs_the_story_with_what_it_asks_for(way: str, connected: str) -> None:
    made = objects(values_of(way))
    pod = named(made, "Pod")
    (container,) = pod["spec"]["containers"]
    told = {one["name"]: one["value"] for one in container["env"]}
    assert told["CONNECTED"] == connected
    assert (
        told["GATEWAY"] == f"http://{named(made, 'Service', '-gateway')['metadata']['name']}:8080"
    )
    assert named(made, "ConfigMap", "-test")["data"]["story.py"] == STORY.read_text().rstrip()
    hooks = [pod["metadata"]["annotations"]["helm.sh/hook"]]
    assert hooks == ["test"]
