"""How to reach Kafka: plain on the loopback, TLS and SASL by configuration."""

import copy
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
)
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from chassis.certificates import seconds_left
from chassis.cures import cure_of_certificate
from chassis.settings import ServiceSettings

PROBE_MS_MAX = 5_000
_MECHANISMS = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


def connection_arguments(settings: ServiceSettings) -> dict[str, Any]:
    """Arguments that aiokafka's clients share."""
    arguments: dict[str, Any] = {"bootstrap_servers": settings.kafka_bootstrap_servers}
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return arguments
    arguments["security_protocol"] = protocol
    if protocol.endswith("SSL"):
        arguments["ssl_context"] = _tls(settings)
    if protocol.startswith("SASL"):
        arguments["sasl_mechanism"] = settings.kafka_sasl_mechanism
        arguments["sasl_plain_username"] = settings.current("kafka_sasl_username")
        arguments["sasl_plain_password"] = settings.current("kafka_sasl_password")
    return arguments


def broker_security(settings: ServiceSettings) -> BaseSecurity | None:
    """The same, as FastStream's broker takes it; None on a plain listener."""
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    encrypted = protocol.endswith("SSL")
    tls = _tls(settings) if encrypted else None
    if not protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=tls)
    return _MECHANISMS[settings.kafka_sasl_mechanism](
        username=settings.current("kafka_sasl_username") or "",
        password=settings.current("kafka_sasl_password") or "",
        ssl_context=tls,
    )


async def why_unreachable(settings: ServiceSettings, error: Exception) -> str | None:
    """What the first server that is not reached says, and what to do; None: the error says it.

    aiokafka keeps it to itself: "Unable to bootstrap" is all that its clients raise.
    """
    if not isinstance(error, KafkaConnectionError):
        return None
    own = settings.kafka_cert_file
    if own and seconds_left(Path(own), is_ca=False) < 0:
        return f"KAFKA_CERT_FILE={own} has expired: renew it, and it is read again"
    limits = {"request_timeout_ms": PROBE_MS_MAX, "max_idle_ms": PROBE_MS_MAX}
    try:
        asked = connection_arguments(settings)
        for host, port, _ in collect_hosts(asked.pop("bootstrap_servers")):
            (await create_conn(host, port, **limits, **asked)).close()
    except (OSError, KafkaError, TimeoutError) as failure:
        cure = cure_of_certificate(failure, "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_CA_FILE")
        if isinstance(failure, AuthenticationFailedError | SaslAuthenticationFailed):
            cure = "the broker does not know this user, or not by this password"
        return f"{failure!r}: {cure}" if cure else repr(failure)
    return None


def _tls(settings: ServiceSettings) -> ssl.SSLContext:
    """The files are read here: each new client sees what they say by then."""
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    except OSError as error:  # Python's own says neither file nor setting
        raise OSError(f"KAFKA_CA_FILE={settings.kafka_ca_file}: {error}") from error
    if settings.kafka_cert_file:
        cert, key = settings.kafka_cert_file, settings.kafka_key_file
        try:
            context.load_cert_chain(cert, key)
        except OSError as error:
            raise OSError(f"KAFKA_CERT_FILE={cert}, KAFKA_KEY_FILE={key}: {error}") from error
    return context


async def log_ends(consumer: Any, targets: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Where the logs end, also behind transactions that are open: `end_offsets` stops at those."""
    asking = copy.copy(consumer._fetcher)  # the client can be told so only as a whole
    asking._isolation_level = 0  # read uncommitted
    ends: dict[TopicPartition, int] = await asking.end_offsets(
        targets, consumer._request_timeout_ms
    )
    return ends


async def is_compacted(settings: ServiceSettings, topic: str) -> bool:
    """Whether the topic keeps only the newest event of a key."""
    admin = AIOKafkaAdminClient(**connection_arguments(settings))
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": None})
        (answer,) = await admin.describe_configs([resource])
    finally:
        await admin.close()
    return any(
        name == "cleanup.policy" and "compact" in str(value)
        for *_, entries in answer.resources
        for name, value, *_ in entries
    )
