"""Real service processes on the session's servers: for stories across services, and for kills."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from testkit.databases import ServiceDatabase, Templates, unique_prefix
from testkit.embedded.ports import LOOPBACK, free_port
from testkit.embedded.processes import (
    Launch,
    end_recorded,
    last_lines,
    recorded_process,
    wait_until_recorded,
)
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS, INTERNAL_KEYS
from testkit.servers import KafkaServer, new_folder
from testkit.statements import Statements

SERVICES = ("customer-sync", "order", "voucher", "billing", "partner", "gateway")
TOPICS = ("customer", "order", "voucher", "billing", "partner")
READY_SECONDS = 120.0  # six services, and another session beside them on two cores
STOP_SECONDS = 15.0
LAUNCH_SECONDS = 60.0
POLL_SECONDS = 0.05

_NOT_INHERITED = (
    "DATABASE_",
    "KAFKA_",
    "TOPIC_PREFIX",
    "UPSTREAM_",
    "PORT",
    "OPS_PORT",
    "GATEWAY_PORT",
)


class NotReadyError(RuntimeError):
    """A service ended or did not become ready; the message has the end of its log."""


class System:
    """Chosen services with databases, topics and ports of their own.

    `upstream_url` makes it a connected system; `environment` reaches every service.
    """

    def __init__(
        self,
        templates: Templates,
        kafka: KafkaServer,
        *,
        services: Sequence[str] = SERVICES,
        upstream_url: str | None = None,
        environment: Mapping[str, str] | None = None,
        partitions: int = 2,
    ):
        self.services = tuple(services)
        self.prefix = unique_prefix()
        self.kafka = kafka
        self.admin_token = ADMIN_TOKEN
        self._templates = templates
        self.partitions = partitions
        self._environment = dict(environment or {})
        if upstream_url:
            self._environment["UPSTREAM_URL"] = upstream_url
        self._folder = new_folder("system")
        self._ports: dict[str, int] = {}
        for name in SERVICES:
            for port in (name, f"{name}-ops"):
                self._ports[port] = free_port(self._ports.values())
        self.databases: dict[str, ServiceDatabase] = {}
        self._asked: dict[str, Statements] = {}

    @property
    def topics(self) -> list[str]:
        """Its topics by their full names."""
        return [f"{self.prefix}{topic}" for topic in TOPICS]

    @property
    def gateway_url(self) -> str:
        """Where clients go."""
        return self.url("gateway")

    def url(self, service: str) -> str:
        """The base URL of one service."""
        return f"http://{LOOPBACK}:{self._ports[service]}"

    def ops_url(self, service: str) -> str:
        """Where one service tells its health and metrics."""
        return self.url(f"{service}-ops")

    def start(self) -> "System":
        """Make databases and topics, start all chosen services, wait until they are ready."""
        for name in self.services:
            package = name.replace("-", "_")
            self.databases[name] = self._templates.copy(package, self.prefix)
        self.kafka.create_topics(self.topics, self.partitions)
        for name in self.services:
            self.launch(name)
        self.wait_until_ready()
        return self

    def launch(self, service: str, environment: Mapping[str, str] | None = None) -> int:
        """Start one service's process and return its pid; `wait_until_ready` waits for it."""
        command = [str(Path(sys.executable).parent / service), "serve"]
        launch = Launch(command, pid_file=self._pid_file(service), death_signal="KILL")
        told = {**self._settings(service), **self._environment, **(environment or {})}
        started = launch.start(self.log(service), told)
        wait_until_recorded(self._pid_file(service), started.pid, LAUNCH_SECONDS)
        return started.pid

    def command(self, service: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a console command of the service; its output is one stream of lines."""
        return subprocess.Popen(
            [str(Path(sys.executable).parent / service), *arguments],
            env={**self._settings(service), **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C works also where the tests themselves were started in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def wait_until_ready(self, *services: str, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait for `/readyz` of the named services, of all when none is named."""
        deadline = time.monotonic() + timeout_seconds
        for name in services or self.services:
            while not self._is_ready(name):
                if time.monotonic() > deadline or not self.is_alive(name):
                    what = "is not ready" if self.is_alive(name) else "has ended"
                    said = last_lines(self.log(name), 40, without='"route":"/readyz"')
                    raise NotReadyError(f"{name} {what}:\n{said}")
                time.sleep(POLL_SECONDS)

    def restart(self, service: str, environment: Mapping[str, str] | None = None) -> None:
        """Stop it if it runs, start it with this addition to its environment, wait until ready."""
        self.stop(service)
        self.launch(service, environment)
        self.wait_until_ready(service)

    def stop(self, service: str) -> None:
        """Ask one service to end, and wait for it."""
        end_recorded(
            self._pid_file(service), stop_signal=signal.SIGTERM, grace_seconds=STOP_SECONDS
        )

    def kill(self, service: str) -> None:
        """End one service as a power cut would."""
        end_recorded(
            self._pid_file(service), stop_signal=signal.SIGKILL, grace_seconds=STOP_SECONDS
        )

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """Let one service's process stand still meanwhile: it lives, and answers nobody."""
        process = recorded_process(self._pid_file(service))
        assert process is not None, f"{service} does not run"
        process.suspend()  # SIGSTOP
        try:
            yield
        finally:
            process.resume()

    @contextmanager
    def frozen_by_itself(
        self, service: str, timeout_seconds: float = READY_SECONDS
    ) -> Iterator[None]:
        """The same at the point at which it stops itself (`CRASH_AT=name:1:STOP`), once it has."""
        process = recorded_process(self._pid_file(service))
        assert process is not None, f"{service} does not run"
        deadline = time.monotonic() + timeout_seconds
        try:
            while process.status() != psutil.STATUS_STOPPED:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{service} still runs after {timeout_seconds} s")
                time.sleep(POLL_SECONDS)
            yield
        finally:
            process.resume()

    def is_alive(self, service: str) -> bool:
        """True while the service's process runs."""
        return recorded_process(self._pid_file(service)) is not None

    def wait_until_ended(self, service: str, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait until the process has ended by itself, at a crash point say."""
        deadline = time.monotonic() + timeout_seconds
        while self.is_alive(service):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{service} still runs after {timeout_seconds} s")
            time.sleep(POLL_SECONDS)

    def log(self, service: str) -> Path:
        """The log of one service."""
        return self._folder / f"{service}.log"

    def logs(self, lines: int = 40) -> str:
        """The ends of all logs, to show when a story fails."""
        shown = (f"=== {name}\n{last_lines(self.log(name), lines)}" for name in self.services)
        return "\n".join(shown)

    def code_sent_to(self, receiver: str) -> str:
        """The last verification code that went to a phone or mailbox."""
        lines = self.messages.read_text("utf-8").splitlines()
        messages = [json.loads(line) for line in lines]
        codes = [str(one["code"]) for one in messages if one["receiver"] == receiver]
        return codes[-1]

    def rows(self, service: str, query: str, *values: Any) -> list[Any]:
        """What stands in a service's database."""
        if service not in self._asked:
            self._asked[service] = Statements(self.databases[service].url)
        return self._asked[service].fetch(query, *values)

    def close(self) -> None:
        """Kill what still runs, remove databases and logs; topics go with the session's broker."""
        for name in self.services:
            self.kill(name)
        for asked in self._asked.values():
            asked.close()
        self._templates.drop(*self.databases.values())
        shutil.rmtree(self._folder, ignore_errors=True)

    def _pid_file(self, service: str) -> Path:
        return self._folder / f"{service}.pid"

    def _is_ready(self, service: str) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._ports[f"{service}-ops"], timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def use_database(self, url: str) -> None:
        """From their next start the services and commands use this server."""
        self._environment["DATABASE_URL"] = url

    def environment_of(self, service: str) -> dict[str, str]:
        """What a process of the service is started with."""
        return {**self._settings(service), **self._environment}

    def _settings(self, service: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        peers = {
            f"{name.upper().replace('-', '_')}_URL": self.url(name)
            for service in SERVICES
            for name in (service, f"{service}-ops")
        }
        return {
            **inherited,
            **peers,
            "HOST": LOOPBACK,
            "PORT": str(self._ports[service]),
            "OPS_PORT": str(self._ports[f"{service}-ops"]),
            "CONSUMER_INSTANCE_ID": service,
            "DATABASE_URL": self._templates.server.url,
            "DATABASE_PREFIX": self.prefix,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "TOPIC_PREFIX": self.prefix,
            "INTERNAL_KEYS": INTERNAL_KEYS,
            "ENCRYPTION_KEYS": ENCRYPTION_KEYS,
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "FACE_VERIFICATION_PAGE": "https://faces.example.com/verify",  # nobody opens it
            "VERIFICATION_SENDER": "file",
            "VERIFICATION_FILE": str(self.messages),
        }

    @property
    def messages(self) -> Path:
        """What went to phones and mailboxes: a JSON line for each code."""
        return self._folder / "messages"
