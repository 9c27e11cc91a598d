"""One system as it runs here: its addresses, its secrets, the environment of each service."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from local.credentials import Credentials
from local.layout import Layout
from local.ports import KAFKA, KAFKA_CONTROLLER, POSTGRES
from local.services import GATEWAY, MESSENGER, SERVICES, TOPICS, Service
from testkit.embedded.kafka import EmbeddedKafka
from testkit.embedded.ports import LOOPBACK
from testkit.embedded.postgres import EmbeddedPostgres

DATABASE_PREFIX_DEFAULT = "channelbus_"
# Settings that reach the services unchanged, by name or by the beginning of the name.
_PASSED_ON = ("LOG_LEVEL", "SANDBOX", "TRUSTED_PROXIES", "UPSTREAM_", "KAFKA_SECURITY_",
              "KAFKA_SASL_", "KAFKA_CA_", "CHANNELBUS_")  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """Everything that whoever talks to the system needs to know."""

    layout: Layout
    ports: Mapping[str, int]
    credentials: Credentials
    database_url: str
    kafka_bootstrap: str
    embedded_postgres: EmbeddedPostgres | None
    embedded_kafka: EmbeddedKafka | None
    database_prefix: str
    topic_prefix: str
    passed_on: Mapping[str, str]

    @property
    def gateway_url(self) -> str:
        """Where clients go."""
        return self.service_url(GATEWAY)

    @property
    def ops_url(self) -> str:
        """The operators' page."""
        return f"{self.gateway_url}/ops"

    @property
    def admin_token(self) -> str:
        """The platform administrator's bearer token."""
        return self.credentials.admin_token

    @property
    def topics(self) -> list[str]:
        """The topics by their full names."""
        return [f"{self.topic_prefix}{topic}" for topic in TOPICS]

    def service_url(self, service: Service) -> str:
        """The base URL of one service."""
        return f"http://{LOOPBACK}:{self.ports[service.name]}"

    def health_url(self, service: Service) -> str:
        """Where one service tells its health and metrics."""
        return f"http://{LOOPBACK}:{self.ports[service.ops]}"

    def database(self, service: Service) -> str:
        """The name of one service's database."""
        return f"{self.database_prefix}{service.package}"

    def environment(self, service: Service) -> dict[str, str]:
        """What the service's process is told."""
        told = {
            # Nobody's business runs here: time may be moved ahead. An upstream has its own.
            "SANDBOX": "false" if self.passed_on.get("UPSTREAM_URL") else "true",
            **self.passed_on,
            "HOST": LOOPBACK,
            "PORT": str(self.ports[service.name]),
            "OPS_PORT": str(self.ports[service.ops]),
            "CONSUMER_INSTANCE_ID": service.name,  # one replica each
            "DATABASE_URL": self.database_url,
            "DATABASE_PREFIX": self.database_prefix,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap,
            "TOPIC_PREFIX": self.topic_prefix,
            "INTERNAL_KEYS": self.credentials.internal_keys,
            **{peer.url_variable: self.service_url(peer) for peer in SERVICES if peer != GATEWAY},
        }
        if service == MESSENGER:
            told = {
                "VERIFICATION_SENDER": "file",
                "VERIFICATION_FILE": str(self.layout.codes),
                **told,
            }
        if service.name == "billing":
            told["ENCRYPTION_KEYS"] = self.credentials.encryption_keys
        if service == GATEWAY:
            told["ADMIN_TOKEN"] = self.credentials.admin_token
            told["ENCRYPTION_KEYS"] = self.credentials.encryption_keys
            told |= {peer.ops_url_variable: self.health_url(peer) for peer in SERVICES}
        return told


def assemble(layout: Layout, ports: Mapping[str, int], credentials: Credentials) -> Stack:
    """The system of this checkout; DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS replace its servers."""
    database_url = os.environ.get("DATABASE_URL", "").rstrip("/")
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "")
    postgres = EmbeddedPostgres(layout.postgres, ports[POSTGRES], credentials.database_password)
    kafka = EmbeddedKafka(layout.kafka, ports[KAFKA], ports[KAFKA_CONTROLLER])
    return Stack(
        layout=layout,
        ports=ports,
        credentials=credentials,
        database_url=database_url or postgres.url,
        kafka_bootstrap=bootstrap or kafka.bootstrap,
        embedded_postgres=None if database_url else postgres,
        embedded_kafka=None if bootstrap else kafka,
        database_prefix=os.environ.get("DATABASE_PREFIX", DATABASE_PREFIX_DEFAULT),
        topic_prefix=os.environ.get("TOPIC_PREFIX", ""),
        passed_on={k: v for k, v in os.environ.items() if v and k.startswith(_PASSED_ON)},
    )
