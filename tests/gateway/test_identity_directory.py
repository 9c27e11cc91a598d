"""The directory follows events in any order, twice or not; requests cannot read credentials."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from chassis.identity import Principal
from contracts.customer import CustomerUnlinked
from gateway.identity.known_credentials import KnownCredential, KnownCredentials
from gateway.identity.models import Account, Authorization, Operator
from tests.gateway.gate import Gate
from tests.gateway.identity_builders import (
    authorization,
    customer,
    operator,
    partner,
    registered,
    story,
)

BALANCES = "/v2/accounts/partner-accounts/balances"


async def rows(gate: Gate) -> list[tuple[object, ...]]:
    async with gate.app.parts.database.transaction() as session:
        found: list[tuple[object, ...]] = []
        for table in (Account, Operator, Authorization):
            kept = await session.execute(select(table.__table__).order_by(table.id))
            found += [tuple(row) for row in kept]
        return found


async def test_events_in_any_order_and_twice_end_the_same(gate: Gate) -> None:
    unlinked = customer(kind=CustomerUnlinked, association_status="unlinked", version=3)
    events = [partner(), operator(), registered(), customer(), unlinked, authorization()]
    await gate.feed(*events, *events)
    once = await rows(gate)
    await gate.feed(*reversed(events))
    assert await rows(gate) == once
    assert len(once) == 4
    async with gate.app.parts.database.transaction() as session:
        account = await session.get_one(Account, "c1")
        assert (account.association_status, account.version) == ("unlinked", 3)


async def test_an_accounts_own_limit_survives_its_events(gate: Gate) -> None:
    await gate.feed(partner())
    await gate.admin("PUT", "/api/principals/p1/rate-limit", {"requests_per_second": 500})
    await gate.feed(partner(version=2, name="renamed"))
    async with gate.app.parts.database.transaction() as session:
        assert (await session.get_one(Account, "p1")).requests_per_second == 500


async def test_an_unlinked_customer_keeps_its_own_keys(gate: Gate) -> None:
    await story(gate)
    key = await gate.key("c1")
    await gate.feed(customer(kind=CustomerUnlinked, association_status="unlinked", version=3))
    assert (await gate.call(key, "GET", "/v2/orders/customer-orders")).status == 200


async def test_a_tenants_request_cannot_read_credentials(gate: Gate) -> None:
    await story(gate)
    who = Principal(id="p1", kind="solution_provider", partner_id="*")
    for table in ("access_keys", "tokens", "passwords", "identity_accounts", "used_signatures"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with gate.app.parts.database.transaction_as(who) as session:
                await session.execute(text(f"SELECT * FROM {table}"))


async def test_a_revocation_by_another_replica_is_noticed_within_the_caches_time(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await story(gate)
    cache = gate.app.parts.keyring.known
    assert (await gate.call(key, "GET", BALANCES)).status == 200
    async with gate.app.parts.database.transaction() as session:
        await session.execute(text("DELETE FROM access_keys"))
    assert (await gate.call(key, "GET", BALANCES)).status == 200  # still remembered
    get, later = cache.get, cache._keep_seconds + 1  # passed for the cache alone
    monkeypatch.setattr(cache, "get", lambda name, at: get(name, at + later))
    answer = await gate.call(key, "GET", BALANCES)
    assert (answer.status, answer.code) == (401, "APIGW.0301")


# --- the cache


def known(*, account: str = "p1") -> KnownCredential:
    who = Principal(id=account, kind="solution_provider", partner_id=account)
    return KnownCredential(who, datetime.now(UTC), None)


def test_the_cache_is_bounded_and_forgets_the_least_used() -> None:
    cache = KnownCredentials(2, 5.0)
    cache.put("a", known(), 0.0, 0)
    cache.put("b", known(), 0.0, 0)
    assert cache.get("a", 1.0)
    cache.put("c", known(), 0.0, 0)
    assert cache.get("b", 1.0) is None
    assert cache.get("a", 1.0)
    assert cache.get("a", 5.0) is None


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    cache = KnownCredentials(10, 5.0)
    turn = cache.turn
    cache.end("p1")
    cache.put("old", known(), 0.0, turn)
    cache.put("other", known(account="p2"), 0.0, turn)
    assert cache.get("old", 1.0) is None
    assert cache.get("other", 1.0)
    cache.put("fresh", known(), 0.0, cache.turn)
    assert cache.get("fresh", 1.0)
    cache.end("p1")
    assert cache.get("fresh", 1.0) is None
    assert cache.get("other", 1.0)
