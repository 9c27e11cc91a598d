"""A tally's databases and topics, fresh for each test."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from chassis.settings import ServiceSettings
from testkit.servers import KafkaServer, PostgresServer
from tests.chassis.tally import create_schema, settings_for

PARTITIONS = 3


@pytest.fixture
async def settings(
    postgres_server: PostgresServer, kafka_server: KafkaServer
) -> AsyncIterator[ServiceSettings]:
    """Settings of a tally whose leases and sessions are short enough for a test."""
    prefix = f"t{uuid4().hex[:8]}_"
    kafka_server.create_topics([prefix + "billing"], PARTITIONS)
    postgres_server.create_database(f"{prefix}tally")
    found = settings_for(
        postgres_server.url,
        kafka_server.bootstrap,
        prefix,
        relay_lease_seconds=2.0,
        consumer_session_seconds=6.0,
        consumer_watch_seconds=2.0,
        transaction_idle_seconds=12,
    )
    await create_schema(found)
    yield found
    postgres_server.drop_database(f"{prefix}tally")
