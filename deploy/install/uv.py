"""The uv that installs: the machine's when it is new enough, else one of our own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from install import bundle
from install.company import told_to_pip, told_to_uv
from install.places import OWN_UV, RUN, UV_MINIMUM, UV_VERSION, InstallationError, log


def uv(*arguments: str) -> None:
    """Run it; raises InstallationError with what uv said."""
    command = [str(ensure_uv()), *bundle.put_before(arguments)]
    done = subprocess.run(
        command, env=environment(), stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise InstallationError(f"{done.stderr.rstrip()}\n\n{_cure(done.stderr)}")
    if done.stderr:
        sys.stderr.write(done.stderr)


def environment() -> dict[str, str]:
    """Ours, with what the machine told pip and nobody told uv."""
    return {**os.environ, **told_to_uv(os.environ)}


def ensure_uv() -> Path:
    """Its path; installed below `.run` when the machine has none, so that no Python is changed."""
    for candidate in (shutil.which("uv"), OWN_UV / "bin" / "uv"):
        if candidate and version_of(Path(candidate)) >= UV_MINIMUM:
            return Path(candidate)
    log("installing uv below .run")
    RUN.mkdir(exist_ok=True)
    shutil.rmtree(OWN_UV, ignore_errors=True)
    told = {**os.environ, **told_to_pip(environment())}
    wanted = [*bundle.links(), f"uv=={UV_VERSION}"]
    attempts = (
        [[sys.executable, "-m", "venv", str(OWN_UV)],
         [str(OWN_UV / "bin" / "pip"), "install", "-q", *wanted]],
        [[sys.executable, "-m", "pip", "install", "-q", "--target", str(OWN_UV), *wanted]],
    )  # fmt: skip
    said = ""
    for commands in attempts:
        for command in commands:
            done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
            said += done.stdout + done.stderr
            if done.returncode != 0:
                break
        else:
            return OWN_UV / "bin" / "uv"
    raise InstallationError(f"{said.rstrip()}\n\n{_cure(said)}")


def version_of(path: Path) -> tuple[int, ...]:
    """Of a uv; nothing when it does not run."""
    try:
        shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ()
    numbers = re.match(r"uv (\d+(?:\.\d+)*)", shown.stdout)
    return tuple(int(number) for number in numbers[1].split(".")) if numbers else ()


def _cure(said: str) -> str:
    """What most often mends what was said."""
    if "ensurepip" in said or "No module named pip" in said:
        return "Python's venv or pip is missing (Debian: apt-get install python3-venv)."
    if "No space left" in said:
        return "The disk is full: make room, or set UV_CACHE_DIR to a folder on another disk."
    if re.search(r"certificate|CERTIFICATE|SSLError|UnknownIssuer", said):
        return (
            "The package index has a certificate that this machine does not trust: add your"
            " company's root to the system's store, or name it in SSL_CERT_FILE."
        )
    if bundle.is_there():
        return "The bundle is not whole: make it anew, or remove .run/bundle."
    return (
        "The package index was not reached. Name your company's in pip's configuration or in"
        " UV_DEFAULT_INDEX, a proxy in HTTPS_PROXY; without a network use a bundle: make up"
        " BUNDLE=channelbus-bundle.tar (made by `make bundle` where there is one)."
    )
