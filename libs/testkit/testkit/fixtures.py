"""Pytest fixtures (`-p testkit.fixtures`); a server starts when a test first asks for it.

What only some tests need is imported where it is used: the plugin is loaded by every run.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testkit.databases import Templates
    from testkit.servers import KafkaServer, PostgresServer
    from testkit.system import System


def pytest_configure() -> None:
    """Plain log lines: structlog's own default renders a traceback's every local, for minutes."""
    import structlog

    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
    )


@pytest.fixture(autouse=True)
def logs_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where a test sends the logs does not decide where those of the tests after it go."""
    import structlog

    root, before, configure = logging.getLogger(), structlog.get_config(), structlog.configure
    handlers, level = root.handlers[:], root.level

    def configure_for_now(**told: Any) -> None:
        configure(**{**told, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configure_for_now)
    yield
    for handler in set(root.handlers) ^ set(handlers):
        (root.addHandler if handler in handlers else root.removeHandler)(handler)
    root.setLevel(level)
    configure(**before)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    """The session's PostgreSQL."""
    from testkit.servers import PostgresServer

    server = PostgresServer.for_session(in_memory=True)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def kafka_server() -> Iterator["KafkaServer"]:
    """The session's Kafka."""
    from testkit.servers import KafkaServer

    server = KafkaServer.for_session(in_memory=True)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def service_templates(postgres_server: "PostgresServer") -> Iterator["Templates"]:
    """The migrated template databases of the session."""
    from testkit.databases import Templates

    templates = Templates(postgres_server)
    try:
        yield templates
    finally:
        templates.close()


@pytest.fixture(scope="session")
def session_system(
    service_templates: "Templates", kafka_server: "KafkaServer"
) -> Iterator["System"]:
    """All six services as processes, started once; stories on it use customers of their own."""
    from testkit.system import System

    system = System(service_templates, kafka_server)
    try:
        yield system.start()
    finally:
        system.close()


@pytest.fixture
def make_system(
    service_templates: "Templates", kafka_server: "KafkaServer"
) -> Iterator[Callable[..., "System"]]:
    """Start systems that end with the test: `make_system(services=["order"], …)`."""
    from testkit.system import System

    made: list[System] = []

    def make(**options: Any) -> System:
        system = System(service_templates, kafka_server, **options)
        made.append(system)
        return system.start()

    yield make
    for system in made:
        system.close()
