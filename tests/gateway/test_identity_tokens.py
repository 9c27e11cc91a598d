"""Tokens: by password, by a partner for its customer, shown, revoked, expired."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from contracts.customer import (
    AuthorizationRefused,
    AuthorizationRequested,
    AuthorizationTerminated,
    CustomerAssociationChanged,
    CustomerUnlinked,
)
from gateway.identity.keep_password import keep_password
from gateway.identity.models import Token
from gateway.identity.prune_credentials import prune_credentials
from tests.gateway.gate import ADMIN, AccessPair, Gate
from tests.gateway.identity_builders import (
    PLATFORM,
    acting_token,
    assume,
    authorization,
    customer,
    operator,
    partner,
    registered,
    story,
)

TOKENS = "/v3/auth/tokens"
BALANCES = "/v2/accounts/partner-accounts/balances"
ORDERS = "/v2/orders/customer-orders"
PASSWORD = "Geheim#2026"


def by_password(name: str, domain: str, password: str = PASSWORD) -> dict[str, Any]:
    user = {"name": name, "password": password, "domain": {"name": domain}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"domain": {"name": domain}}}}


async def with_password(gate: Gate, ref: str = "r1") -> str:
    hashed = await gate.app.parts.keyring.passwords.hash(PASSWORD)
    async with gate.app.parts.database.transaction() as session:
        await keep_password(session, ref, hashed)
    return ref


async def operators_token(gate: Gate, **given: Any) -> str:
    await gate.feed(partner(), operator(credential_ref=await with_password(gate), **given))
    answer = await gate.post(TOKENS, by_password("op1-name", "p1-account"))
    assert answer.status == 201
    return answer.headers["x-subject-token"]


# --- by password


async def test_an_operator_signs_in_and_carries_its_items(gate: Gate) -> None:
    token = await operators_token(gate, permissions=["A", "B"])
    assert (await gate.send("GET", BALANCES, headers={"X-Auth-Token": token})).status == 200
    who = gate.echo.principal(gate.settings)
    assert (who.id, who.kind, who.operator_id) == ("p1", "solution_provider", "op1")
    assert who.permissions == {"A", "B"}


async def test_a_customer_signs_in_with_the_password_it_was_made_with(gate: Gate) -> None:
    await gate.feed(registered(credential_ref=await with_password(gate)))
    answer = await gate.post(TOKENS, by_password("c1-account", "c1-account"))
    assert answer.status == 201
    token = answer.content["token"]
    assert token["user"] == {
        "id": "c1",
        "name": "c1-account",
        "domain": {"id": "c1", "name": "c1-account"},
        "password_expires_at": "",
    }
    assert token["methods"] == ["password"]
    assert token["expires_at"] > token["issued_at"]


@pytest.mark.parametrize(
    ("name", "domain", "password"),
    [
        ("op1-name", "p1-account", "Falsch#2026"),
        ("nobody", "p1-account", PASSWORD),
        ("op1-name", "p2-account", PASSWORD),
        ("p1-account", "p1-account", PASSWORD),
    ],
)
async def test_a_wrong_password_or_name_is_refused_in_the_same_words(
    gate: Gate, name: str, domain: str, password: str
) -> None:
    await operators_token(gate)
    answer = await gate.post(TOKENS, by_password(name, domain, password))
    assert (answer.status, answer.code) == (401, "CHB.0401")
    assert answer.content["error_msg"] == "The account name or the password is wrong."
    assert "x-subject-token" not in answer.headers


async def test_guessing_a_password_is_slowed_down_and_success_forgives(gate: Gate) -> None:
    await operators_token(gate)
    # In one window whatever the time is: a minute is counted by the clock.
    gate.frozen = (gate.now() + timedelta(minutes=1)).replace(second=1, microsecond=0)
    answers = []
    for _ in range(22):
        gate.ahead += timedelta(milliseconds=200)
        answers.append(
            await gate.post(TOKENS, by_password("op1-name", "p1-account", "Falsch#2026"))
        )
    assert {answer.code for answer in answers[:20]} == {"CHB.0401"}
    assert (answers[-1].status, answers[-1].code) == (429, "APIGW.0308")
    gate.ahead += timedelta(minutes=1)
    assert (await gate.post(TOKENS, by_password("op1-name", "p1-account"))).status == 201


async def test_a_disabled_operator_cannot_sign_in(gate: Gate) -> None:
    token = await operators_token(gate)
    await gate.feed(operator(status="disabled", version=2))
    answer = await gate.post(TOKENS, by_password("op1-name", "p1-account"))
    assert (answer.status, answer.code) == (401, "CHB.0401")
    used = await gate.send("GET", BALANCES, headers={"X-Auth-Token": token})
    assert (used.status, used.code) == (401, "CBC.0154")


async def test_a_password_is_bound_once_whatever_event_names_it_later(gate: Gate) -> None:
    await operators_token(gate)
    await gate.feed(registered(credential_ref="r1"))
    answer = await gate.post(TOKENS, by_password("c1-account", "c1-account"))
    assert (answer.status, answer.code) == (401, "CHB.0401")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "auth"),
        ({"auth": {"identity": {"methods": ["password"]}}}, "auth.identity.password"),
        ({"auth": {"identity": {"methods": []}}}, "auth.identity.methods"),
        (by_password("x" * 129, "d"), "auth.identity.password.user.name"),
        (by_password("n", ""), "auth.identity.password.user.domain.name"),
    ],
)
async def test_a_missing_or_over_long_field_is_named(
    gate: Gate, body: dict[str, Any], field: str
) -> None:
    answer = await gate.post(TOKENS, body)
    assert (answer.status, answer.code) == (400, "CBC.0100")
    assert answer.content["error_msg"].endswith(field)


async def test_an_unknown_method_is_no_such_value(gate: Gate) -> None:
    answer = await gate.post(TOKENS, {"auth": {"identity": {"methods": ["totp"]}}})
    assert (answer.status, answer.code) == (400, "CBC.0101")


# --- for a customer


async def test_a_partner_acts_for_its_customer_by_an_exchanged_token(gate: Gate) -> None:
    token = await acting_token(gate, await story(gate))
    assert (await gate.send("GET", ORDERS, headers={"X-Auth-Token": token})).status == 200
    who = gate.echo.principal(gate.settings)
    assert (who.id, who.kind, who.partner_id) == ("c1", "customer", "p1")
    assert who.acting_for_partner == "p1"


@pytest.mark.parametrize(
    "asked",
    [
        assume("c2"),  # somebody else's
        assume("c3"),  # a referral customer
        assume("c9"),  # nobody
        assume("c1", agency_name="another-platform"),
    ],
)
async def test_who_may_not_be_assumed_is_refused_the_same_whether_it_exists_or_not(
    gate: Gate, asked: dict[str, Any]
) -> None:
    key = await story(gate)
    await gate.feed(
        customer("c2", partner_id="p2"),
        authorization(customer_id="c2", partner_id="p2"),
        customer("c3", association_type="1"),
        authorization(customer_id="c3"),
    )
    answer = await gate.call(key, "POST", TOKENS, asked)
    assert (answer.status, answer.code) == (403, "CBC.0150")


@pytest.mark.parametrize(
    "grant",
    [
        None,
        authorization(AuthorizationRequested, "requested", version=1),
        authorization(AuthorizationRefused, "refused"),
        authorization(AuthorizationTerminated, "terminated", version=3),
    ],
)
async def test_without_an_active_authorization_nobody_is_assumed(gate: Gate, grant: Any) -> None:
    await gate.feed(partner(), customer(), *([grant] if grant else []))
    answer = await gate.call(await gate.key("p1"), "POST", TOKENS, assume())
    assert (answer.status, answer.code) == (403, "CHB.1001")
    async with gate.app.parts.database.transaction() as session:
        assert (await session.scalars(select(Token))).all() == []


@pytest.mark.usefixtures("long_waits")
async def test_an_exchange_waits_for_a_customer_that_is_still_on_its_way(gate: Gate) -> None:
    await gate.feed(partner())
    key = await gate.key("p1")
    waiting = asyncio.create_task(gate.call(key, "POST", TOKENS, assume()))
    await asyncio.sleep(0.2)
    await gate.feed(customer(), authorization(AuthorizationRequested, "requested", version=1))
    await asyncio.sleep(0.1)
    await gate.feed(authorization())
    assert (await waiting).status == 201


async def test_callers_that_wait_hold_no_connection_that_others_need(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.copies.WAIT_SECONDS", 8.0)
    key = await story(gate)
    await gate.admin("PUT", "/api/principals/p1/rate-limit", {"requests_per_second": 1000})
    waiting = [
        asyncio.create_task(gate.call(key, "POST", TOKENS, assume("nobody"))) for _ in range(60)
    ]
    await asyncio.sleep(0.5)
    other = await gate.key("c1")
    async with asyncio.timeout(5):
        assert (await gate.call(other, "GET", ORDERS)).status == 200
    assert not any(task.done() for task in waiting)
    assert {answer.status for answer in await asyncio.gather(*waiting)} == {403}


async def test_only_partners_exchange_and_an_exchanged_token_gets_no_further(gate: Gate) -> None:
    key = await story(gate)
    customers = await gate.key("c1")
    token = await acting_token(gate, key)
    for answer in (
        await gate.call(customers, "POST", TOKENS, assume()),
        await gate.post(TOKENS, assume(), {"X-Auth-Token": token}),
        await gate.post(TOKENS, assume(), ADMIN),
    ):
        assert (answer.status, answer.code) == (403, "CBC.0151")
    nobody = await gate.post(TOKENS, assume())
    assert (nobody.status, nobody.code) == (401, "CBC.0154")


@pytest.mark.parametrize(
    "ending",
    [
        authorization(AuthorizationTerminated, "terminated", version=3),
        customer(kind=CustomerUnlinked, association_status="unlinked", version=3),
        customer(kind=CustomerAssociationChanged, association_type="1", version=3),
    ],
)
async def test_an_exchanged_token_ends_at_once_with_grant_or_association(
    gate: Gate, ending: Any
) -> None:
    token = {"X-Auth-Token": await acting_token(gate, await story(gate))}
    assert (await gate.send("GET", ORDERS, headers=token)).status == 200
    await gate.feed(ending)
    answer = await gate.send("GET", ORDERS, headers=token)
    assert (answer.status, answer.code) == (401, "CBC.0154")
    assert len(gate.echo.seen) == 1


# --- shown, revoked, expired


async def test_a_token_is_kept_only_as_a_hash(gate: Gate) -> None:
    token = await operators_token(gate)
    async with gate.app.parts.database.transaction() as session:
        kept = await session.execute(text("SELECT tokens::text FROM tokens"))
        assert token not in str(kept.all())


async def test_a_token_is_shown_to_its_own_principal_and_the_administrator_only(
    gate: Gate,
) -> None:
    key = await story(gate)
    await gate.feed(partner("p2"))
    token = await acting_token(gate, key)
    other = await gate.key("p2")
    subject = {"X-Subject-Token": token}
    for answer in (
        await gate.call(key, "GET", TOKENS, headers=subject),
        await gate.send("GET", TOKENS, headers={**subject, "X-Auth-Token": token}),
        await gate.send("GET", TOKENS, headers={**subject, **ADMIN}),
    ):
        assert answer.status == 200
        assert answer.content["token"]["user"]["id"] == "c1"
        assert answer.content["token"]["assumed_by"]["user"]["id"] == "p1"
    customers = await gate.key("c1")
    answer = await gate.call(other, "GET", TOKENS, headers=subject)
    assert (answer.status, answer.code) == (404, "CHB.0404")
    assert (await gate.call(customers, "GET", TOKENS, headers=subject)).status == 200
    missing = await gate.call(key, "GET", TOKENS)
    assert (missing.status, missing.code) == (400, "CBC.0100")


async def test_a_revoked_token_is_refused_at_once_and_the_keys_made_by_it_too(gate: Gate) -> None:
    token = await operators_token(gate)
    mine = {"X-Auth-Token": token}
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}
    made = await gate.post("/v3.0/OS-CREDENTIAL/securitytokens", body, mine)
    assert made.status == 201
    given = made.content["credential"]
    key = AccessPair(given["access"], given["secret"], given["securitytoken"])
    assert (await gate.call(key, "GET", BALANCES)).status == 200
    revoked = await gate.send("DELETE", TOKENS, headers={**mine, "X-Subject-Token": token})
    assert (revoked.status, revoked.raw) == (204, b"")
    answer = await gate.send("GET", BALANCES, headers=mine)
    assert (answer.status, answer.code) == (401, "CBC.0154")
    assert (await gate.call(key, "GET", BALANCES)).status == 401


async def test_an_expired_token_is_told_to_be_expired_and_an_unknown_one_to_be_unknown(
    gate: Gate,
) -> None:
    mine = {"X-Auth-Token": await operators_token(gate)}
    gate.ahead = timedelta(hours=23, minutes=59)
    assert (await gate.send("GET", BALANCES, headers=mine)).status == 200
    gate.ahead = timedelta(hours=24, seconds=1)
    answer = await gate.send("GET", BALANCES, headers=mine)
    assert (answer.status, answer.code) == (401, "APIGW.0307")
    unknown = await gate.send("GET", BALANCES, headers={"X-Auth-Token": "x" * 64})
    assert (unknown.status, unknown.code) == (401, "CBC.0154")
    await prune_credentials(gate.app.parts.database, gate.now() + timedelta(days=8))
    async with gate.app.parts.database.transaction() as session:
        assert (await session.scalars(select(Token))).all() == []


async def test_an_expired_token_is_neither_shown_nor_revoked_nor_exchanged(gate: Gate) -> None:
    token = await operators_token(gate)
    gate.ahead = timedelta(hours=24)  # the instant itself is over
    own = {"X-Auth-Token": token}
    assert (await gate.send("GET", BALANCES, headers=own)).code == "APIGW.0307"
    subject = {"X-Subject-Token": token, **ADMIN}
    for method in ("GET", "DELETE"):
        answer = await gate.send(method, TOKENS, headers=subject)
        assert (answer.status, answer.code) == (404, "CHB.0404")
    key = await gate.key("p1", "op1")
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}
    answer = await gate.call(key, "POST", "/v3.0/OS-CREDENTIAL/securitytokens", body)
    assert (answer.status, answer.code) == (404, "CHB.0404")


async def test_a_customer_may_be_named_by_its_id_and_must_be_named(gate: Gate) -> None:
    key = await story(gate)
    body = assume(domain_name=None, domain_id="c1", agency_name=PLATFORM)
    assert (await gate.call(key, "POST", TOKENS, body)).status == 201
    neither = assume(domain_name=None)
    answer = await gate.call(key, "POST", TOKENS, neither)
    assert (answer.status, answer.code) == (400, "CBC.0100")
