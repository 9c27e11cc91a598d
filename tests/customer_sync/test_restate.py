"""Customers, authorizations and applications stated again are what was stated last."""

from typing import Any

import pytest

from chassis.database import Database
from chassis.identity import Principal
from customer_sync.association.restate_applications import APPLICATIONS
from customer_sync.authorizations.restate_authorizations import AUTHORIZATIONS
from customer_sync.customers.restate_customers import CUSTOMERS
from testkit import outbox
from tests.customer_sync.builders import SELLER, CustomerDoor, customer_itself
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres


async def _stated(door: CustomerDoor, stream: str) -> list[dict[str, Any]]:
    return [body for kind, body in await outbox.stated(door.database) if kind.startswith(stream)]


async def test_customers_are_stated_as_updated_with_all_they_have(
    door: CustomerDoor, database: Database
) -> None:
    ids = [await door.create() for _ in range(4)]
    await door.unlink(ids[0])
    changes = {"label": "gold", "account_manager": {"id": "m1", "name": "Li Lei"}}
    assert (await door.patch(f"/api/customers/{ids[1]}", changes, SELLER)).is_success
    before = await _stated(door, "customer.")
    anew = await restated(database, CUSTOMERS)
    assert {event.TYPE for event in anew} == {"customer.updated"}
    assert differences(anew, before) == {}
    assert await _stated(door, "customer.") == before


async def test_authorizations_are_stated_by_their_state(
    door: CustomerDoor, database: Database
) -> None:
    ends = {}
    for deeds in ([], ["grant"], ["refuse"], ["grant", "terminate"]):
        customer_id = await door.create()
        asked = await door.post(f"/api/customers/{customer_id}/authorizations", {})
        authorization_id = asked.json()["authorization_id"]
        for deed in deeds:
            who = Principal(id=customer_id, kind="customer", partner_id="sp1")
            path = f"/api/authorizations/{authorization_id}/{deed}"
            assert (await door.post(path, {}, who)).is_success
        ends[authorization_id] = deeds[-1] if deeds else "request"
    anew = await restated(database, AUTHORIZATIONS)
    assert differences(anew, await _stated(door, "authorization.")) == {}
    said = {"request": "requested", "grant": "granted", "refuse": "refused",
            "terminate": "terminated"}  # fmt: skip
    assert {event.subject: event.TYPE for event in anew} == {
        known: f"authorization.{said[end]}" for known, end in ends.items()
    }


async def test_applications_are_stated_by_their_state(
    door: CustomerDoor, database: Database
) -> None:
    ends = {}
    for answer in (None, "agree", "refuse", "withdraw"):
        customer_id = await door.create()
        applied = await door.post(f"/api/customers/{customer_id}/unlinking")
        application_id = applied.json()["application_id"]
        if answer:
            who = SELLER if answer == "withdraw" else customer_itself(customer_id)
            path = f"/api/association-applications/{application_id}/{answer}"
            assert (await door.post(path, None, who)).is_success
        ends[application_id] = "requested" if answer is None else "decided"
    anew = await restated(database, APPLICATIONS)
    assert differences(anew, await _stated(door, "association.")) == {}
    assert {event.subject: event.TYPE for event in anew} == {
        known: f"association.change_{end}" for known, end in ends.items()
    }
