"""Migrated databases for tests: one template per service and session, a copy of it per test."""

import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from chassis.connecting import with_database
from chassis.migrations import migrate
from chassis.settings import ServiceSettings
from testkit.keys import INTERNAL_KEYS
from testkit.servers import PostgresServer

Settings = TypeVar("Settings", bound=ServiceSettings)

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
        self._made: dict[str, ServiceDatabase] = {}

    def of(self, service: str) -> ServiceDatabase:
        """The template of the service (its package's name), migrated once."""
        if service not in self._made:
            template = ServiceDatabase(service, self.server.url, unique_prefix())
            with ThreadPoolExecutor(1) as one_thread:  # the caller's event loop may be running
                one_thread.submit(migrate, service, template.url).result()
            self._made[service] = template
        return self._made[service]

    def copy(self, service: str, prefix: str) -> ServiceDatabase:
        """A fresh database of the service under the prefix."""
        template = self.of(service)
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


def service_database(service: str) -> Callable[..., Iterator[ServiceDatabase]]:
    """A fixture for a `conftest.py`: a fresh database of the service for each test.

    There: `database = service_database("order")`.
    """

    @pytest.fixture
    def fresh_database(service_templates: Templates) -> Iterator[ServiceDatabase]:
        database = service_templates.copy(service, unique_prefix())
        try:
            yield database
        finally:
            service_templates.drop(database)

    return fresh_database
