"""Registering partner accounts (docs/domain/partners.md B.1)."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from chassis.database import Database
from contracts.partner import PartnerJoined
from testkit import outbox
from testkit.door import ADMINISTRATOR
from tests.partner.builders import PartnerDoor, a_partner, as_partner, written

NOTHING = (0, 0, 0, 0)


async def test_a_registered_account_has_defaults_and_is_told_to_the_others(
    door: PartnerDoor, database: Database
) -> None:
    """The event carries the whole state, so that any copy can be made of it."""
    account = await door.register(account_name="yunfan", mobile="+86-13800000000")
    assert len(account["partner_id"]) == 32
    assert account["site"] == "china"
    assert account["currency"] == "CNY"
    assert account["status"] == "active"
    assert account["coupon_mode"] == "issue_to_customers"
    assert account["tier"] is None
    assert account["verification_enabled"] is False

    [(event_type, body)] = await outbox.stated(database)
    assert event_type == "partner.joined"
    event = PartnerJoined.model_validate(body)
    assert event.partner_id == event.key == account["partner_id"]
    assert event.account_name == "yunfan"
    assert event.mobile == "+86-13800000000"
    assert event.version == 1
    assert await written(database) == (1, 0, 1, 1)


async def test_the_administrator_may_give_the_id_that_the_upstream_uses(door: PartnerDoor) -> None:
    """A connected deployment knows its account by the upstream's id."""
    account = await door.register(partner_id="ab" * 16, joined_on="2024-03-01T00:00:00Z")
    assert account["partner_id"] == "ab" * 16
    assert account["joined_on"] == "2024-03-01T00:00:00Z"
    found = await door.get(f"/api/partners/{'ab' * 16}")
    assert found.json() == account


async def test_an_account_shows_its_manager_as_a_customer_does(door: PartnerDoor) -> None:
    """Two fields, as in `contracts.customer.Customer`; nothing nested."""
    above = await door.register(kind="distributor")
    manager = {"id": "li_na", "name": "李娜"}
    shown = await door.register(
        kind="reseller", distributor_id=above["partner_id"], account_manager=manager
    )
    assert (shown["account_manager_id"], shown["account_manager_name"]) == ("li_na", "李娜")
    assert "account_manager" not in shown
    assert above["account_manager_id"] is above["account_manager_name"] is None


async def test_an_international_account_has_dollars(door: PartnerDoor) -> None:
    """Site and currency stand on every account (decision 0027)."""
    account = await door.register(site="international")
    assert (account["site"], account["currency"]) == ("international", "USD")


async def test_a_reseller_belongs_to_one_distributor_and_has_its_site(
    door: PartnerDoor, database: Database
) -> None:
    """Tier follows from the kind."""
    above = await door.register(kind="distributor", site="international")
    reseller = await door.register(kind="reseller", distributor_id=above["partner_id"])
    assert (above["tier"], reseller["tier"]) == (1, 2)
    assert reseller["site"] == "international"
    event = PartnerJoined.model_validate((await outbox.stated(database))[1][1])
    assert event.distributor_id == above["partner_id"]
    assert event.tier == 2


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"account_name": None}, "CBC.0100", "account_name"),
        ({"account_name": "9lives"}, "CBC.0100", "account_name"),
        ({"account_name": "a" * 65}, "CBC.0100", "account_name"),
        ({"name": ""}, "CBC.0100", "name"),
        ({"kind": "friend"}, "CBC.0101", "kind"),
        ({"site": "moon"}, "CBC.0101", "site"),
        ({"partner_id": "AB" * 16}, "CBC.0100", "partner_id"),
        ({"partner_id": "ab" * 15}, "CBC.0100", "partner_id"),
        ({"is_test_account": "yes"}, "CBC.0100", "is_test_account"),
        ({"joined_on": "2099-01-01T00:00:00Z"}, "CBC.0100", "joined_on"),
        ({"joined_on": "yesterday"}, "CBC.0100", "joined_on"),
        ({"email": "nobody"}, "CBC.0100", "email"),
        ({"account_manager": {"id": "li"}}, "CBC.0100", "account_manager.name"),
        ({"kind": "reseller"}, "CBC.0100", "distributor_id"),
        ({"kind": "reseller", "distributor_id": "cd" * 16}, "CBC.0101", "distributor_id"),
        ({"kind": "distributor", "distributor_id": "cd" * 16}, "CBC.0100", "distributor_id"),
    ],
)
async def test_a_field_that_is_wrong_is_named_and_nothing_is_written(
    door: PartnerDoor, database: Database, fields: dict[str, Any], code: str, field: str
) -> None:
    """Malformed is CBC.0100, a value that does not exist is CBC.0101 (decision 0019)."""
    answer = await door.post("/api/partners", a_partner(**fields))
    assert answer.status_code == 400
    problem = answer.json()
    assert (problem["code"], problem["refusal_detail"].split(":")[0]) == (code, field)
    assert await written(database) == NOTHING


@pytest.mark.parametrize(
    ("status", "code"), [("restricted", "CBC.50010086"), ("delisted", "CBC.50010065")]
)
async def test_a_distributor_out_of_favour_gets_no_new_reseller(
    door: PartnerDoor, database: Database, status: str, code: str
) -> None:
    """docs/domain/partners.md B.1, restrictions."""
    above = await door.register(kind="distributor", status=status)
    body = a_partner(kind="reseller", distributor_id=above["partner_id"])
    answer = await door.post("/api/partners", body)
    assert answer.json()["code"] == code
    assert await written(database) == (1, 0, 1, 1)


async def test_a_reseller_belongs_to_no_solution_provider(door: PartnerDoor) -> None:
    """Only a tier-1 distributor stands above others."""
    provider = await door.register()
    body = a_partner(kind="reseller", distributor_id=provider["partner_id"])
    answer = await door.post("/api/partners", body)
    assert answer.json()["code"] == "CBC.0101"


async def test_a_reseller_of_another_site_than_its_distributor_is_refused(
    door: PartnerDoor,
) -> None:
    """Its money would have another currency."""
    above = await door.register(kind="distributor")
    body = a_partner(kind="reseller", distributor_id=above["partner_id"], site="international")
    answer = await door.post("/api/partners", body)
    assert (answer.json()["code"], answer.json()["refusal_detail"].split(":")[0]) == (
        "CBC.0101",
        "site",
    )


async def test_an_account_name_is_given_once(door: PartnerDoor, database: Database) -> None:
    """Whoever has it signs in by it."""
    await door.register(account_name="yunfan")
    answer = await door.post("/api/partners", a_partner(account_name="yunfan"))
    assert (answer.status_code, answer.json()["code"]) == (400, "CBC.99000038")
    assert await written(database) == (1, 0, 1, 1)


async def test_an_id_is_given_once(door: PartnerDoor, database: Database) -> None:
    """The account that has it is not overwritten."""
    first = await door.register(partner_id="ab" * 16)
    answer = await door.post("/api/partners", a_partner(partner_id="ab" * 16))
    assert (answer.status_code, answer.json()["code"]) == (409, "CHB.0409")
    assert (await door.get(f"/api/partners/{'ab' * 16}")).json() == first
    assert await written(database) == (1, 0, 1, 1)


async def test_of_many_registrations_of_one_name_at_once_one_succeeds(
    door: PartnerDoor, database: Database
) -> None:
    """The others hear that the name is in use, not that something failed."""
    answers = await asyncio.gather(
        *(door.post("/api/partners", a_partner(account_name="yunfan")) for _ in range(8))
    )
    codes = Counter(answer.json().get("code", "registered") for answer in answers)
    assert codes == {"registered": 1, "CBC.99000038": 7}
    assert await written(database) == (1, 0, 1, 1)


async def test_the_same_request_with_the_same_key_registers_once(
    door: PartnerDoor, database: Database
) -> None:
    """Stripe's contract; another request under the key is refused."""
    body = a_partner()
    first = await door.post("/api/partners", body, key="k-1")
    again = await door.post("/api/partners", body, key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await door.post("/api/partners", a_partner(), key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "CHB.0422")
    assert await written(database) == (1, 0, 1, 1)


async def test_only_the_administrator_registers_and_lists_accounts(
    door: PartnerDoor, database: Database
) -> None:
    """A partner that asks is of the wrong kind."""
    account = await door.register(kind="distributor")
    caller = as_partner(account)
    refused = await door.post("/api/partners", a_partner(), by=caller)
    assert (refused.status_code, refused.json()["code"]) == (403, "CBC.0151")
    listed = await door.get("/api/partners", by=caller)
    assert (listed.status_code, listed.json()["code"]) == (403, "CBC.0151")
    assert await written(database) == (1, 0, 1, 1)


async def test_accounts_are_listed_by_filters_in_pages(door: PartnerDoor) -> None:
    """Each page says after which account the next one starts."""
    above = await door.register(kind="distributor")
    below = {
        (await door.register(kind="reseller", distributor_id=above["partner_id"]))["partner_id"]
        for _ in range(3)
    }
    await door.register(status="restricted")

    first = (await door.get("/api/partners?kind=reseller&limit=2")).json()
    rest = (await door.get(f"/api/partners?kind=reseller&after={first['next']}")).json()
    assert len(first["partners"]) == 2
    assert {p["partner_id"] for p in first["partners"] + rest["partners"]} == below
    assert rest["next"] is None

    restricted = (await door.get("/api/partners?status=restricted")).json()["partners"]
    assert [p["status"] for p in restricted] == ["restricted"]
    of_above = await door.get(f"/api/partners?distributor_id={above['partner_id']}")
    assert {p["partner_id"] for p in of_above.json()["partners"]} == below
    assert (await door.get("/api/partners?limit=201")).json()["code"] == "CBC.0100"


async def test_a_partner_sees_its_own_account_and_no_other(door: PartnerDoor) -> None:
    """The answer is the same whether the other account exists or not."""
    own, other = await door.register(), await door.register()
    caller = as_partner(own)
    assert (await door.get(f"/api/partners/{own['partner_id']}", by=caller)).json() == own
    hidden = await door.get(f"/api/partners/{other['partner_id']}", by=caller)
    unknown = await door.get(f"/api/partners/{'ef' * 16}", by=caller)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "CHB.0404")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "CHB.0404")
    assert (await door.get(f"/api/partners/{other['partner_id']}", by=ADMINISTRATOR)).is_success
