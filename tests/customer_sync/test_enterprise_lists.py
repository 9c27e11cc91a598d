"""list_enterprise_sub_customers: filters, pages, whose members show."""

from datetime import timedelta

import pytest

from chassis.database import Database
from chassis.identity import Principal
from customer_sync.association.associate_pending import associate_pending
from customer_sync.enterprise.create_sub_enterprise_account import (
    CreateSubEnterpriseAccount,
    create_sub_enterprise_account,
)
from customer_sync.settings import CustomerSyncSettings
from testkit import outbox
from testkit.door import code_of
from tests.customer_sync.builders import ABROAD, NOW, OTHER_SELLER, CustomerDoor
from tests.customer_sync.enterprise_builders import (
    MASTERS_PHONE,
    MEMBERS,
    a_master,
    a_unit,
    an_account,
    ask_member,
    members,
    root_of,
    sms_code,
)

pytestmark = pytest.mark.postgres


async def a_member(
    door: CustomerDoor, master: Principal, name: str, display_name: str, party_id: str
) -> None:
    phone = f"139{abs(hash(name)) % 10**8:08}"
    account = {
        "customer_name": name, "credential_ref": "ref", "mobile_phone": phone,
        "verification_code": await sms_code(door, master, phone),
    }  # fmt: skip
    made = await ask_member(door, master, account, display_name=display_name, party_id=party_id)
    assert made.status_code == 204, made.text


async def names(door: CustomerDoor, master: Principal, **fields: object) -> list[str]:
    rows, count = await members(door, master, limit=100, **fields)
    assert count == len(rows)
    return [row["name"] for row in rows]


async def family(door: CustomerDoor) -> tuple[Principal, str]:
    """Four members, two of them in a unit."""
    master = await a_master(door)
    root, unit = await root_of(door, master), await a_unit(door, master, "华北")
    await a_member(door, master, "north_one", "北京", unit)
    await a_member(door, master, "North_Two", "天津分公司", unit)
    await a_member(door, master, "south-one", "Nan", root)
    await a_member(door, master, "southern", "", root)
    return master, unit


async def test_a_name_must_be_the_whole_one_unless_the_search_is_fuzzy(door: CustomerDoor) -> None:
    master, unit = await family(door)
    everybody = ["north_one", "North_Two", "south-one", "southern"]
    assert await names(door, master) == everybody  # oldest first
    by = "sub_customer_account_name"
    assert await names(door, master, **{by: "north"}) == []
    assert await names(door, master, **{by: "north_two"}) == ["North_Two"]
    assert await names(door, master, **{by: "NORTH", "fuzzy_query": 1}) == everybody[:2]
    assert await names(door, master, **{by: "one", "fuzzy_query": 1}) == ["north_one", "south-one"]
    assert await names(door, master, **{by: "uth", "fuzzy_query": 1}) == everybody[2:]
    assert await names(door, master, **{by: "_", "fuzzy_query": 1}) == everybody[:2]
    assert await names(door, master, **{by: "%", "fuzzy_query": 1}) == []
    by = "sub_customer_display_name"
    assert await names(door, master, **{by: "天津"}) == []
    assert await names(door, master, **{by: "天津", "fuzzy_query": 1}) == ["North_Two"]
    assert await names(door, master, **{by: "北京", "fuzzy_query": 0}) == ["north_one"]
    assert await names(door, master, **{by: "nan"}) == []
    assert await names(door, master, org_id=unit) == everybody[:2]
    both = {by: "北", "fuzzy_query": 1, "org_id": unit}
    assert await names(door, master, **both) == ["north_one"]
    assert await names(door, master, org_id="") == everybody


async def test_an_empty_name_is_a_filter_of_its_own(door: CustomerDoor) -> None:
    master, _ = await family(door)
    assert await names(door, master, sub_customer_display_name="") == ["southern"]
    assert await names(door, master, sub_customer_account_name="") == []
    assert len(await names(door, master, sub_customer_account_name="", fuzzy_query=1)) == 4


async def test_an_offset_counts_members_and_the_total_counts_all(door: CustomerDoor) -> None:
    master, _ = await family(door)
    rows, count = await members(door, master, offset=1, limit=2)
    assert ([row["name"] for row in rows], count) == (["North_Two", "south-one"], 4)
    assert await members(door, master, limit=0) == ([], 4)
    assert await members(door, master, offset=4) == ([], 4)


async def test_what_is_not_given_is_not_shown_but_a_display_name_always_is(
    door: CustomerDoor,
) -> None:
    master, unit = await family(door)
    rows, _ = await members(door, master)
    assert rows[0]["org_name"] == "华北"
    assert (rows[3]["display_name"], rows[3]["status"]) == ("", 1)
    assert "org_name" not in rows[3]  # in the root, which has no name
    assert rows[0]["org_id"] == unit


@pytest.mark.parametrize(
    "query",
    ["sub_customer_account_name=a%20b", "sub_customer_display_name=%20", "fuzzy_query=2",
     "limit=101", "limit=-1", "offset=-1", "offset=2147483648", "limit=x"],
)  # fmt: skip
async def test_a_filter_against_its_rule_is_refused_by_name(door: CustomerDoor, query: str) -> None:
    master = await a_master(door)
    answer = await door.get(f"{MEMBERS}?{query}", master)
    assert code_of(answer) == (400, "CBC.0100")
    assert query.partition("=")[0] in answer.json()["error_msg"]


async def test_other_masters_members_do_not_show_and_are_not_counted(door: CustomerDoor) -> None:
    _, unit = await family(door)
    for other in (await a_master(door), await a_master(door, OTHER_SELLER)):
        assert await members(door, other) == ([], 0)
        assert await members(door, other, org_id=unit) == ([], 0)
        assert await members(door, other, sub_customer_account_name="north_one") == ([], 0)


async def test_abroad_the_list_is_answered_too(door: CustomerDoor) -> None:
    master = await a_master(door, ABROAD, domain_area="SG")
    await a_member(door, master, "branch", "", await root_of(door, master))
    assert await names(door, master) == ["branch"]
    _, stated = (await outbox.stated(door.database))[-1]
    assert (stated["site"], stated["currency"], stated["association_type"]) == (
        "international", "USD", "3",
    )  # fmt: skip


async def test_a_member_is_being_created_until_its_association_is_made(
    door: CustomerDoor, database: Database, settings: CustomerSyncSettings
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    slow = settings.model_copy(update={"association_delay_seconds": 60.0})
    wanted = CreateSubEnterpriseAccount.model_validate(
        {
            "party_id": await root_of(door, master),
            "sub_customer_association_type": 1,
            "new_sub_customer": an_account(),
        }
    )
    async with database.transaction() as session:
        await create_sub_enterprise_account(session, master, wanted, slow, NOW, NOW)
    (row,), _ = await members(door, master)
    assert row["status"] == 2
    assert "branch_one" not in await door.names()
    await associate_pending(database, NOW + timedelta(seconds=60))
    (row,), _ = await members(door, master)
    assert row["status"] == 1
    assert "branch_one" in await door.names()
