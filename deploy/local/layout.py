"""Where things lie below `.run/`; nothing else in the checkout is written."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from testkit.embedded.jars import CHECKOUT

# The kernel allows 107 bytes, and supervisord appends its pid while it makes the socket.
SOCKET_PATH_BYTES_MAX = 95
OWNER_ONLY_FOLDER = 0o700


@dataclass(frozen=True)
class Layout:
    """The files of one running system."""

    run: Path

    @classmethod
    def of_checkout(cls) -> "Layout":
        """The one of this checkout; CHANNELBUS_RUN_DIR puts it elsewhere."""
        return cls(Path(os.environ.get("CHANNELBUS_RUN_DIR") or CHECKOUT / ".run").absolute())

    def create(self) -> None:
        """Make the folders. Only the owner looks into logs and Kafka's data.

        PostgreSQL sees to its own; as root's it runs as `nobody`, who must pass through `.run`.
        """
        self.run.mkdir(parents=True, exist_ok=True)
        for folder in (self.logs, self.pids, self.kafka):
            folder.mkdir(exist_ok=True)
            folder.chmod(OWNER_ONLY_FOLDER)

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.run / "log"

    @property
    def pids(self) -> Path:
        """One pid file per process."""
        return self.run / "pids"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.run / "postgres"

    @property
    def kafka(self) -> Path:
        """Kafka's configuration and data."""
        return self.run / "kafka"

    @property
    def ports(self) -> Path:
        """The ports chosen for this checkout."""
        return self.run / "ports.json"

    @property
    def secrets(self) -> Path:
        """Keys, passwords and tokens, made once."""
        return self.run / "secrets.json"

    @property
    def started(self) -> Path:
        """What the running system was started with."""
        return self.run / "started.json"

    @property
    def demo(self) -> Path:
        """Addresses and credentials of the demo portfolio; there when it is loaded."""
        return self.run / "demo.json"

    @property
    def journal(self) -> Path:
        """What the demo's loader has done."""
        return self.run / "demo-journal.jsonl"

    @property
    def codes(self) -> Path:
        """Verification codes, where a person would have them on a phone or in a mailbox."""
        return self.run / "codes.jsonl"

    @property
    def starting(self) -> Path:
        """The pid of the `make up` that is under way; there only meanwhile."""
        return self.run / "up.pid"

    @property
    def lock(self) -> Path:
        """Held while the system is being started or stopped."""
        return self.run / "lock"

    @property
    def supervisor_config(self) -> Path:
        """Generated again at each start."""
        return self.run / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """Below `.run`, or in the temporary folder when that path is too long for a socket."""
        inside = self.run / "supervisor.sock"
        if len(os.fsencode(inside)) <= SOCKET_PATH_BYTES_MAX:
            return inside
        mark = hashlib.sha256(os.fsencode(self.run)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"channelbus-{os.getuid()}-{mark}.sock"

    def pid(self, name: str) -> Path:
        """The pid file of one process."""
        return self.pids / f"{name}.pid"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"
