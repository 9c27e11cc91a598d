"""The copies that order keeps of other services' things."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from chassis.database import Database
from contracts.customer import (
    AuthorizationGranted,
    AuthorizationTerminated,
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerFrozen,
    CustomerRegistered,
    CustomerUnfrozen,
    CustomerUnlinked,
    CustomerUpdated,
    CustomerVerified,
)
from contracts.event import Event
from contracts.partner import PartnerJoined
from order.copies import Authorization, Customer, Partner
from testkit.clock import NOON
from testkit.door import Door
from tests.order.builders import PARTNER, hear, line, place

pytestmark = pytest.mark.postgres


def customer(contract: type[Event], version: int, **more: Any) -> Event:
    state = {
        "occurred_at": NOON,
        "partner_id": "p1",
        "version": version,
        "customer_id": "c1",
        "account_name": "an_account",
        "site": "china",
        "currency": "CNY",
        "association_type": "2",
        "association_status": "associated",
        "registered_at": NOON,
        **more,
    }
    return contract(**state)


def grant(contract: type[Event], version: int, status: str) -> Event:
    return contract.model_validate(
        {
            "occurred_at": NOON + timedelta(seconds=version),
            "partner_id": "p1",
            "version": version,
            "authorization_id": "g1",
            "customer_id": "c1",
            "status": status,
            "requested_at": NOON,
        }
    )


async def one(database: Database, table: Any) -> Any:
    async with database.transaction() as session:
        return (await session.scalars(select(table))).one()


async def test_a_customer_is_kept_as_its_newest_fact_says_whatever_arrives_again(
    database: Database,
) -> None:
    registered = customer(CustomerRegistered, 1, association_status="pending")
    associated = customer(CustomerAssociated, 2)
    changed = customer(CustomerAssociationChanged, 3, association_type="1")
    await hear(database, registered, associated, registered)
    assert (await one(database, Customer)).association_status == "associated"
    await hear(database, changed, associated, changed)
    known = await one(database, Customer)
    assert (known.association_type, known.version) == ("1", 3)
    unlinked = customer(CustomerUnlinked, 5, association_status="unlinked")
    await hear(database, unlinked, unlinked, customer(CustomerUpdated, 4, label="late"))
    assert (await one(database, Customer)).association_status == "unlinked"


async def test_a_grant_is_kept_even_before_its_customer_is_known(database: Database) -> None:
    granted = grant(AuthorizationGranted, 2, "active")
    await hear(database, granted, granted)
    assert (await one(database, Authorization)).status == "active"
    await hear(database, grant(AuthorizationTerminated, 3, "terminated"), granted)
    assert (await one(database, Authorization)).status == "terminated"


async def test_what_was_heard_is_enough_to_order(door: Door, database: Database) -> None:
    await hear(database, grant(AuthorizationGranted, 2, "active"), customer(CustomerAssociated, 1))
    await place(door, "c1")
    await hear(database, grant(AuthorizationTerminated, 3, "terminated"))
    body = {"customer_id": "c1", "lines": [line()]}
    answer = await door.post("/api/orders", body, PARTNER)
    assert answer.json()["code"] == "CHB.1001"


async def test_a_partner_is_kept_with_the_distributor_above_it(database: Database) -> None:
    joined = PartnerJoined(
        occurred_at=NOON,
        partner_id="r1",
        distributor_id="d1",
        version=1,
        name="Reseller",
        account_name="reseller",
        kind="reseller",
        site="china",
        currency="CNY",
        status="active",
        joined_on=NOON,
    )
    await hear(database, joined, joined)
    known = await one(database, Partner)
    assert (known.partner_id, known.distributor_id, known.kind) == ("r1", "d1", "reseller")


async def test_freezing_verification_and_letting_go_are_copied(database: Database) -> None:
    await hear(database, customer(CustomerAssociated, 1), customer(CustomerFrozen, 2, is_frozen=2))
    assert (await one(database, Customer)).is_frozen == 2
    await hear(database, customer(CustomerVerified, 3, is_frozen=2, verified_status="2"))
    assert (await one(database, Customer)).is_frozen == 2
    await hear(database, customer(CustomerUnfrozen, 4), customer(CustomerFrozen, 2, is_frozen=2))
    known = await one(database, Customer)
    assert (known.is_frozen, known.version) == (0, 4)
