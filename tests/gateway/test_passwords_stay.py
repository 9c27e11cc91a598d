"""A password stays in the gateway: a reference goes on in its place, or nothing at all."""

import json

import pytest
from sqlalchemy import select

from gateway.identity.models import Password
from tests.gateway.gate import ADMIN, Gate
from tests.gateway.identity_builders import customer, partner, registered, story

REGISTER = "/v2/partners/sub-customers"
MEMBERS = "/v2/enterprises/multi-accounts/sub-customers"


async def test_a_new_customers_password_stays_and_signs_it_in_later(gate: Gate) -> None:
    key = await story(gate)
    asked = {"domain_name": "new_one", "password": "Geheim#2026", "xaccount_id": "x", "n": 1.50}
    assert (await gate.call(key, "POST", REGISTER, asked)).status == 200
    forwarded = json.loads(gate.echo.body())
    ref = forwarded.pop("credential_ref")
    assert forwarded == {"domain_name": "new_one", "xaccount_id": "x", "n": 1.5}
    assert b"Geheim" not in gate.echo.body()
    assert gate.echo.principal(gate.settings).id == "p1"  # signed over the body as forwarded

    user = {"name": "n-account", "password": "Geheim#2026", "domain": {"name": "n-account"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    assert (await gate.post("/v3/auth/tokens", body)).status == 401
    await gate.feed(registered("n", credential_ref=ref))
    assert (await gate.post("/v3/auth/tokens", body)).status == 201


async def test_a_body_without_password_is_passed_on_unparsed(gate: Gate) -> None:
    key = await story(gate)
    for body in (b'{"domain_name" : "a", "n":1E+2}', b"{}", b""):
        assert (await gate.call(key, "POST", REGISTER, body=body)).status == 200
        assert gate.echo.body() == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"password": "Geheim#2026", "x": NaN}',
        b'{"password": "Geheim#2026", "x": Infinity}',
        b'{"password": "Geheim#2026", "x": %s}' % (b"9" * 5000),
        b'{"password": "Geheim#2026", "x": 1e99999}',
        b'{"password": "Geheim#2026", "password": "Geheim#2027"}',
        b'[{"password": "Geheim#2026"}]',
        b'"password"',
        b'{"password": "Geheim#2026"',
        b'\xef\xbb\xbf{"password": "Geheim#2026"}',
        '{"password": "Geheim#2026"}'.encode("utf-16"),
        b'{"password": "Geheim#2026", "x": "\xff"}',
        b'{"new_sub_customer": [{"password": "Geheim#2026"}]}',
        b'{"new_sub_customer": 1}',
    ],
)
async def test_what_cannot_be_read_might_hold_a_password_and_goes_nowhere(
    gate: Gate, body: bytes
) -> None:
    key = await story(gate)
    paths = [REGISTER, "/api/partners/p1/operators"]
    caller = key
    if b"new_sub_customer" in body:
        await gate.feed(customer())
        caller, paths = await gate.key("c1"), [MEMBERS]
    for path in paths:
        answer = await gate.call(caller, "POST", path, body=body)
        assert (answer.status, answer.code) == (400, "CBC.0100"), path
    assert gate.echo.seen == []


@pytest.mark.parametrize("key_name", ["password", "pass\\u0077ord"])
async def test_a_password_is_found_however_its_key_is_written(gate: Gate, key_name: str) -> None:
    key = await story(gate)
    body = b'{"%s": "Geheim#2026", "credential_ref": "stolen"}' % key_name.encode()
    assert (await gate.call(key, "POST", REGISTER, body=body)).status == 200
    assert b"Geheim" not in gate.echo.body()
    assert json.loads(gate.echo.body())["credential_ref"] != "stolen"


async def test_a_reference_of_the_callers_own_is_taken_out(gate: Gate) -> None:
    key = await story(gate)
    await gate.call(key, "POST", REGISTER, {"credential_ref": "stolen", "password": None})
    assert json.loads(gate.echo.body()) == {}


@pytest.mark.parametrize(
    "password",
    ["", "short1#", "x" * 33 + "1", "lettersonly", "New_One12", "21enO_weN", "a13800000000b"],
)
async def test_a_password_against_the_rules_is_refused_and_nothing_is_kept(
    gate: Gate, password: str
) -> None:
    key = await story(gate)
    asked = {"domain_name": "New_One12", "mobile_phone": "13800000000", "password": password}
    answer = await gate.call(key, "POST", REGISTER, asked)
    assert (answer.status, answer.code) == (400, "CBC.99000036")
    assert gate.echo.seen == []
    async with gate.app.parts.database.transaction() as session:
        assert (await session.scalars(select(Password))).all() == []


async def test_a_password_that_is_no_text_is_a_malformed_field(gate: Gate) -> None:
    key = await story(gate)
    answer = await gate.call(key, "POST", REGISTER, {"password": 12345678})
    assert (answer.status, answer.code) == (400, "CBC.0100")
    assert "password" in answer.content["error_msg"]


async def test_a_members_password_stays_though_it_lies_deeper(gate: Gate) -> None:
    await story(gate)
    key = await gate.key("c1")
    account = {"customer_name": "branch", "password": "Geheim#2026", "credential_ref": "stolen"}
    asked = {"party_id": "1", "new_sub_customer": account}
    assert (await gate.call(key, "POST", MEMBERS, asked)).status == 200
    forwarded = json.loads(gate.echo.body())
    ref = forwarded["new_sub_customer"].pop("credential_ref")
    assert ref != "stolen"
    assert forwarded == {"party_id": "1", "new_sub_customer": {"customer_name": "branch"}}
    await gate.feed(registered("branch", credential_ref=ref, enterprise_master_id="c1"))
    user = {
        "name": "branch-account", "password": "Geheim#2026", "domain": {"name": "branch-account"},
    }  # fmt: skip
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    assert (await gate.post("/v3/auth/tokens", body)).status == 201


@pytest.mark.parametrize("password", ["lettersonly", "Branch_12", "21_hcnarB", "a13800000000b"])
async def test_a_members_password_must_not_give_its_name_or_phone_away(
    gate: Gate, password: str
) -> None:
    await story(gate)
    key = await gate.key("c1")
    account = {"customer_name": "Branch_12", "mobile_phone": "13800000000", "password": password}
    answer = await gate.call(key, "POST", MEMBERS, {"new_sub_customer": account})
    assert (answer.status, answer.code) == (400, "CBC.99000036")
    assert gate.echo.seen == []


@pytest.mark.parametrize("content", [b"{}", b'{"new_sub_customer": null}', b""])
async def test_what_holds_no_account_is_passed_on_for_its_service_to_refuse(
    gate: Gate, content: bytes
) -> None:
    await story(gate)
    key = await gate.key("c1")
    assert (await gate.call(key, "POST", MEMBERS, body=content)).status == 200
    assert gate.echo.body() == content


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (b'"display_name": "\\ud800"', "display_name"),
        (b'"financial_custody": %d' % 10**400, "financial_custody"),
        (b'"other": {"deep": ["\\udfff"]}', "other"),
        (b'"\\ud800": "\\ud800"', "body"),
    ],
)
async def test_what_beside_a_password_cannot_be_written_again_is_refused_by_its_name(
    gate: Gate, wrong: bytes, field: str
) -> None:
    key = await story(gate)
    body = b'{"password": "Geheim#2026", %s}' % wrong
    answer = await gate.call(key, "POST", REGISTER, body=body)
    assert (answer.status, answer.code) == (400, "CBC.0100")
    assert answer.content["error_msg"].rpartition(". ")[2].startswith(f"{field}:")
    assert gate.echo.seen == []
    async with gate.app.parts.database.transaction() as session:
        assert (await session.scalars(select(Password))).all() == []


async def test_a_repeated_idempotency_key_forwards_the_same_bytes(gate: Gate) -> None:
    await gate.feed(partner(), customer())
    headers = {**ADMIN, "Idempotency-Key": "once"}
    asked = {"account_name": "op", "password": "Geheim#2026"}
    for _ in range(2):
        assert (await gate.post("/api/partners/p1/operators", asked, headers)).status == 200
    assert gate.echo.body(0) == gate.echo.body(1)
    other = {"account_name": "op", "password": "Anders#2026"}
    await gate.post("/api/partners/p1/operators", other, headers)
    assert gate.echo.body(2) != gate.echo.body(1)
    async with gate.app.parts.database.transaction() as session:
        assert len((await session.scalars(select(Password))).all()) == 2
