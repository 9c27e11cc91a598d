"""What a page of the feed holds of each event: what its reader may read, and nothing else."""

from typing import Any

import orjson
import pytest
from sqlalchemy import update

from contracts import STREAMS, contracts
from contracts.event import Event
from contracts.order import OrderPaid, OrderPaymentFailed
from gateway.portfolio.models import FeedRow
from gateway.portfolio.project_events import project_events
from tests.contracts.samples import sample
from tests.contracts.withheld import (
    FROM_CUSTOMERS,
    FROM_PARTNERS,
    PAYERS,
    UNTOLD_TO_CUSTOMERS,
    with_currency,
    without_payers_parts,
)
from tests.gateway import identity_builders
from tests.gateway.gate import Gate
from tests.gateway.portfolio_builders import order

pytestmark = pytest.mark.postgres

EVERY = [known for stream in STREAMS for known in contracts(stream).values()]
Pages = dict[str, dict[str, Any]]


def whole(contract: type[Event], **fields: Any) -> Event:
    """Of customer c1 of partner p1, itself a reseller of d1; every field is filled."""
    known: dict[str, Any] = {
        "partner_id": "p1",
        "distributor_id": "d1",
        "customer_id": "c1",
        "owner_id": "c1",
        "owner_kind": "customer",
        "paying_agent_id": None,
        "paying_partner_id": None,
        "payer_id": None,
    }
    return sample(contract, **{**known, **fields})


async def project(gate: Gate, *events: Event) -> None:
    await gate.feed(
        identity_builders.partner("d1", kind="distributor"),
        identity_builders.partner("p1", kind="reseller", distributor_id="d1"),
        identity_builders.customer("c1"),
    )
    async with gate.app.parts.database.transaction() as session:
        await project_events(session, events)


async def read(gate: Gate, account: str, query: str = "?limit=500") -> Pages:
    """The data of each event by its type."""
    answer = await gate.call(await gate.key(account), "GET", f"/api/events{query}")
    assert answer.status == 200, answer.raw
    assert answer.content["has_more"] is False
    return {event["type"]: event["data"] for event in answer.content["events"]}


def without(event: Event, hidden: frozenset[str]) -> dict[str, Any]:
    body = event.model_dump(mode="json")
    told = {name: value for name, value in body.items() if name not in hidden}
    return {name: with_currency(value, body.get("currency")) for name, value in told.items()}


async def test_partners_and_their_distributors_read_all_but_internal_references(
    gate: Gate,
) -> None:
    events = [whole(contract) for contract in EVERY]
    await project(gate, *events)
    expected = {event.TYPE: without(event, FROM_PARTNERS) for event in events}
    assert await read(gate, "p1") == expected
    assert await read(gate, "d1") == expected


async def test_a_customer_reads_the_facts_about_itself(gate: Gate) -> None:
    events = [whole(contract) for contract in EVERY]
    await project(gate, *events)
    assert await read(gate, "c1") == {
        event.TYPE: without(event, FROM_CUSTOMERS)
        for event in events
        if event.TYPE not in UNTOLD_TO_CUSTOMERS
    }


async def test_a_member_does_not_read_what_its_master_paid_with(gate: Gate) -> None:
    events = [whole(known, paying_agent_id="m1", payer_id="m1") for known in EVERY]
    await project(gate, *events)
    told = await read(gate, "c1")
    for event in events:
        if event.TYPE in PAYERS:
            left = without(event, FROM_CUSTOMERS | PAYERS[event.TYPE])
            expected = {name: without_payers_parts(value) for name, value in left.items()}
            assert told[event.TYPE] == expected
    of_partner = await read(gate, "p1")
    assert of_partner[OrderPaid.TYPE]["coupons"]
    assert of_partner[OrderPaymentFailed.TYPE]["reason_code"]


async def test_the_administrator_reads_whole_bodies(gate: Gate) -> None:
    events = [whole(contract) for contract in EVERY]
    await project(gate, *events)
    answer = await gate.admin("GET", "/api/events?limit=500")
    found = {event["type"]: event["data"] for event in answer.content["events"]}
    assert found == {event.TYPE: event.model_dump(mode="json") for event in events}


async def test_a_customer_that_asks_for_untold_types_finds_nothing(gate: Gate) -> None:
    await project(gate, *[whole(contract) for contract in EVERY])
    assert await read(gate, "c1", "?types=sync.*,partner.*,voucher.quota_granted") == {}


async def test_fields_that_no_contract_knows_are_not_shown(gate: Gate) -> None:
    """A newer service states them before this gateway knows who may read them."""
    stated = order("o1")
    await project(gate, stated)
    body = stated.model_dump(mode="json")
    line = whole(OrderPaid).model_dump(mode="json")["lines"][0]
    newer = body | {"margin": "0.30", "lines": [line | {"cost": "70.00"}]}
    async with gate.app.parts.database.transaction() as session:
        await session.execute(update(FeedRow).values(body=orjson.dumps(newer)))
    for account in ("c1", "p1"):
        data = (await read(gate, account))["order.created"]
        assert "margin" not in data
        assert data["lines"] == [line | {"currency": body["currency"]}]
