"""The running gateway publishes what may be asked and what is told, and it is all there."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from contracts import STREAMS, contracts
from gateway.forwarding.destinations import Service
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS
from testkit.system import System
from tests.gateway.test_wire_not_yet import SETTINGS, routes, unnamed
from wire.native_routes import native_routes
from wire.operations import INTERNATIONAL, Operation, everything

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def published(system: System, path: str) -> dict[str, Any]:
    answer = httpx.get(system.gateway_url + path, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return dict(answer.json())


@pytest.fixture(scope="session")
def openapi(session_system: System) -> dict[str, Any]:
    """As anybody reads it, without credentials."""
    return published(session_system, "/openapi.json")


def described(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (method.upper(), unnamed(path))
        for path, methods in document["paths"].items()
        for method in methods
    }


def test_it_is_openapi_3_1_and_nobody_is_away(openapi: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(openapi).validate()
    assert openapi["openapi"].startswith("3.1")
    assert "x-away" not in openapi


def test_every_operation_of_both_sites_is_described_with_its_fields(
    openapi: dict[str, Any],
) -> None:
    for one in [*everything().values(), *everything(INTERNATIONAL).values()]:
        said = openapi["paths"][one.path][one.http_method.lower()]
        assert said["operationId"] == one.method_name
        assert said["security"] == [{"signature": []}, {"token": []}]
        parameters = {p["name"] for p in said["parameters"] if "name" in p}
        assert {p.name for p in one.params} <= parameters
        assert {f.name for f in one.body or ()} <= body_fields(said)
        assert str(one.success_status) in said["responses"]


def body_fields(said: dict[str, Any]) -> set[str]:
    if "requestBody" not in said:
        return set()
    schema = said["requestBody"]["content"]["application/json"]["schema"]
    return {name for one in schema.get("anyOf", [schema]) for name in one["properties"]}


def test_a_field_says_its_length_its_range_and_its_values(openapi: dict[str, Any]) -> None:
    listing = openapi["paths"]["/v2/partners/sub-customers/query"]["post"]
    china, _abroad = listing["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    fields = china["properties"]
    limits: Operation = everything()["list_sub_customers"]
    assert fields["limit"] == {"type": "integer", "minimum": 1, "maximum": limits.limit_max}
    assert fields["account_name"] == {"type": "string", "maxLength": 128}
    paying = openapi["paths"]["/v3/orders/customer-orders/pay"]["post"]["requestBody"]
    schema = paying["content"]["application/json"]["schema"]
    assert set(schema["required"]) == {"order_id", "use_coupon", "use_discount"}
    assert schema["properties"]["use_coupon"]["pattern"] == "^(?:(?:YES|NO))$"


def test_every_native_route_is_described(openapi: dict[str, Any]) -> None:
    known = described(openapi)
    secrets = {"admin_token": ADMIN_TOKEN, "encryption_keys": ENCRYPTION_KEYS}
    own = routes(Service.GATEWAY, {**SETTINGS, **secrets})
    assert ("GET", "/api/customers/{}") in own
    assert own <= known
    fits = {(method, path.rsplit("/", 1)[0] + "/{}") for method, path in known}
    for method, path in ((one.method, one.path) for one in native_routes().values()):
        last_open = (method, unnamed(path).rsplit("/", 1)[0] + "/{}")
        assert (method, unnamed(path)) in known or last_open in fits, path


def test_a_native_command_says_its_body(openapi: dict[str, Any]) -> None:
    said = openapi["paths"]["/api/orders"]["post"]
    body = said["requestBody"]["content"]["application/json"]["schema"]
    reference = body["oneOf"][0]["$ref"]  # a purchase; the other one is a renewal
    schema = openapi["components"]["schemas"][reference.rsplit("/", 1)[1]]
    assert {"customer_id", "lines"} <= set(schema["properties"])
    assert said["tags"] == ["order"]


def test_every_event_is_published_under_the_topic_it_is_told_on(session_system: System) -> None:
    document = published(session_system, "/asyncapi.json")
    assert document["asyncapi"] == "3.0.0"
    assert sorted(c["address"] for c in document["channels"].values()) == sorted(
        session_system.topics
    )
    told = {name for stream in STREAMS for name in contracts(stream)}
    assert set(document["components"]["messages"]) == told


def test_no_description_needs_a_second_document(
    session_system: System, openapi: dict[str, Any]
) -> None:
    """Whoever reads what is published has nothing of the repository."""
    said = [*texts(openapi), *texts(published(session_system, "/asyncapi.json"))]
    assert len(said) > 500
    assert [text for text in said if ".md" in text or "decision 0" in text] == []


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, part in node.items():
            if name in ("description", "summary", "title") and isinstance(part, str):
                yield part
            yield from texts(part)
    elif isinstance(node, list):
        for part in node:
            yield from texts(part)
