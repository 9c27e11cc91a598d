"""What stands outside of the cluster: PostgreSQL and Kafka, reached by the pods at the bridge."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from testkit.embedded.jars import ensure_jars
from testkit.embedded.kafka import EmbeddedKafka
from testkit.embedded.ports import LOOPBACK
from testkit.embedded.postgres import EmbeddedPostgres
from testkit.servers import KafkaServer, PostgresServer
from testkit.system import TOPICS
from tests.kube.node_files import BRIDGE_ADDRESS
from tests.kube.stands import Stands

PARTITIONS = 12
CONNECTIONS_MAX = 300


@dataclass(frozen=True)
class Outside:
    """A database server and a broker, both also at the bridge's address."""

    postgres: PostgresServer
    database_url: str
    bootstrap: str

    @property
    def ports(self) -> tuple[int, int]:
        """PostgreSQL's, and Kafka's."""
        return urlsplit(self.database_url).port or 5432, int(self.bootstrap.rpartition(":")[2])

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """PostgreSQL is away within the block."""
        self.postgres.stop()
        try:
            yield
        finally:
            self.postgres.start()


@contextmanager
def outside(folder: Path, stands: Stands, *, go_on: bool, keep: bool) -> Iterator[Outside]:
    """Both are there within the block, empty but for the topics, or as the run before left them.

    `keep`: what they hold stays after the block, though neither runs then.
    """
    if not go_on:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    embedded = EmbeddedPostgres(
        folder / "data",
        stands.postgres_port,
        stands.password,
        kept=False,
        settings={
            "listen_addresses": f"{LOOPBACK},{BRIDGE_ADDRESS}",
            "max_connections": str(CONNECTIONS_MAX),
        },
    )
    if not go_on:
        embedded.initialise()
        with (folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.244.0.0/24 scram-sha-256\n")
    postgres = PostgresServer(embedded.url, folder, embedded)
    postgres.start()
    kafka = _broker(folder, stands)
    try:
        kafka.start()
        kafka.create_topics(TOPICS, PARTITIONS)
        url = embedded.url.replace(LOOPBACK, BRIDGE_ADDRESS)
        yield Outside(postgres, url, kafka.bootstrap)
    finally:
        for ending in (kafka.stop, postgres.stop) if keep else (kafka.close, postgres.close):
            ending()


def _broker(folder: Path, stands: Stands) -> KafkaServer:
    port = stands.kafka_port
    listener = f"PLAINTEXT://{BRIDGE_ADDRESS}:{port}"
    settings = {
        "listeners": f"{listener},CONTROLLER://{LOOPBACK}:{stands.controller_port}",
        "advertised.listeners": listener,
    }
    embedded = EmbeddedKafka(folder / "kafka", port, stands.controller_port, more_settings=settings)
    embedded.prepare(ensure_jars())
    return KafkaServer(f"{BRIDGE_ADDRESS}:{port}", folder, embedded)
