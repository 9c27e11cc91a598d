"""Migrated databases for tests: one template per service and session, a copy of it per test."""

import itertools
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, event

from chassis.connecting import with_database
from chassis.database import Database
from chassis.migrations import migrate
from chassis.settings import ServiceSettings
from testkit.keys import INTERNAL_KEYS
from testkit.servers import PostgresServer, blocking

Settings = TypeVar("Settings", bound=ServiceSettings)
Fill = Callable[[Database], Awaitable[None]]  # what every copy of a template has from the start

_serial = itertools.count(1)


def unique_prefix() -> str:
    """A name that no other test and no other session on the same server has."""
    return f"t{os.getpid()}_{next(_serial)}_{secrets.token_hex(2)}_"


@dataclass(frozen=True)
class ServiceDatabase:
    """A migrated database of one service."""

    service: str
    server_url: str
    prefix: str

    @property
    def name(self) -> str:
        """As the service would name it."""
        return f"{self.prefix}{self.service}"

    @property
    def url(self) -> str:
        """As the service's settings would name it."""
        return with_database(self.server_url, self.name)

    def settings(self, kind: type[Settings], **given: Any) -> Settings:
        """Settings of the service for this database; without Kafka unless one is given."""
        told: dict[str, Any] = {
            "database_url": self.server_url,
            "database_prefix": self.prefix,
            "kafka_bootstrap_servers": "127.0.0.1:1",
            "bus_enabled": "kafka_bootstrap_servers" in given,
            "internal_keys": INTERNAL_KEYS,
        }
        return kind(**{**told, **given})


class Templates:
    """The session's migrated templates, made when a test first asks for a service."""

    def __init__(self, server: PostgresServer):
        self.server = server
        self.statements: dict[str, list[str]] = {}  # by which each service was migrated
        self._made: dict[tuple[str, Fill | None], ServiceDatabase] = {}

    def of(self, service: str, fill: Fill | None = None) -> ServiceDatabase:
        """The template of the service (its package's name), migrated and filled once."""
        key = (service, fill)
        if key not in self._made:
            self._made[key] = self._filled(service, fill) if fill else self._migrated(service)
        return self._made[key]

    def _migrated(self, service: str) -> ServiceDatabase:
        template = ServiceDatabase(service, self.server.url, unique_prefix())
        said: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            said.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            with ThreadPoolExecutor(1) as one_thread:  # the caller's event loop may be running
                one_thread.submit(migrate, service, template.url).result()
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        self.statements[service] = said
        return template

    def _filled(self, service: str, fill: Fill) -> ServiceDatabase:
        template = self.copy(service, unique_prefix())

        async def run() -> None:
            database = Database(template.settings(ServiceSettings), service)
            await fill(database)
            await database.close()

        blocking(run())
        return template

    def copy(self, service: str, prefix: str, fill: Fill | None = None) -> ServiceDatabase:
        """A fresh database of the service under the prefix."""
        template = self.of(service, fill)
        copied = ServiceDatabase(service, self.server.url, prefix)
        self.server.create_database(copied.name, template.name)
        return copied

    def drop(self, *databases: ServiceDatabase) -> None:
        """Remove copies."""
        for database in databases:
            self.server.drop_database(database.name)

    def close(self) -> None:
        """Remove the templates."""
        self.drop(*self._made.values())


def service_database(
    service: str, fill: Fill | None = None
) -> Callable[..., Iterator[ServiceDatabase]]:
    """A fixture for a `conftest.py`: a fresh database of the service for each test.

    There: `database = service_database("order")`; with `fill`, what all of its tests start from is
    written once, into the template.
    """

    @pytest.fixture
    def fresh_database(service_templates: Templates) -> Iterator[ServiceDatabase]:
        database = service_templates.copy(service, unique_prefix(), fill)
        try:
            yield database
        finally:
            service_templates.drop(database)

    return fresh_database
