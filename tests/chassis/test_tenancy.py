"""A distributor's reseller: found, awaited and refused in one way, whichever operation names it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import httpx
import pytest

from chassis import copies
from chassis.database import Database
from chassis.identity import HEADER, Principal, sign_identity
from gateway.forwarding.destinations import Service
from gateway.not_yet import NOT_YET
from testkit.databases import Templates, unique_prefix
from testkit.keys import INTERNAL_KEYS
from tests.customer_sync.builders import partner_joined
from tests.gateway.test_wire_not_yet import OPERATIONS, built
from tests.wire.requests import body_of, target_of
from tests.wire.table import least
from wire.operations import Operation

pytestmark = pytest.mark.postgres

# The partner service owns the accounts: it has no copy to wait for.
WITH_COPIES = [Service.CUSTOMER_SYNC, Service.ORDER, Service.VOUCHER, Service.BILLING]
NOT_ITS_OWN = (400, "CBC.99000037")


def naming_a_reseller(service: Service) -> Iterator[Operation]:
    """Every operation of the service that takes a reseller's id."""
    for name, one in OPERATIONS.items():
        names = {part.name for part in (*(one.body or ()), *one.query)}
        is_answered = one.service == service and name not in NOT_YET
        if is_answered and "indirect_partner_id" in names:
            yield one


@dataclass
class Asked:
    """A service with its copies, as a distributor asks it.

    `waiting` is set when a request begins to wait; `come` says that nothing more will come.
    """

    client: httpx.AsyncClient
    database: Database
    keys: dict[str, bytes]
    keep_partner: Any
    waits: int = 0
    come: bool = False
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def know(self, partner_id: str, above: str | None) -> None:
        kind = "reseller" if above else "distributor"
        event = partner_joined(partner_id, kind, distributor_id=above)
        async with self.database.transaction() as session:
            await self.keep_partner(session, event)

    async def ask(self, one: Operation, reseller: str) -> tuple[int, str | None]:
        site = "china" if "china" in one.sites else "international"
        distributor = Principal("d1", "distributor", "d1", site=site)
        fields = [*(one.body or ()), *one.query, *one.path_fields]
        values = least(tuple(fields)) | {"indirect_partner_id": reseller}
        target, body = target_of(one, values), body_of(one, values)
        content = b"" if body is None else json.dumps(body).encode()
        signed = sign_identity(self.keys, distributor, one.http_method, target, content)
        headers = {HEADER: signed, "Content-Type": "application/json"}
        answer = await self.client.request(
            one.http_method, target, content=content, headers=headers
        )
        return answer.status_code, answer.json().get("error_code") if answer.content else None


@pytest.fixture(params=WITH_COPIES)
async def asked(
    request: pytest.FixtureRequest,
    service_templates: Templates,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Asked]:
    service: Service = request.param
    package = service.replace("-", "_")
    store = service_templates.copy(package, unique_prefix())
    given = {
        "database_url": store.server_url, "database_prefix": store.prefix,
        "kafka_bootstrap_servers": "127.0.0.1:1", "internal_keys": INTERNAL_KEYS,
        "bus_enabled": False,
    }  # fmt: skip
    app = built(service, given)
    keep_partner = import_module(f"{package}.keep_copies").keep_partner
    pauses = copies.pauses

    def counted(*asked: Any) -> Iterator[float]:
        made.waits += 1
        made.waiting.set()
        return iter(()) if made.come else pauses(*asked)

    monkeypatch.setattr(copies, "pauses", counted)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        made = Asked(client, app.parts.database, app.parts.settings.keys, keep_partner)
        await made.know("d1", None)
        await made.know("d2", None)
        await made.know("theirs", "d2")
        yield made
    await app.parts.database.close()
    service_templates.drop(store)


async def test_a_strangers_reseller_and_nobodys_are_refused_after_the_same_wait(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(copies, "WAIT_SECONDS", 0.05)
    operations = list(naming_a_reseller(request.node.callspec.params["asked"]))
    assert operations
    for one in operations:
        for reseller in ("theirs", "nobody"):
            before = asked.waits
            assert await asked.ask(one, reseller) == NOT_ITS_OWN, (one.method_name, reseller)
            assert asked.waits - before == 1, (one.method_name, reseller)


async def test_a_reseller_that_has_just_joined_is_waited_for(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(copies, "WAIT_SECONDS", 20)
    for number, one in enumerate(naming_a_reseller(request.node.callspec.params["asked"])):
        asked.waiting.clear()
        asked.come = False
        asking = asyncio.create_task(asked.ask(one, f"new{number}"))
        await asyncio.wait_for(asked.waiting.wait(), 20)
        asked.come = True
        await asked.know(f"new{number}", "d1")
        assert await asking != NOT_ITS_OWN, one.method_name
