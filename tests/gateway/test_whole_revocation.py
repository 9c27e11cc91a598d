"""What was exchanged by a credential ends with it, on every replica, and nothing revives it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from contracts.customer import AuthorizationTerminated, CustomerAssociated, CustomerUnlinked
from contracts.partner import PartnerOperatorChanged
from gateway.identity.keep_password import keep_password
from gateway.identity.lineage import hold_line, key_name
from gateway.identity.models import AccessKey, Token
from testkit.databases import ServiceDatabase
from tests.gateway.gate import ADMIN, AccessPair, Answer, Gate, open_gate
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
from tests.gateway.test_identity_tokens import PASSWORD, by_password, operators_token

TOKENS = "/v3/auth/tokens"
KEYS = "/v3.0/OS-CREDENTIAL/credentials"
SECURITY_TOKENS = "/v3.0/OS-CREDENTIAL/securitytokens"
LIVING = "/api/temporary-credentials"
BALANCES = "/v2/accounts/partner-accounts/balances"
ORDERS = "/v2/orders/customer-orders"


async def key_of(gate: Gate, token: str) -> AccessPair:
    """Temporary keys of a token's principal."""
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}
    made = await gate.post(SECURITY_TOKENS, body, {"X-Auth-Token": token})
    assert made.status == 201, made.raw
    given = made.content["credential"]
    return AccessPair(given["access"], given["secret"], given["securitytoken"])


async def works(gate: Gate, *held: AccessPair | str) -> list[bool]:
    """Whether each credential still gets in; acting ones and others alike may list orders."""
    said = []
    for one in held:
        while (answer := await _ask(gate, one)).status == 429:
            await asyncio.sleep(0.2)
        assert answer.status in (200, 401), answer.raw
        said.append(answer.status == 200)
    return said


async def _ask(gate: Gate, held: AccessPair | str) -> Answer:
    if isinstance(held, str):
        return await gate.send("GET", ORDERS, headers={"X-Auth-Token": held})
    return await gate.call(held, "GET", ORDERS)


async def line_of(gate: Gate) -> list[AccessPair | str]:
    """A password token, a key by it, an acting token by that, and an acting key by that one."""
    await gate.feed(customer(), authorization())
    token = await operators_token(gate)
    key = await key_of(gate, token)
    acting = await acting_token(gate, key)
    below, beside = await key_of(gate, acting), await acting_key(gate, key)
    line: list[AccessPair | str] = [token, key, acting, below, beside]
    assert await works(gate, *line) == [True] * 5
    return line


async def test_all_that_came_from_a_token_ends_with_it(gate: Gate) -> None:
    line = await line_of(gate)
    mine = {"X-Auth-Token": str(line[0]), "X-Subject-Token": str(line[0])}
    assert (await gate.send("DELETE", TOKENS, headers=mine)).status == 204
    assert await works(gate, *line) == [False] * 5


async def test_what_a_credential_came_from_outlives_it(gate: Gate) -> None:
    line = await line_of(gate)
    mine = {"X-Auth-Token": str(line[0]), "X-Subject-Token": str(line[2])}
    assert (await gate.send("DELETE", TOKENS, headers=mine)).status == 204
    assert await works(gate, *line) == [True, True, False, False, True]


@pytest.mark.parametrize("ending", ["delete", "switch off"])
async def test_all_that_came_from_a_permanent_key_ends_with_it(gate: Gate, ending: str) -> None:
    key = await story(gate)
    token = await acting_token(gate, key)
    acting: list[AccessPair | str] = [token, await acting_key(gate, key)]
    below = await key_of(gate, token)
    path = f"{KEYS}/{key.access}"
    if ending == "delete":
        assert (await gate.call(key, "DELETE", path)).status == 204
    else:
        off = {"credential": {"status": "inactive"}}
        assert (await gate.call(key, "PUT", path, off)).status == 200
        on = {"credential": {"status": "active"}}
        assert (await gate.admin("PUT", path, on)).status == 200
        assert await works(gate, key) == [True]
    assert await works(gate, *acting, below) == [False] * 3


async def test_a_disabled_operator_comes_back_with_nothing_that_it_had_exchanged(
    gate: Gate,
) -> None:
    line = await line_of(gate)
    await gate.feed(operator("op1", status="disabled", version=2))
    assert await works(gate, *line) == [False] * 5
    again = operator("op1", version=3, status="active")
    changed = PartnerOperatorChanged.model_validate(again.model_dump() | {"credential_ref": None})
    await gate.feed(changed)
    assert await works(gate, *line) == [False] * 5
    assert (await gate.post(TOKENS, by_password("op1-name", "p1-account"))).status == 201


async def test_a_new_password_ends_what_the_old_one_got(gate: Gate) -> None:
    line = await line_of(gate)
    permanent = await gate.key("p1", "op1")
    hashed = await gate.app.parts.keyring.passwords.hash("Anders#2027")
    async with gate.app.parts.database.transaction() as session:
        await keep_password(session, "r2", hashed)
    told = operator("op1", version=2).model_dump() | {"credential_ref": "r2"}
    await gate.feed(PartnerOperatorChanged.model_validate(told))
    assert await works(gate, *line, permanent) == [False] * 5 + [True]
    old = await gate.post(TOKENS, by_password("op1-name", "p1-account", PASSWORD))
    assert (old.status, old.code) == (401, "CHB.0401")
    new = await gate.post(TOKENS, by_password("op1-name", "p1-account", "Anders#2027"))
    assert new.status == 201


@pytest.mark.parametrize(
    ("ending", "again"),
    [
        (
            [authorization(AuthorizationTerminated, "terminated", version=3)],
            [authorization(authorization_id="a2")],
        ),
        (
            [customer(kind=CustomerUnlinked, association_status="unlinked", version=3)],
            [customer(kind=CustomerAssociated, version=4)],
        ),
        (
            [customer(partner_id="p2", version=3)],
            [customer(version=4)],
        ),
    ],
)
async def test_a_grant_given_anew_revives_nothing(
    gate: Gate, ending: list[Any], again: list[Any]
) -> None:
    key = await story(gate)
    token = await acting_token(gate, key)
    acting: list[AccessPair | str] = [token, await acting_key(gate, key)]
    below = await key_of(gate, token)
    own = await gate.key("c1")
    await gate.feed(*ending)
    assert await works(gate, *acting, below, own) == [False] * 3 + [True]
    await gate.feed(*again)
    assert await works(gate, *acting, below) == [False] * 3
    assert await works(gate, await acting_token(gate, key), key) == [True, True]


async def test_nothing_outlives_what_it_was_exchanged_by(gate: Gate) -> None:
    await gate.feed(customer(), authorization())
    key = await key_of(gate, await operators_token(gate))  # 15 minutes
    acting = await acting_token(gate, key)
    gate.ahead = timedelta(minutes=14)
    assert await works(gate, acting) == [True]
    gate.ahead = timedelta(minutes=16)
    assert await works(gate, acting) == [False]


async def test_an_end_waits_for_an_exchange_that_is_under_way_and_ends_it(gate: Gate) -> None:
    key = await story(gate)
    database, now = gate.app.parts.database, gate.now()
    async with database.transaction() as session:
        await hold_line(session, [key_name(key.access)], now)  # as an exchange does
        ending = asyncio.create_task(gate.call(key, "DELETE", f"{KEYS}/{key.access}"))
        done, _ = await asyncio.wait([ending], timeout=0.5)
        assert not done
        session.add(
            Token(hash="h", account_id="c1", acting_partner_id="p1", method="assume_role",
                  issued_at=now, expires_at=now + timedelta(hours=1),
                  ancestors=[key_name(key.access)])
        )  # fmt: skip
    assert (await ending).status == 204
    async with database.transaction() as session:
        assert (await session.get_one(Token, "h")).revoked_at is not None


async def test_exchanges_race_the_end_of_their_key_and_none_survives(gate: Gate) -> None:
    key = await story(gate)
    await gate.admin("PUT", "/api/principals/p1/rate-limit", {"requests_per_second": 1000})
    racing = [gate.call(key, "POST", TOKENS, assume()) for _ in range(8)]
    racing.insert(4, gate.call(key, "DELETE", f"{KEYS}/{key.access}"))
    answers = await asyncio.gather(*racing)
    tokens = [a.headers["x-subject-token"] for a in answers if a.status == 201]
    assert await works(gate, *tokens) == [False] * len(tokens)
    async with gate.app.parts.database.transaction() as session:
        living = select(Token.hash).where(Token.revoked_at.is_(None))
        assert (await session.scalars(living)).all() == []


async def test_another_replica_refuses_within_the_age_of_its_cache(
    gateway_store: ServiceDatabase,
) -> None:
    async with (
        open_gate(gateway_store, credential_cache_seconds=1.0) as one,
        open_gate(gateway_store, credential_cache_seconds=1.0) as other,
    ):
        key = await story(one)
        acting = await acting_token(one, key)
        assert await works(other, key, acting) == [True, True]
        assert (await one.call(key, "DELETE", f"{KEYS}/{key.access}")).status == 204
        assert await works(one, key, acting) == [False, False]
        async with asyncio.timeout(10):
            while await works(other, acting) != [False]:
                await asyncio.sleep(0.1)
        assert await works(other, key) == [False]


# --- listed and ended


async def listed(gate: Gate, key: AccessPair, query: str = "") -> list[dict[str, Any]]:
    answer = await gate.call(key, "GET", LIVING + query)
    assert answer.status == 200, answer.raw
    credentials: list[dict[str, Any]] = answer.content["credentials"]
    return credentials


async def test_what_lives_is_listed_to_those_whose_it_is(gate: Gate) -> None:
    key = await story(gate)
    await gate.feed(partner("p2"), operator("op1"), operator("op2"))
    acting, acting_pair = await acting_token(gate, key), await acting_key(gate, key)
    operators, others = await gate.key("p1", "op1"), await gate.key("p1", "op2")
    await acting_token(gate, operators)
    assert len(await listed(gate, key)) == 3
    assert {one["kind"] for one in await listed(gate, key)} == {"token", "temporary_key"}
    assert [one["operator_id"] for one in await listed(gate, operators)] == ["op1"]
    assert await listed(gate, others) == await listed(gate, await gate.key("p2")) == []
    assert len(await listed(gate, await gate.key("c1"))) == 3
    assert (await gate.call(acting_pair, "GET", LIVING)).code == "CBC.0151"
    admins = await gate.send("GET", f"{LIVING}?account_id=p1", headers=ADMIN)
    assert len(admins.content["credentials"]) == 3
    assert (await gate.send("GET", LIVING, headers=ADMIN)).code == "CBC.0100"
    for one in await listed(gate, key):
        assert acting not in str(one)
        assert (one["account_id"], one["acting_for_partner"]) == ("c1", "p1")
        assert set(one) == {
            "id", "kind", "account_id", "operator_id", "acting_for_partner", "issued_at",
            "expires_at",
        }  # fmt: skip
    first = await gate.call(key, "GET", f"{LIVING}?limit=2")
    rest = await listed(gate, key, f"?after={first.content['next']}")
    assert first.content["credentials"] + rest == await listed(gate, key)


async def test_one_of_them_is_ended_with_all_below_it(gate: Gate) -> None:
    key = await story(gate)
    await gate.feed(partner("p2"), operator("op2"))
    acting = await acting_token(gate, key)
    below, other = await key_of(gate, acting), await acting_token(gate, key)
    async with gate.app.parts.database.transaction() as session:
        under = select(AccessKey.ancestors).where(AccessKey.access == below.access)
        token_id = (await session.scalars(under)).one()[-1].removeprefix("token:")
    path = f"{LIVING}/{token_id}"
    for stranger in (await gate.key("p2"), await gate.key("p1", "op2")):
        refused = await gate.call(stranger, "DELETE", path)
        assert (refused.status, refused.code) == (404, "CHB.0404")
    assert await works(gate, acting, below, other) == [True] * 3
    assert (await gate.call(await gate.key("c1"), "DELETE", path)).status == 204
    assert await works(gate, acting, below, other) == [False, False, True]
    assert (await gate.call(key, "DELETE", path)).status == 404
    assert (await gate.call(key, "DELETE", f"{LIVING}/{key.access}")).status == 404
    assert await works(gate, key) == [True]
