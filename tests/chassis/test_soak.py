"""The soak's short form; `make soak SECONDS=…` runs it longer."""

import pytest

from testkit.servers import KafkaServer, PostgresServer
from tests.chassis.soak import soak

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.mark.timeout(420)
async def test_thirty_seconds_of_kills_freezes_and_a_broker_restart_lose_and_double_nothing(
    postgres_server: PostgresServer, kafka_server: KafkaServer
) -> None:
    """Break any of the lines that the crash tests name, or the inbox, to see it fail."""
    verdict = await soak(postgres_server, kafka_server, seconds=30, seed=20261123)
    assert verdict.committed > 100
    assert verdict.deeds["broker kills"] >= 1
    assert verdict.breaches == []
