"""Who is an enterprise master, and the units of its organisation."""

from dataclasses import replace
from typing import Any

import pytest

from chassis.database import Database
from chassis.identity import Principal
from customer_sync.enterprise import add_organization
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    OTHER_SELLER,
    SELLER,
    CustomerDoor,
    customer_itself,
)
from tests.customer_sync.enterprise_builders import (
    MASTERS_PHONE,
    MEMBERS,
    NAMED,
    ORGANIZATIONS,
    PHONE,
    SEND_SMS,
    UNITS,
    a_master,
    a_member,
    a_unit,
    an_account,
    an_enterprise,
    make_master,
    root_of,
    verify,
    written,
)

pytestmark = pytest.mark.postgres


async def units(
    door: CustomerDoor, master: Principal, query: str = "recursive_query=0"
) -> dict[str, Any]:
    answer = await door.get(f"{ORGANIZATIONS}?{query}", master)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_verified_enterprise_becomes_a_master_with_a_root_and_that_is_stated(
    door: CustomerDoor,
) -> None:
    master = await a_master(door)
    kind, body = (await outbox.stated(door.database))[-1]
    assert (kind, body["customer_id"], body["is_enterprise_master"]) == (
        "customer.updated", master.id, True,
    )  # fmt: skip
    shown = await units(door, master)
    assert shown.keys() == {"root_id", "child_nodes"}  # a root without a name has none
    assert shown["root_id"].isdigit()
    assert len(shown["root_id"]) <= 20
    assert shown["child_nodes"] == []
    named = await a_master(door, name="集团")
    assert (await units(door, named))["root_name"] == "集团"


async def test_who_is_no_associated_verified_enterprise_becomes_no_master(
    door: CustomerDoor, database: Database
) -> None:
    unverified, person = await door.create(), await door.create()
    await verify(door, person, 0)
    gone = await an_enterprise(door)
    await door.unlink(gone)
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    member = await a_member(door, master)
    await verify(door, member, 1)
    enterprise = await an_enterprise(door)
    before = await written(door, database)
    for customer in (unverified, person, gone, master.id, member):
        assert code_of(await make_master(door, customer)) == (409, "CHB.0409")
    assert code_of(await make_master(door, "nobody")) == (404, "CHB.0404")
    assert (await make_master(door, enterprise, name="")).status_code == 400
    path = f"/api/customers/{enterprise}/enterprise"
    for by in (SELLER, customer_itself(enterprise)):
        assert code_of(await door.post(path, {}, by)) == (403, "CBC.0151")
    assert await written(door, database) == before


async def test_without_recursion_only_the_next_level_shows_and_with_it_all(
    door: CustomerDoor, clock: StandingClock
) -> None:
    master = await a_master(door, name="集团")
    north = await a_unit(door, master, "华北")
    clock.forward(seconds=1)  # oldest first
    south = await a_unit(door, master, "华南")
    city = await a_unit(door, master, "深圳", parent_id=south)
    shown = await units(door, master)
    assert [(node["id"], node["name"]) for node in shown["child_nodes"]] == [
        (north, "华北"), (south, "华南"),
    ]  # fmt: skip
    assert all(node.keys() == {"relation_id", "id", "name"} for node in shown["child_nodes"])
    assert shown == await units(door, master, "recursive_query=0&parent_id=")
    whole = await units(door, master, "recursive_query=1")
    first, second = whole["child_nodes"]
    assert first["child_nodes"] == []
    (below,) = second["child_nodes"]
    assert (below["id"], below["name"], below["child_nodes"]) == (city, "深圳", [])
    ids = [node["relation_id"] for node in (first, second, below)]
    assert len(set(ids)) == 3
    assert all(one.isdigit() for one in ids)
    part = await units(door, master, f"parent_id={south}")
    assert part.keys() == {"child_nodes"}  # the root is not named when one asks from a unit on
    assert [node["id"] for node in part["child_nodes"]] == [city]
    assert (await units(door, master, f"parent_id={shown['root_id']}")) == {
        "child_nodes": shown["child_nodes"]
    }


async def test_a_unit_that_is_not_ones_own_is_refused_like_one_that_does_not_exist(
    door: CustomerDoor, database: Database
) -> None:
    master, other = await a_master(door), await a_master(door)
    foreign = await a_unit(door, other, "theirs")
    before = await written(door, database)
    for unit in (foreign, "1" * 18, await root_of(door, other)):
        asked = await door.get(f"{ORGANIZATIONS}?parent_id={unit}", master)
        added = await door.post(UNITS, {"name": "x", "parent_id": unit}, master)
        renamed = await door.patch(f"{UNITS}/{unit}", {"name": "x"}, master)
        for answer in (asked, added, renamed):
            assert code_of(answer) == (403, "CBC.0150")
    assert await written(door, database) == before
    assert [one["name"] for one in (await units(door, other))["child_nodes"]] == ["theirs"]
    assert (await units(door, master))["child_nodes"] == []


@pytest.mark.parametrize(
    "query",
    ["parent_id=abc", "parent_id=1x", "parent_id=%EF%BC%91", "parent_id=1%0A",
     f"parent_id={'1' * 21}", "recursive_query=2", "recursive_query=x"],
)  # fmt: skip
async def test_a_query_against_its_rule_is_refused_by_name(door: CustomerDoor, query: str) -> None:
    master = await a_master(door)
    answer = await door.get(f"{ORGANIZATIONS}?{query}", master)
    assert code_of(answer) == (400, "CBC.0100")
    assert query.partition("=")[0] in answer.json()["error_msg"]


async def test_a_unit_is_renamed_and_the_same_name_again_writes_nothing(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door)
    root = await root_of(door, master)
    for unit in (root, await a_unit(door, master, "old")):
        renamed = await door.patch(f"{UNITS}/{unit}", {"name": "新"}, master)
        assert (renamed.status_code, renamed.json()["name"]) == (200, "新")
        before = await written(door, database)
        await door.patch(f"{UNITS}/{unit}", {"name": "新"}, master)
        assert await written(door, database) == before
    shown = await units(door, master)
    assert (shown["root_name"], shown["child_nodes"][0]["name"]) == ("新", "新")


async def test_an_organisation_has_a_largest_size_and_depth(
    door: CustomerDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_organization, "ORGANIZATIONS_MAX", 3)
    monkeypatch.setattr(add_organization, "DEPTH_MAX", 1)
    master = await a_master(door)
    unit = await a_unit(door, master, "one")
    before = await written(door, database)
    deeper = await door.post(UNITS, {"name": "x", "parent_id": unit}, master)
    assert code_of(deeper) == (409, "CHB.0409")
    assert await written(door, database) == before
    await a_unit(door, master, "two")
    before = await written(door, database)
    assert code_of(await door.post(UNITS, {"name": "three"}, master)) == (409, "CHB.0409")
    for wrong in ({}, {"name": ""}, {"name": "x" * 65}, {"name": "x", "more": 1}):
        assert (await door.post(UNITS, wrong, master)).status_code == 400
    assert await written(door, database) == before


async def test_adding_a_unit_again_under_its_key_adds_one(door: CustomerDoor) -> None:
    master = await a_master(door)
    key = {"Idempotency-Key": "once"}
    first, again = [await door.post(UNITS, {"name": "one"}, master, headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert len((await units(door, master))["child_nodes"]) == 1


async def test_who_is_no_master_is_the_wrong_caller_of_everything_here(
    door: CustomerDoor, database: Database
) -> None:
    customer = customer_itself(await an_enterprise(door))
    before = await written(door, database)
    member = {
        "party_id": "1", "sub_customer_association_type": 1, "new_sub_customer": an_account(),
    }  # fmt: skip
    proven = an_account(use_pri_mobile_phone="N", mobile_phone=PHONE, verification_code="123456")
    code = {"mobile_phone": PHONE, "sm_template_args": NAMED}
    for by in (customer, SELLER, OTHER_SELLER, ADMINISTRATOR):
        answers = [
            await door.get(ORGANIZATIONS, by),
            await door.get(MEMBERS, by),
            await door.post(MEMBERS, member, by),
            await door.post(MEMBERS, {**member, "new_sub_customer": proven}, by),
            await door.post(SEND_SMS, code, by),
            await door.post(UNITS, {"name": "x"}, by),
            await door.patch(f"{UNITS}/1", {"name": "x"}, by),
            await door.post(f"/api/enterprise/members/{customer.id}/leaving", {}, by),
        ]
        assert {code_of(answer) for answer in answers} == {(403, "CBC.0151")}
    assert await written(door, database) == before


async def test_a_partner_that_acts_for_a_master_is_not_the_master(door: CustomerDoor) -> None:
    acting = replace(await a_master(door), acting_for_partner="sp1")
    before = await door.written()
    for answer in (
        await door.get(ORGANIZATIONS, acting),
        await door.get(MEMBERS, acting),
        await door.post(UNITS, {"name": "south"}, acting),
    ):
        assert code_of(answer) == (403, "CBC.0151")
    assert await door.written() == before
