"""Access keys, permanent and temporary, and what is kept of them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import func, select, text

from chassis.tables import AuditEntry
from chassis.vault import Vault
from contracts.customer import AuthorizationTerminated
from gateway.identity.models import AccessKey
from tests.gateway.gate import ADMIN, AccessPair, Gate
from tests.gateway.identity_builders import (
    acting_key,
    acting_token,
    assume,
    authorization,
    customer,
    operator,
    partner,
    story,
)

KEYS = "/v3.0/OS-CREDENTIAL/credentials"
TEMPORARY = "/v3.0/OS-CREDENTIAL/securitytokens"
BALANCES = "/v2/accounts/partner-accounts/balances"
ORDERS = "/v2/orders/customer-orders"


def asked(user_id: str | None = None, description: str = "") -> dict[str, Any]:
    return {"credential": {"user_id": user_id, "description": description}}


def pair(answer: Any) -> AccessPair:
    made = answer.content["credential"]
    return AccessPair(made["access"], made["secret"], made.get("securitytoken"))


async def kept(gate: Gate) -> int:
    async with gate.app.parts.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(AccessKey)) or 0


# --- permanent


async def test_the_administrator_makes_keys_for_anybody(gate: Gate) -> None:
    await gate.feed(partner(), customer(), operator())
    for user_id in ("p1", "c1", "op1"):
        answer = await gate.admin("POST", KEYS, asked(user_id, "first"))
        assert answer.status == 201
        made = answer.content["credential"]
        assert (made["user_id"], made["status"], made["description"]) == (
            user_id,
            "active",
            "first",
        )
        assert (len(made["access"]), len(made["secret"])) == (20, 40)
        assert (await gate.call(pair(answer), "GET", ORDERS)).status == 200
    assert gate.echo.principal(gate.settings).operator_id == "op1"


@pytest.mark.usefixtures("long_waits")
async def test_a_key_for_a_principal_on_its_way_waits(gate: Gate) -> None:
    waiting = asyncio.create_task(gate.admin("POST", KEYS, asked("p1")))
    await asyncio.sleep(0.2)
    await gate.feed(partner())
    assert (await waiting).status == 201


async def test_a_key_for_nobody_is_refused(gate: Gate) -> None:
    answer = await gate.admin("POST", KEYS, asked("nobody"))
    assert (answer.status, answer.code) == (404, "CHB.0404")


async def test_everybody_makes_keys_for_itself_and_for_nobody_else(gate: Gate) -> None:
    key = await story(gate)
    own = await gate.call(key, "POST", KEYS, asked())
    assert own.status == 201
    assert own.content["credential"]["user_id"] == "p1"
    assert (await gate.call(pair(own), "GET", BALANCES)).status == 200
    for user_id in ("c1", "p2", "administrator"):
        answer = await gate.call(key, "POST", KEYS, asked(user_id))
        assert (answer.status, answer.code) == (403, "CBC.0150")


async def test_a_borrowed_credential_gets_no_lasting_one(gate: Gate) -> None:
    key = await story(gate)
    borrowed = await acting_key(gate, key)
    before = await kept(gate)
    for method, target, body in (
        ("POST", KEYS, asked()),
        ("POST", KEYS, asked("c1")),
        ("GET", KEYS, None),
    ):
        answer = await gate.call(borrowed, method, target, body)
        assert (answer.status, answer.code) == (403, "CBC.0151")
    assert await kept(gate) == before


async def test_keys_are_listed_shown_switched_off_and_deleted_without_their_secret(
    gate: Gate,
) -> None:
    key = await story(gate)
    second = pair(await gate.call(key, "POST", KEYS, asked(None, "second")))
    listed = await gate.call(key, "GET", KEYS)
    assert [one["access"] for one in listed.content["credentials"]] == [key.access, second.access]
    shown = await gate.call(key, "GET", f"{KEYS}/{second.access}")
    assert shown.content["credential"]["description"] == "second"
    assert b"secret" not in listed.raw + shown.raw

    assert (await gate.call(second, "GET", BALANCES)).status == 200
    off = {"credential": {"status": "inactive"}}
    assert (await gate.call(key, "PUT", f"{KEYS}/{second.access}", off)).status == 200
    assert (await gate.call(second, "GET", BALANCES)).code == "APIGW.0301"
    on = {"credential": {"status": "active", "description": "again"}}
    assert (await gate.call(key, "PUT", f"{KEYS}/{second.access}", on)).status == 200
    assert (await gate.call(second, "GET", BALANCES)).status == 200

    gone = await gate.call(key, "DELETE", f"{KEYS}/{second.access}")
    assert (gone.status, gone.raw) == (204, b"")
    assert (await gate.call(second, "GET", BALANCES)).code == "APIGW.0301"
    again = await gate.admin("DELETE", f"{KEYS}/{second.access}")  # no repeat of the signed one
    assert (again.status, again.code) == (404, "CHB.0404")


async def test_somebody_elses_key_does_not_exist(gate: Gate) -> None:
    key = await story(gate)
    await gate.feed(partner("p2"))
    other = await gate.key("p2")
    for method, body in (("GET", None), ("PUT", {"credential": {}}), ("DELETE", None)):
        answer = await gate.call(other, method, f"{KEYS}/{key.access}", body)
        assert (answer.status, answer.code) == (404, "CHB.0404")
    assert (await gate.call(other, "GET", f"{KEYS}?user_id=p1")).code == "CBC.0150"
    listed = await gate.admin("GET", f"{KEYS}?user_id=p1")
    assert [one["access"] for one in listed.content["credentials"]] == [key.access]


async def test_a_holder_has_a_bounded_number_of_keys_also_when_asked_at_once(gate: Gate) -> None:
    await gate.feed(partner())
    answers = await asyncio.gather(*(gate.admin("POST", KEYS, asked("p1")) for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [201] * 10 + [409] * 2
    assert await kept(gate) == 10


async def test_secrets_are_encrypted_and_keys_rotate(gate: Gate) -> None:
    await gate.feed(partner())
    made = pair(await gate.admin("POST", KEYS, asked("p1")))
    async with gate.app.parts.database.transaction() as session:
        rows = (await session.execute(text("SELECT access_keys::text FROM access_keys"))).all()
        key = await session.get_one(AccessKey, made.access)
    assert made.secret not in str(rows)
    assert made.secret.encode().hex() not in str(rows)
    old = gate.settings.keys_at_rest
    rotated = Vault({"new": b"n" * 32, **old})
    assert rotated.open(key.secret_key_id, key.secret, key.access) == made.secret
    assert rotated.seal("s", "a")[0] == "new"
    with pytest.raises(InvalidTag):
        rotated.open(key.secret_key_id, key.secret, "another key's row")


async def test_what_was_done_to_keys_is_audited_without_secrets(gate: Gate) -> None:
    await gate.feed(partner())
    made = pair(await gate.admin("POST", KEYS, asked("p1")))
    await gate.admin("DELETE", f"{KEYS}/{made.access}")
    async with gate.app.parts.database.transaction() as session:
        entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
    assert [entry.action for entry in entries] == ["access_key.create", "access_key.delete"]
    assert {entry.principal for entry in entries} == {"administrator:administrator"}
    assert made.secret not in str([entry.detail for entry in entries])


# --- temporary


async def test_temporary_keys_act_for_the_customer_and_need_their_security_token(
    gate: Gate,
) -> None:
    borrowed = await acting_key(gate, await story(gate))
    assert (await gate.call(borrowed, "GET", ORDERS, headers={"X-Domain-Id": "c1"})).status == 200
    who = gate.echo.principal(gate.settings)
    assert (who.id, who.kind, who.acting_for_partner) == ("c1", "customer", "p1")
    for token in (None, "x" * 64):
        without = AccessPair(borrowed.access, borrowed.secret, token)
        answer = await gate.call(without, "GET", ORDERS)
        assert (answer.status, answer.code) == (401, "APIGW.0301")


async def test_temporary_keys_expire(gate: Gate) -> None:
    borrowed = await acting_key(gate, await story(gate), duration_seconds=900)
    gate.ahead = timedelta(seconds=890)
    assert (await gate.call(borrowed, "GET", ORDERS)).status == 200
    gate.ahead = timedelta(seconds=905)
    answer = await gate.call(borrowed, "GET", ORDERS)
    assert (answer.status, answer.code) == (401, "APIGW.0307")


@pytest.mark.parametrize("seconds", [899, 86401, "900", True])
async def test_a_duration_out_of_range_is_refused(gate: Gate, seconds: Any) -> None:
    key = await story(gate)
    answer = await gate.call(key, "POST", TEMPORARY, assume(duration_seconds=seconds))
    assert (answer.status, answer.code) == (400, "CBC.0100")


async def test_temporary_keys_end_at_once_with_the_grant(gate: Gate) -> None:
    borrowed = await acting_key(gate, await story(gate))
    assert (await gate.call(borrowed, "GET", ORDERS)).status == 200
    await gate.feed(authorization(AuthorizationTerminated, "terminated", version=3))
    answer = await gate.call(borrowed, "GET", ORDERS)
    assert (answer.status, answer.code) == (401, "CBC.0154")


async def test_temporary_keys_by_token_are_the_tokens_principals_and_not_longer_lived(
    gate: Gate,
) -> None:
    key = await story(gate)
    token = await acting_token(gate, key)
    identity = {"methods": ["token"], "token": {"id": token, "duration_seconds": 86400}}
    gate.ahead = timedelta(hours=1)
    answer = await gate.call(key, "POST", TEMPORARY, {"auth": {"identity": identity}})
    assert answer.status == 201
    assert (await gate.call(pair(answer), "GET", ORDERS)).status == 200
    assert gate.echo.principal(gate.settings).acting_for_partner == "p1"
    gate.ahead = timedelta(hours=24, seconds=1)
    assert (await gate.call(pair(answer), "GET", ORDERS)).code == "APIGW.0307"


async def test_nobody_gets_keys_by_somebody_elses_token(gate: Gate) -> None:
    key = await story(gate)
    await gate.feed(partner("p2"))
    token = await acting_token(gate, key)
    identity = {"methods": ["token"], "token": {"id": token}}
    other = await gate.key("p2")
    answer = await gate.call(other, "POST", TEMPORARY, {"auth": {"identity": identity}})
    assert (answer.status, answer.code) == (404, "CHB.0404")
    stolen = {"methods": ["token"], "token": {"id": ADMIN["X-Auth-Token"]}}
    answer = await gate.call(key, "POST", TEMPORARY, {"auth": {"identity": stolen}})
    assert (answer.status, answer.code) == (403, "CBC.0151")


async def test_a_policy_that_would_narrow_the_key_is_refused_rather_than_ignored(
    gate: Gate,
) -> None:
    key = await story(gate)
    body = assume()
    body["auth"]["identity"]["policy"] = {"Version": "1.1", "Statement": []}
    answer = await gate.call(key, "POST", TEMPORARY, body)
    assert (answer.status, answer.code) == (400, "CBC.0100")
