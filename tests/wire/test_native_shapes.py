"""Our own paths say one thing in one shape: what is published, and what is really answered."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.customer import Customer
from tests.contracts.money import IS_AMOUNT, NO_MONEY_IN_ANSWERS
from tests.flows.cast import Caller, eventually
from tests.wire.scene import Scene, adjustment, issue_coupon
from tests.wire.test_published import openapi

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

__all__ = ["openapi"]

AMOUNT = re.compile(r"-?\d+\.\d{2}").fullmatch
PRICE = re.compile(r"\d+\.\d{2,10}").fullmatch
JSON = "application/json"
Json = dict[str, Any]
A_LINE = {
    "line_id": "1", "product_id": "p", "service_type_code": "s", "amount_after_discount": "1.00",
    "currency": "CNY",
}  # fmt: skip


def native(openapi: Json) -> Iterator[tuple[str, Json]]:
    """Each operation below /api with its name."""
    for path, methods in openapi["paths"].items():
        for method, said in methods.items():
            if path.startswith("/api/"):
                yield f"{method.upper()} {path}", said


def answer_of(said: Json) -> Json:
    """The schema of what a success answers; empty where it answers nothing."""
    [success] = [answer for status, answer in said["responses"].items() if status[0] == "2"]
    return dict(success.get("content", {}).get(JSON, {}).get("schema", {}))


def objects(
    openapi: Json, schema: Any, seen: frozenset[str] = frozenset(), model: str = ""
) -> Iterator[tuple[str, Json]]:
    """Every object of a schema, at any depth: its model's name without the service's, its fields.

    What stands within an object and has no name of its own has the object's.
    """
    if isinstance(schema, list):
        for part in schema:
            yield from objects(openapi, part, seen, model)
    if not isinstance(schema, dict):
        return
    if "$ref" in schema and schema["$ref"] not in seen:
        name = schema["$ref"].rsplit("/", 1)[1]
        named, own = openapi["components"]["schemas"][name], name.rpartition(".")[2]
        yield from objects(openapi, named, seen | {schema["$ref"]}, own)
    if "properties" in schema:
        yield model, schema["properties"]
    for part in schema.values():
        if isinstance(part, dict | list):
            yield from objects(openapi, part, seen, model)


def kinds(schema: Json) -> set[str]:
    """The JSON types that a field may have."""
    parts = schema.get("anyOf", [schema])
    said = [part.get("type", "object") for part in parts]
    named = {kind for one in said for kind in (one if isinstance(one, list) else [one])}
    return named - {"null"}


def test_no_amount_is_published_as_a_number_or_without_its_currency(openapi: Json) -> None:
    """Break: take a line from NO_MONEY_IN_ANSWERS, or show an amount as a number."""
    found: set[tuple[str, ...]] = set()
    spared: set[tuple[str, str]] = set()
    amounts = 0
    for name, said in native(openapi):
        body = said.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {})
        for model, fields in objects(openapi, [body, answer_of(said)]):
            called = {(model, field) for field in fields if IS_AMOUNT(field)}
            spared |= called & NO_MONEY_IN_ANSWERS.keys()
            named = [field for _, field in called - NO_MONEY_IN_ANSWERS.keys()]
            amounts += len(named)
            found |= {(name, field) for field in named if kinds(fields[field]) != {"string"}}
            found |= {(name, field, "no currency") for field in named if "currency" not in fields}
    assert found == set()
    assert spared == NO_MONEY_IN_ANSWERS.keys()
    assert amounts > 60


def test_no_answer_is_published_as_an_object_and_no_more(openapi: Json) -> None:
    """Whoever reads the description knows each field."""
    untyped = {
        name
        for name, said in native(openapi)
        if (shape := answer_of(said)) and not any(objects(openapi, shape))
    }
    assert untyped == set()


def bare(value: Any, where: str = "") -> Iterator[str]:
    """The amounts of an answer that are no texts of two decimals beside a currency."""
    if isinstance(value, list):
        for item in value:
            yield from bare(item, f"{where}[]")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from bare(inner, f"{where}.{name}")
            is_use = "measure_id" in value  # in the unit beside it, not in money
            if IS_AMOUNT(name) and inner is not None and not is_use:
                looks = PRICE if name.startswith("price_") else AMOUNT
                if not (isinstance(inner, str) and looks(inner)):
                    yield f"{where}.{name}: {inner!r}"
                if not isinstance(value.get("currency"), str):
                    yield f"{where}.{name}: no currency"


def answers(scene: Scene) -> Iterator[tuple[str, Json]]:
    """What is answered about money, by the operation's name."""
    ours, admin = scene.ours, scene.stage.admin
    partner, customer = ours.partner, ours.customer.id
    yield "GET /api/customers", partner.get("/api/customers?association_status=any")
    yield "GET /api/customers/{customer_id}", partner.get(f"/api/customers/{customer}")
    yield "GET /api/orders/{order_id}", partner.get(f"/api/orders/{ours.paid_order_id}")
    ours.new_request()
    yield "GET /api/payment-requests", partner.get("/api/payment-requests")
    yield "GET /api/resources", partner.get("/api/resources")
    resource = f"/api/resources/{ours.resource_id}"
    yield "GET /api/resources/{resource_id}", partner.get(resource)
    yield "GET /api/resources/{resource_id}/history", partner.get(f"{resource}/history")
    yield "GET /api/quotas", partner.get("/api/quotas")
    quota = f"/api/quotas/{ours.quota_id}"
    yield "GET /api/quotas/{quota_id}", partner.get(quota)
    yield "GET /api/quotas/{quota_id}/statement", partner.get(f"{quota}/statement")
    yield "GET /api/partner-vouchers", admin("GET", "/api/partner-vouchers")
    coupon_id = issue_coupon(partner, ours.quota_id, customer)
    wanted = {"customer_id": customer, "coupon_ids": [coupon_id], "lines": [A_LINE]}
    validations = "/api/coupons/validations"
    yield f"POST {validations}", partner.post(validations, wanted)
    for why in ("history", "explanation"):
        yield (
            f"GET /api/coupons/{{coupon_id}}/{why}",
            partner.get(f"/api/coupons/{coupon_id}/{why}"),
        )
    yield "GET /api/discounts", partner.get("/api/discounts")
    yield "GET /api/products", partner.get("/api/products")
    yield "GET /api/vouchers/proof", admin("GET", "/api/vouchers/proof")
    yield "GET /api/ledger/proof", admin("GET", "/api/ledger/proof")
    wanted = {"partner_id": partner.domain_id, "bill_cycle": "2021-01"}
    asked = admin("POST", "/api/settlements", wanted)
    yield "POST /api/settlements", asked
    settlement = f"/api/settlements/{asked['settlement_id']}"
    yield (
        "GET /api/settlements/{settlement_id}",
        eventually(lambda: partner.get(settlement), lambda told: told["state"] == "published"),
    )
    yield "GET /api/partner-bills", partner.get("/api/partner-bills")
    bill = f"/api/partner-bills/{partner.domain_id}/2021-01"
    yield ("GET /api/partner-bills/{partner_id}/{cycle}/lines", partner.get(f"{bill}/lines"))
    yield (
        "GET /api/partner-bills/{partner_id}/{cycle}/explanation",
        partner.get(f"{bill}/explanation"),
    )
    yield (
        "GET /api/partner-bills/{partner_id}/{cycle}/statements/{kind}",
        partner.get(f"{bill}/statements/partner"),
    )
    for what in ("", "/checklist"):
        yield f"GET /api/cycles/{{cycle}}{what}", admin("GET", f"/api/cycles/2021-01{what}")
    money = {"amount": "1.00", "currency": "CNY"}
    path = f"/api/accounts/{partner.domain_id}"
    yield "POST /api/accounts/{owner_id}/top-ups", admin("POST", f"{path}/top-ups", money)
    yield "POST /api/adjustments", admin("POST", "/api/adjustments", adjustment(scene.ours))
    yield "PUT /api/accounts/{owner_id}/credit-line", admin("PUT", f"{path}/credit-line", money)


def unnamed(openapi: Json, schema: Json, value: Any, where: str = "") -> Iterator[str]:
    """What an answer has, and its description does not, or the other way round."""
    if "$ref" in schema:
        named = openapi["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        yield from unnamed(openapi, named, value, where)
    elif "anyOf" in schema and value is not None:
        (known,) = [part for part in schema["anyOf"] if part.get("type") != "null"]
        yield from unnamed(openapi, known, value, where)
    elif isinstance(value, list):
        for item in value:
            yield from unnamed(openapi, schema["items"], item, f"{where}[]")
    elif isinstance(value, dict) and "properties" in schema:
        fields = schema["properties"]
        yield from (f"{where}.{name}" for name in fields.keys() ^ value.keys())
        for name in fields.keys() & value.keys():
            yield from unnamed(openapi, fields[name], value[name], f"{where}.{name}")
    elif isinstance(value, dict):
        yield f"{where}: an object of any fields"


def test_real_answers_hold_amounts_as_texts_and_just_what_is_published(
    scene: Scene, openapi: Json
) -> None:
    described = {re.sub(r"\{\w+\}", "{}", name): said for name, said in native(openapi)}
    found = {}
    for name, answer in answers(scene):
        schema = answer_of(described[re.sub(r"\{\w+\}", "{}", name)])
        wrong = [*bare(answer), *unnamed(openapi, schema, answer)]
        if wrong:
            found[name] = sorted(set(wrong))
    assert found == {}


def test_a_customer_has_one_shape_wherever_it_is_shown(scene: Scene) -> None:
    partner, customer = scene.ours.partner, scene.ours.customer.id
    changed = patched(partner, customer, {"label": "one shape"})
    told = eventually(lambda: told_of(partner, customer), lambda said: same(said, changed))
    page = partner.get(f"/api/customers/{customer}")
    (listed,) = [
        one
        for one in partner.get("/api/customers?label=one%20shape")["customers"]
        if one["customer_id"] == customer
    ]
    shape = set(Customer.model_fields)
    assert changed.keys() == page["profile"].keys() == shape
    assert shape <= listed.keys()
    assert shape <= told.keys()
    assert page["profile"] == changed
    assert {name: listed[name] for name in shape} == changed


def patched(partner: Caller, customer: str, change: Json) -> Json:
    answer = partner.call("PATCH", f"/api/customers/{customer}", change)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def told_of(partner: Caller, customer: str) -> Json:
    """The data of the newest event about the customer itself."""
    page = partner.get("/api/events?limit=500&types=customer.*")
    told = [one["data"] for one in page["events"] if one["subject"] == customer]
    return dict(told[-1]) if told else {}


def same(told: Json, shown: Json) -> bool:
    return bool(told) and told["version"] == shown["version"]
