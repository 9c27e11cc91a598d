"""How to reach Kafka: plain on the loopback, TLS and SASL by configuration."""

import copy
import ssl
from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from chassis.settings import ServiceSettings

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
        arguments["ssl_context"] = ssl.create_default_context(cafile=settings.kafka_ca_file)
    if protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        arguments["sasl_mechanism"] = settings.kafka_sasl_mechanism
        arguments["sasl_plain_username"] = settings.kafka_sasl_username
        arguments["sasl_plain_password"] = password.get_secret_value() if password else None
    return arguments


def broker_security(settings: ServiceSettings) -> BaseSecurity | None:
    """The same, as FastStream's broker takes it; None on a plain listener."""
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    encrypted = protocol.endswith("SSL")
    tls = ssl.create_default_context(cafile=settings.kafka_ca_file) if encrypted else None
    if not protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=tls)
    password = settings.kafka_sasl_password
    return _MECHANISMS[settings.kafka_sasl_mechanism](
        username=settings.kafka_sasl_username or "",
        password=password.get_secret_value() if password else "",
        ssl_context=tls,
    )


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
