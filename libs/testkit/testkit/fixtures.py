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


SET = ("", "aiokafka", "asyncio", "uvicorn.error")  # the loggers whose level chassis.logs sets


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

    from chassis import logs

    for kept in ("_handler", "_service"):  # a command's would write to a stream that is closed
        monkeypatch.setattr(logs, kept, getattr(logs, kept))
    root, before, configure = logging.getLogger(), structlog.get_config(), structlog.configure
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in SET}

    def configure_for_now(**told: Any) -> None:
        configure(**{**told, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configure_for_now)
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    configure(**before)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event is under way in most tests: what names the unknown waits for it only shortly."""
    monkeypatch.setattr("chassis.copies.WAIT_SECONDS", 0.1)


@pytest.fixture
def long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event comes, however slowly: who names its thing waits longer than a busy machine."""
    monkeypatch.setattr("chassis.copies.WAIT_SECONDS", 30.0)


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
