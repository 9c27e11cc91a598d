"""A changed byte anywhere in what is signed makes the request somebody else's.

Bytes are sent as they are, over a bare socket. What the vendor's algorithm itself reads alike
(`%2F` and `/`, another spelling of an escape, a slash at the end) is no change.
"""

import asyncio
import json
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from sqlalchemy import func, select

from gateway.identity.models import UsedSignature
from testkit.databases import ServiceDatabase, service_database
from tests.gateway.gate import AccessPair, Gate, open_gate
from tests.gateway.identity_builders import partner, story
from tests.wire.requests import body_of, target_of
from tests.wire.table import least
from wire.operations import operations
from wire.signature import sign_headers

SEEDS = range(6)
CHANGES_PER_PART = 12
OUR_OWN = (
    "/api/orders", "/api/orders/quotes", "/api/orders/CS1/price-adjustment", "/api/order-jobs",
    "/api/resources/refund-quotes", "/api/resources/renewal-quotes", "/api/discounts",
)  # fmt: skip
BYTES = [byte for byte in range(0x21, 0x7F)] + [0xC3, 0xFF]

gateway_store = service_database("gateway")


@dataclass(frozen=True)
class Raw:
    """A request as it stands on the wire."""

    method: bytes
    path: bytes
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def bytes(self) -> bytes:
        target = self.path + (b"?" + self.query if self.query else b"")
        lines = [self.method + b" " + target + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self.headers]
        lines += [b"Content-Length: %d" % len(self.body), b"Connection: close"]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


def signed(gate: Gate, key: AccessPair, method: str, target: str, body: bytes) -> Raw:
    headers = {"Content-Type": "application/json", "X-Domain-Id": "p1", "X-Language": "en_US"}
    url = gate.url + target
    out = sign_headers(method, url, headers, body, key.access, key.secret, datetime.now(UTC))
    path, _, query = target.encode().partition(b"?")
    pairs = tuple((name.encode(), value.encode()) for name, value in out.items())
    return Raw(method.encode(), path, query, pairs, body)


async def exchange(gate: Gate, raw: Raw) -> int:
    """The status that the bytes are answered with."""
    port = int(gate.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw.bytes())
    await writer.drain()
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


def change(chance: random.Random, value: bytes, forbidden: bytes = b"") -> bytes:
    """The value with one byte replaced, added or taken away."""
    at = chance.randrange(len(value))
    fresh = bytes([chance.choice([b for b in BYTES if b not in forbidden])])
    kept = value[at + 1 :]
    changed = chance.choice([fresh + kept, fresh + value[at : at + 1] + kept, kept])
    return value[:at] + changed


def flipped(value: bytes) -> list[bytes]:
    """The value with each of its bytes changed, one at a time."""
    return [value[:at] + bytes([byte ^ 1]) + value[at + 1 :] for at, byte in enumerate(value)]


def pairs_of(query: bytes) -> list[tuple[bytes, ...]]:
    cut = [piece.replace(b"+", b" ").partition(b"=") for piece in query.split(b"&") if piece]
    return sorted((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in cut)


def meaning(raw: Raw) -> tuple[object, ...]:
    """What the vendor's algorithm signs, in our own few words."""
    named = tuple((name.lower(), value.strip()) for name, value in raw.headers)
    path = unquote_to_bytes(raw.path).rstrip(b"/")
    return raw.method, path, pairs_of(raw.query), named, raw.body


def mutations(raw: Raw, chance: random.Random) -> list[Raw]:
    found = []
    for _ in range(CHANGES_PER_PART):
        found.append(replace(raw, path=b"/" + change(chance, raw.path[1:], b"?#")))
        if raw.query:
            found.append(replace(raw, query=change(chance, raw.query, b"#")))
        if raw.body:
            found.append(replace(raw, body=change(chance, raw.body)))
        at = chance.randrange(len(raw.headers))
        name, value = raw.headers[at]
        pair = (name, change(chance, value))
        found.append(replace(raw, headers=(*raw.headers[:at], pair, *raw.headers[at + 1 :])))
    return [one for one in found if meaning(one) != meaning(raw)]


async def used(gate: Gate) -> int:
    async with gate.app.parts.database.transaction() as session:
        return int(await session.scalar(select(func.count()).select_from(UsedSignature)) or 0)


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_changed_byte_is_refused_and_nothing_is_forwarded(
    gateway_store: ServiceDatabase, seed: int
) -> None:
    chance = random.Random(seed)
    async with open_gate(gateway_store) as gate:
        await story(gate)
        key = await gate.key("p1")
        originals = [
            signed(gate, key, "POST", "/v2/accounts/partner-accounts/adjust-amount",
                   b'{"customer_id": "c1", "amount": 100.10}'),
            signed(gate, key, "GET", "/v2/orders/customer-orders?limit=10&order_by=-createTime"
                   "&order_id=CS%201%25", b""),
            signed(gate, key, "GET", "/v2/orders/customer-orders/details/CS%2B1?limit=5", b""),
        ]  # fmt: skip
        changed = [one for raw in originals for one in mutations(raw, chance)]
        assert len(changed) > 2 * CHANGES_PER_PART * len(originals)
        # Another path is no operation, or bytes that are no HTTP; both before anybody is believed.
        statuses = {await exchange(gate, one) for one in changed}
        assert 401 in statuses
        assert statuses <= {401, 404, 400}
        assert gate.echo.seen == []
        assert await used(gate) == 0
        assert [await exchange(gate, raw) for raw in originals] == [200, 200, 200]
        assert len(gate.echo.seen) == 3


async def test_only_a_path_or_bytes_that_are_no_http_are_refused_otherwise_than_by_401(
    gateway_store: ServiceDatabase,
) -> None:
    """Every single byte of query and body, and of every signed value, changed once."""
    async with open_gate(gateway_store) as gate:
        await gate.feed(partner())
        key = await gate.key("p1")
        raw = signed(gate, key, "POST", "/v2/partners/sub-customers/query?b=2&a=%E6%B5%8B",
                     b'{"limit": 10}')  # fmt: skip
        changed = [replace(raw, body=other) for other in flipped(raw.body)]
        changed += [replace(raw, query=other) for other in flipped(raw.query) if b"#" not in other]
        for one in changed:
            if meaning(one) != meaning(raw):
                assert await exchange(gate, one) == 401, one
        for at, (name, value) in enumerate(raw.headers):
            other = bytes([value[0] ^ 1]) + value[1:]
            pairs = (*raw.headers[:at], (name, other), *raw.headers[at + 1 :])
            assert await exchange(gate, replace(raw, headers=pairs)) == 401, name
        assert gate.echo.seen == []


async def test_each_operation_and_our_own_paths_refuse_a_changed_byte(
    gateway_store: ServiceDatabase,
) -> None:
    """Break: believe a signature whatever the method, or leave the body out of what is hashed."""
    chance = random.Random(1)
    asked: list[tuple[str, str, Any]] = []
    for operation in operations().values():
        told = least(operation.fields)
        target, content = target_of(operation, told), body_of(operation, told)
        asked.append((operation.http_method, target, content))
    asked += [("POST", path, {"customer_id": "c1", "kind": "renew"}) for path in OUR_OWN]
    async with open_gate(gateway_store) as gate:
        await story(gate)
        key = await gate.key("p1")
        for method, target, content in asked:
            body = b"" if content is None else json.dumps(content).encode()
            raw = signed(gate, key, method, target, body)
            assert await exchange(gate, raw) != 401, (method, target)
            seen = len(gate.echo.seen)
            at = chance.randrange(len(raw.headers))
            name, value = raw.headers[at]
            pairs = (*raw.headers[:at], (name, change(chance, value)), *raw.headers[at + 1 :])
            changed = [replace(raw, headers=pairs)]
            changed += [replace(raw, body=change(chance, body))] if body else []
            changed += [replace(raw, query=change(chance, raw.query, b"#"))] if raw.query else []
            for one in changed:
                if meaning(one) != meaning(raw):
                    assert await exchange(gate, one) in (400, 401), (one, target)
            assert len(gate.echo.seen) == seen, target


async def test_what_the_algorithm_reads_alike_is_accepted(gateway_store: ServiceDatabase) -> None:
    async with open_gate(gateway_store) as gate:
        await gate.feed(partner())
        key = await gate.key("p1")
        raw = signed(gate, key, "GET", "/v2/orders/customer-orders?order_id=CS%2d1&limit=5", b"")
        for query in (b"limit=5&order_id=CS%2D1", b"order_id=CS-1&limit=5"):
            assert await exchange(gate, replace(raw, query=query)) == 200
