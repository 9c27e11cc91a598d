"""The images of deploy/Dockerfile, built by a Docker engine of this run's own.

No base image can be pulled where there is no registry of images: Debian's bootstrap makes one, with
the Python that runs this.
"""

import contextlib
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from testkit.embedded.jars import CHECKOUT
from testkit.embedded.processes import Launch, end_recorded, wait_until_recorded
from testkit.system import SERVICES
from tests.kube.cluster import LAUNCH_SECONDS, say, until, weigh_group
from tests.kube.programs import NotHereError, found, kept_in, run

BASE = "channelbus-kube/python:3.11"
TAG = "kube"
NEXT_TAG = "kube-next"
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# What a Python of its own folder is linked to.
_LIBRARIES = (
    "ca-certificates,libssl3,libffi8,libsqlite3-0,zlib1g,libbz2-1.0,liblzma5,libreadline8,"
    "libuuid1,libexpat1"
)
_BUILD_SECONDS = 1800.0
_STOP_SECONDS = 30.0


class Engine:
    """A Docker engine with a socket and a folder of its own; it changes no rule of the network."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._socket = f"unix:///run/channelbus-kube/docker-{folder.name}.sock"

    @contextlib.contextmanager
    def running(self) -> Iterator["Engine"]:
        """It is there within the block."""
        self._folder.mkdir(parents=True, exist_ok=True)
        Path("/run/channelbus-kube").mkdir(exist_ok=True)
        record = self._folder / "dockerd.pid"
        command = [
            found("dockerd"), "--host", self._socket, "--data-root", str(self._folder / "data"),
            "--exec-root", "/run/channelbus-kube/docker", "--pidfile", str(record) + ".own",
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=overlay2",
        ]  # fmt: skip
        launched = Launch(command, pid_file=record).start(self._folder / "dockerd.log")
        wait_until_recorded(record, launched.pid, LAUNCH_SECONDS)
        try:
            until("the Docker engine", lambda: self.docker("version"))
            weigh_group("docker")
            yield self
        finally:
            end_recorded(record, stop_signal=signal.SIGTERM, grace_seconds=_STOP_SECONDS)

    def docker(self, *arguments: str | Path, text: str | None = None) -> str:
        """What the command prints."""
        # The builder that comes with the engine; the newer one is a package that Debian 12 lacks.
        settings = {"DOCKER_HOST": self._socket, "DOCKER_BUILDKIT": "0"}
        return run(["docker", *arguments], CHECKOUT, _BUILD_SECONDS, settings, text)


def base_archive() -> Path:
    """A Debian with the Python that runs this, in place of the image python:3.11-slim; kept."""
    archive = kept_in().parent / "python-base.tar"
    if archive.exists():
        return archive
    if sys.version_info[:2] != (3, 11) or sys.base_prefix == "/usr":
        raise NotHereError("The base image takes a Python 3.11 of its own folder (pyenv, uv).")
    root = archive.with_suffix(".new")
    shutil.rmtree(root, ignore_errors=True)
    say("making a base image")
    suite, mirror = _debian()
    run(["debootstrap", "--variant=minbase", f"--include={_LIBRARIES}", suite, root, mirror])
    prefix = Path(sys.base_prefix)
    shutil.copytree(
        prefix / "lib/python3.11",
        root / "usr/local/lib/python3.11",
        symlinks=True,
        ignore=_unwanted,
    )
    for library in (prefix / "lib").glob("libpython3*"):
        shutil.copy2(library, root / "usr/local/lib", follow_symlinks=False)
    shutil.copy2(prefix / "bin/python3.11", root / "usr/local/bin")
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to("python3.11")
    run(["chroot", root, "ldconfig"])
    run(["chroot", root, "python", "-m", "pip", "--version"])
    pip = root / "usr/local/bin/pip"
    pip.write_text('#!/bin/sh\nexec python -m pip "$@"\n')
    pip.chmod(0o755)
    # Where a company's own authority signs what is fetched, the machine's list knows it.
    shutil.copyfile(_AUTHORITIES, root / _AUTHORITIES.relative_to("/"))
    for name in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"):
        shutil.rmtree(root / name, ignore_errors=True)
    unfinished = archive.with_suffix(".part")
    run(["tar", "-C", root, "--numeric-owner", "-cf", unfinished, "."])
    shutil.rmtree(root)
    unfinished.rename(archive)
    return archive


def _unwanted(folder: str, names: list[str]) -> set[str]:
    """What the library brings beside itself: tests, the editor, what was installed but pip."""
    beside = {"test", "tests", "__pycache__", "idlelib", "tkinter"}
    installed = {name for name in names if not name.startswith("pip")}
    return installed if folder.endswith("site-packages") else beside.intersection(names)


def _debian() -> tuple[str, str]:
    """The suite and the mirror of this machine."""
    told = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text().splitlines()
        if "=" in line
    )
    sources = Path("/etc/apt/sources.list.d/debian.sources").read_text().splitlines()
    mirror = next(line.split()[1] for line in sources if line.startswith("URIs:"))
    return told["VERSION_CODENAME"], mirror


def build(engine: Engine, revision: str) -> None:
    """The six images, from this checkout."""
    if not engine.docker("images", "-q", BASE).strip():  # imported anew, it is another one
        engine.docker(
            "import", "--change", f"ENV SSL_CERT_FILE={_AUTHORITIES} PIP_CERT={_AUTHORITIES}",
            "--change", "ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8",
            base_archive(), BASE,
        )  # fmt: skip
    for service in SERVICES:
        say(f"building channelbus/{service}")
        engine.docker(
            "build", "--network=host", "-f", "deploy/Dockerfile", "-t", image(service, TAG),
            "--build-arg", f"PYTHON_IMAGE={BASE}", "--build-arg", f"SERVICE={service}",
            "--build-arg", f"REVISION={revision}", ".",
        )  # fmt: skip


def build_next(engine: Engine, migration: Path) -> None:
    """The next version: the same services, of which order has one migration more."""
    for service in SERVICES:
        engine.docker("tag", image(service, TAG), image(service, NEXT_TAG))
    folder = migration.parent
    target = "/venv/lib/python3.11/site-packages/order/migrations/versions/"
    (folder / "Dockerfile").write_text(
        f"FROM {image('order', TAG)}\nCOPY {migration.name} {target}\nLABEL next=yes\n"
    )
    engine.docker("build", "-t", image("order", NEXT_TAG), folder)


def image(service: str, tag: str) -> str:
    """Its name, as the chart composes it from its values."""
    return f"channelbus/{service}:{tag}"


def size_and_layers(engine: Engine, service: str) -> tuple[int, int]:
    """Bytes, and how many layers."""
    template = "{{.Size}} {{len .RootFS.Layers}}"
    size, layers = engine.docker("inspect", "-f", template, image(service, TAG)).split()
    return int(size), int(layers)
