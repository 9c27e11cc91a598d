"""Pytest fixtures (`-p testkit.fixtures`); a server starts when a test first asks for it."""

from collections.abc import Iterator

import pytest

from testkit.servers import KafkaServer, PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's PostgreSQL."""
    server = PostgresServer.for_session()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaServer]:
    """The session's Kafka."""
    server = KafkaServer.for_session()
    try:
        yield server
    finally:
        server.close()
