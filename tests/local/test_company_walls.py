"""What pip and Maven were told by a company is what the installation does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from install.company import pip_setting, told_to_uv
from testkit.embedded.jars import CHECKOUT
from testkit.embedded.maven import maven_mirror
from tests.local.behind_walls import PASSWORD

SECONDS = 120
MIRROR = "https://mirror.example"
WALLS = ["unshare", "--net", "--mount"]
WALLS_OF_A_USER = [*WALLS, "--map-root-user"]


def may(walls: list[str]) -> bool:
    """Whether such namespaces may be made here."""
    return subprocess.run([*walls, "true"], capture_output=True, check=False).returncode == 0


def test_behind_a_companys_walls_everything_comes_from_its_mirror(tmp_path: Path) -> None:
    """Needs root, or a kernel that gives a user namespaces of its own; without them it fails."""
    walls = next((each for each in (WALLS, WALLS_OF_A_USER) if may(each)), None)
    assert walls, "neither root nor user namespaces: run this as root"
    (tmp_path / "home").mkdir()
    told = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'deploy'}",
        "CORP_PASSWORD": PASSWORD,
    }
    done = subprocess.run(
        [*walls, sys.executable, "-m", "tests.local.behind_walls", str(tmp_path)],
        env=told,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    came = json.loads(done.stdout.splitlines()[-1])
    assert "add your company's root to the system's store" in came.pop("before")
    assert came == {"uv": "", "pip": "", "jar": ""}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has told nobody anything yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CHANNELBUS_MAVEN_MIRROR", raising=False)
    return tmp_path


def pip_conf(home: Path, text: str) -> dict[str, str]:
    """The environment of a user with this configuration of pip."""
    file = home / "pip.conf"
    file.write_text(text)
    return {"HOME": str(home), "PIP_CONFIG_FILE": str(file)}


def test_uv_hears_what_pip_was_told(home: Path) -> None:
    text = f"[global]\nindex-url = {MIRROR}/simple\ntrusted-host = mirror.example\n"
    told = told_to_uv(pip_conf(home, text + f"[install]\nextra-index-url = {MIRROR}/more\n"))
    assert (
        told.items()
        >= {
            "UV_SYSTEM_CERTS": "1",
            "UV_DEFAULT_INDEX": f"{MIRROR}/simple",
            "UV_INDEX": f"{MIRROR}/more",
            "UV_INSECURE_HOST": "mirror.example",
        }.items()
    )


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_what_uv_was_told_itself_holds(home: Path, name: str) -> None:
    environment = pip_conf(home, f"[global]\nindex-url = {MIRROR}/simple\n")
    assert "UV_DEFAULT_INDEX" not in told_to_uv(environment | {name: "https://other.example"})


def test_a_variable_of_pip_is_stronger_than_its_files(home: Path) -> None:
    environment = pip_conf(home, "[global]\ncert = /a.pem\n") | {"PIP_CERT": "/b.pem"}
    assert pip_setting("cert", environment) == "/b.pem"
    assert pip_setting("proxy", pip_conf(home, "not a configuration")) is None


def settings_xml(home: Path, mirrored: str) -> None:
    """Maven's settings with one mirror."""
    (home / ".m2").mkdir(exist_ok=True)
    (home / ".m2" / "settings.xml").write_text(
        f"<settings><mirrors><mirror><id>m</id><mirrorOf>{mirrored}</mirrorOf>"
        "<url>https://mirror.example/maven/</url></mirror></mirrors></settings>"
    )


@pytest.mark.parametrize(
    ("mirrored", "taken"),
    [("central", True), ("*", True), ("external:*,!ours", True), ("a, central", True),
     ("ours", False), ("*,!central", False)],
)  # fmt: skip
def test_a_mirror_of_mavens_settings_is_taken_when_it_mirrors_central(
    home: Path, mirrored: str, taken: bool
) -> None:
    assert maven_mirror() is None
    settings_xml(home, mirrored)
    assert maven_mirror() == ("https://mirror.example/maven" if taken else None)


def test_the_mirror_of_the_environment_is_stronger(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_xml(home, "*")
    monkeypatch.setenv("CHANNELBUS_MAVEN_MIRROR", "https://other.example/")
    assert maven_mirror() == "https://other.example"


def test_settings_of_maven_that_cannot_be_read_are_none(home: Path) -> None:
    (home / ".m2").mkdir()
    (home / ".m2" / "settings.xml").write_text("<settings")
    assert maven_mirror() is None
