"""The list of what nobody answers yet says what the services say, and only shrinks."""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from chassis.parts import Parts, ServiceApp
from chassis.settings import ServiceSettings
from gateway.forwarding.destinations import Service
from gateway.not_yet import NOT_YET
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS, INTERNAL_KEYS
from wire.operations import INTERNATIONAL, Operation, everything

NOT_YET_MAX = 0  # lower it with every operation that is struck from the list
OPERATIONS: dict[str, Operation] = {**everything(INTERNATIONAL), **everything()}
SETTINGS: dict[str, Any] = {
    "database_url": "postgresql://nobody@127.0.0.1:1",
    "kafka_bootstrap_servers": "127.0.0.1:1",
    "internal_keys": INTERNAL_KEYS,
    "bus_enabled": False,
}
UPSTREAM = {
    "upstream_url": "http://127.0.0.1:1",
    "upstream_ak": "ak",
    "upstream_sk": "sk",
    "upstream_domain_id": "d",
}


def routes(service: Service, given: dict[str, Any] = SETTINGS) -> set[tuple[str, str]]:
    """Method and path template of every route of a service; parameters lose their names."""
    paths: dict[str, dict[str, Any]] = built(service, given).openapi()["paths"]
    return {
        (method.upper(), unnamed(path)) for path, methods in paths.items() for method in methods
    }


def built(service: Service, given: dict[str, Any] = SETTINGS) -> ServiceApp[Parts]:
    """The service's application, put together and not started."""
    app = import_module(f"{service.value.replace('-', '_')}.app")
    kinds = [kind for kind in vars(app).values() if _is_settings(kind)]
    settings = (kinds or [ServiceSettings])[0]
    told = {name: value for name, value in given.items() if name in settings.model_fields}
    made: ServiceApp[Parts] = app.build(settings(**told))
    return made


@pytest.mark.parametrize("service", list(Service))
def test_no_list_of_a_native_request_is_without_a_bound(service: Service) -> None:
    """As the published description says: `maxItems` on every list of a body or query."""
    given = SETTINGS | {"admin_token": ADMIN_TOKEN, "encryption_keys": ENCRYPTION_KEYS}
    described = built(service, given).openapi()
    schemas = described.get("components", {}).get("schemas", {})

    def unbounded(schema: dict[str, Any], of: str, seen: frozenset[str]) -> Iterator[str]:
        name = schema.get("$ref", "").rpartition("/")[2]
        if name in seen:
            return
        schema = schemas[name] if name else schema
        if schema.get("type") == "array" and "maxItems" not in schema:
            yield of
        inner = dict(schema.get("properties", {}))
        if "items" in schema:
            inner["[]"] = schema["items"]
        for other in ("anyOf", "oneOf", "allOf"):
            inner |= {f"{other}{n}": part for n, part in enumerate(schema.get(other, ()))}
        for part, value in inner.items():
            if isinstance(value, dict):
                yield from unbounded(value, f"{of}.{part}", seen | {name} - {""})

    found: list[str] = []
    wire = {unnamed(one.path) for one in OPERATIONS.values()}  # bounded by their table
    for path, methods in described["paths"].items():
        if unnamed(path) in wire:
            continue
        for method, one in methods.items():
            content = one.get("requestBody", {}).get("content", {})
            bodies = [kind.get("schema", {}) for kind in content.values()]
            queries = [p["schema"] for p in one.get("parameters", ())]
            for schema in bodies + queries:
                found += unbounded(schema, f"{method.upper()} {path}", frozenset())
    assert found == []


def _is_settings(kind: object) -> bool:
    return (
        isinstance(kind, type) and issubclass(kind, ServiceSettings) and kind is not ServiceSettings
    )


def unnamed(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


Answered = dict[Service, set[tuple[str, str]]]
OTHERS = [service for service in Service if service is not Service.GATEWAY]


@pytest.fixture(scope="module")
def answered() -> Answered:
    """What each service answers as the authority."""
    return {service: routes(service) for service in OTHERS}


def test_every_operation_is_answered_by_its_service_or_listed(answered: Answered) -> None:
    missing = {
        name
        for name, operation in OPERATIONS.items()
        if (operation.http_method, unnamed(operation.path))
        not in answered[Service(operation.service)]
    }
    sys.stdout.write(f"not yet answered: {len(NOT_YET)} of {len(OPERATIONS)}\n")
    sys.stdout.write("".join(f"  {name}\n" for name in sorted(NOT_YET)))
    assert missing - NOT_YET == set(), "nobody answers these: the gateway would say 404"
    assert NOT_YET - missing == set(), "these are answered now: strike them from gateway.not_yet"


def test_the_list_only_shrinks() -> None:
    assert len(NOT_YET) <= NOT_YET_MAX
