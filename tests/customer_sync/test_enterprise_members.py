"""create_sub_enterprise_account and the codes for it.

See docs/domain/enterprise.md B.4, docs/domain/verification.md B.9.
"""

import asyncio
from typing import Any

import pytest

from chassis.database import Database
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import code_of
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    OTHER_SELLER,
    SELLER,
    CustomerDoor,
    hear,
    partner_joined,
)
from tests.customer_sync.enterprise_builders import (
    MASTERS_PHONE,
    MEMBERS,
    NAMED,
    PHONE,
    SEND_SMS,
    a_master,
    a_member,
    a_unit,
    an_account,
    ask_member,
    member_row,
    members,
    sms_code,
    written,
)

pytestmark = pytest.mark.postgres


def proven(code: str | None, phone: str = PHONE, name: str = "branch_one") -> dict[str, Any]:
    """An account with a phone of its own."""
    return {
        "customer_name": name, "mobile_phone": phone, "verification_code": code,
        "credential_ref": "ref-1",
    }  # fmt: skip


async def test_a_member_is_registered_and_associated_as_its_master_is(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE, cooperation_type="1")
    unit = await a_unit(door, master, "华北")
    earlier = len(await outbox.stated(door.database))
    made = await ask_member(
        door, master, party_id=unit, display_name="北京 & 天津", permission_ids=["A", "B"]
    )
    assert (made.status_code, made.content) == (204, b"")
    (first, registered), (second, associated) = (await outbox.stated(door.database))[earlier:]
    assert (first, second) == ("customer.registered", "customer.associated")
    assert registered["credential_ref"] == "ref-1"
    assert (registered["association_status"], registered["version"]) == ("pending", 1)
    assert (associated["association_status"], associated["version"]) == ("associated", 2)
    expected = {
        "partner_id": "sp1",
        "account_name": "branch_one",
        "xaccount_id": None,
        "association_type": "1",
        "mobile": MASTERS_PHONE,
        "enterprise_master_id": master.id,
        "financial_custody": False,
        "is_enterprise_master": False,
        "currency": "CNY",
        "site": "china",
    }
    assert expected.items() <= registered.items()
    assert expected.items() <= associated.items()
    assert await members(door, master) == (
        [
            {
                "id": associated["customer_id"],
                "name": "branch_one",
                "display_name": "北京 & 天津",
                "status": 1,
                "org_id": unit,
                "org_name": "华北",
            }
        ],
        1,
    )
    assert (await member_row(database, associated["customer_id"])).permission_ids == ["A", "B"]
    assert await door.names(association_type="1") >= {"branch_one"}
    assert (await door.listed())["count"] == 2  # counted with its master
    assert await door.names(OTHER_SELLER) == set()


async def test_a_custody_member_has_the_three_permissions_whatever_was_asked(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    member = await a_member(door, master, financial_custody=1, permission_ids=["A"])
    assert (await outbox.stated(door.database))[-1][1]["financial_custody"] is True
    assert (await member_row(database, member)).permission_ids == [
        "READ_FINANCE_INFO", "READ_CONSUME_BILL", "SHARE-BIZ-DISCOUNT-TO-SUB",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "shows"),
    [
        ({}, False),
        ({"permission_ids": ["READ_CONSUME_BILL"]}, True),
        ({"financial_custody": 1}, True),
    ],
)
async def test_who_lets_its_master_see_what_it_consumes_is_stated(
    door: CustomerDoor, asked: dict[str, Any], shows: bool
) -> None:
    """Break: state what was asked without the custody."""
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    await a_member(door, master, **asked)
    assert (await outbox.stated(door.database))[-1][1]["shows_consumption"] is shows


async def test_a_resellers_master_makes_customers_of_the_reseller(door: CustomerDoor) -> None:
    master = await a_master(
        door, DISTRIBUTOR, indirect_partner_id="res1", mobile_phone=MASTERS_PHONE
    )
    await a_member(door, master)
    _, body = (await outbox.stated(door.database))[-1]
    assert (body["partner_id"], body["distributor_id"]) == ("res1", "dist1")
    assert "branch_one" in await door.names(DISTRIBUTOR, indirect_partner_id="res1")


async def test_the_masters_phone_needs_no_code_and_another_is_ignored(door: CustomerDoor) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    account = an_account(mobile_phone="not a phone", verification_code="")
    assert (await ask_member(door, master, account)).status_code == 204
    assert (await outbox.stated(door.database))[-1][1]["mobile"] == MASTERS_PHONE


async def test_a_master_without_a_phone_cannot_lend_it(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door)
    before = await written(door, database)
    assert code_of(await ask_member(door, master)) == (403, "CBC.0155")
    assert await written(door, database) == before


async def test_another_phone_is_proved_by_the_code_that_was_sent_to_it(door: CustomerDoor) -> None:
    master = await a_master(door)
    code = await sms_code(door, master)
    assert (await ask_member(door, master, proven(code))).status_code == 204
    _, body = (await outbox.stated(door.database))[-1]
    assert (body["mobile"], body["country_code"]) == (PHONE, "0086")
    again = await ask_member(door, master, proven(code, name="branch_two"))
    assert code_of(again) == (400, "CBC.99000027")  # a used one is an expired one


async def test_a_code_expires_after_ten_minutes_or_those_that_were_asked_for(
    door: CustomerDoor, database: Database, clock: StandingClock
) -> None:
    master = await a_master(door)
    for minutes, timeout in ((10, None), (90, 90)):
        code = await sms_code(door, master, timeout=timeout)
        clock.forward(minutes=minutes)
        before = await written(door, database)
        assert code_of(await ask_member(door, master, proven(code))) == (400, "CBC.99000027")
        assert await written(door, database) == before
    code = await sms_code(door, master, timeout=90)
    clock.forward(minutes=89)
    assert (await ask_member(door, master, proven(code))).status_code == 204


async def test_more_than_three_wrong_codes_void_it_though_each_is_refused(
    door: CustomerDoor, database: Database, clock: StandingClock
) -> None:
    master = await a_master(door)
    code = await sms_code(door, master)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    before = await written(door, database)
    for _ in range(3):
        assert code_of(await ask_member(door, master, proven(wrong))) == (400, "CBC.99000026")
    for given in (wrong, code):
        assert code_of(await ask_member(door, master, proven(given))) == (400, "CBC.99000027")
    assert await written(door, database) == before
    clock.forward(minutes=10)
    anew = await sms_code(door, master)
    assert (await ask_member(door, master, proven(anew))).status_code == 204


async def test_a_code_serves_the_master_that_asked_and_nothing_but_members(
    door: CustomerDoor, database: Database
) -> None:
    master, other = await a_master(door), await a_master(door)
    theirs = await sms_code(door, other)
    registration = await door.code(PHONE)
    before = await written(door, database)
    for code in (theirs, registration):
        refused = await ask_member(door, master, proven(code))
        assert code_of(refused) == (400, "CBC.99000026")
    assert await written(door, database) == before
    own = await sms_code(door, master)
    assert (await ask_member(door, other, proven(theirs))).status_code == 204
    made = {"xaccount_id": "x", "xaccount_type": "p", "mobile_phone": PHONE}
    created = await door.post("/v2/partners/sub-customers", {**made, "verification_code": own})
    assert code_of(created) == (400, "CBC.99004010")


async def test_a_refused_member_keeps_its_code(door: CustomerDoor) -> None:
    master = await a_master(door)
    code = await sms_code(door, master)
    foreign = await ask_member(door, master, proven(code), party_id="1")
    assert code_of(foreign) == (403, "CBC.0150")
    assert (await ask_member(door, master, proven(code))).status_code == 204


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"mobile_phone": "0086-13900000002"}, "CBC.0100"),
        ({"mobile_phone": "1390000000"}, "CBC.0100"),
        ({"mobile_phone": ""}, "CBC.0100"),
        ({"timeout": 101}, "CBC.0100"),
        ({"timeout": -1}, "CBC.0100"),
        ({"language": "fr-fr"}, "CBC.0101"),
        ({"language": "zh-cn-x"}, "CBC.0100"),
        ({"sm_template_args": []}, "CBC.0100"),
        ({"sm_template_args": None}, "CBC.0100"),
        ({"sm_template_args": NAMED * 11}, "CBC.0100"),
        ({"sm_template_args": [{"key": "other", "value": "x"}]}, "CBC.0101"),
        ({"sm_template_args": [{"key": "sub_customer_name", "value": ""}]}, "CBC.0100"),
        ({"sm_template_args": [{"key": "sub_customer_name"}]}, "CBC.0100"),
    ],
)
async def test_a_code_is_asked_for_by_the_rules(
    door: CustomerDoor, fields: dict[str, Any], expected: str
) -> None:
    master = await a_master(door)
    body = {"mobile_phone": PHONE, "sm_template_args": NAMED, **fields}
    answer = await door.post(SEND_SMS, body, master)
    assert code_of(answer) == (400, expected)
    assert next(iter(fields)) in answer.json()["error_msg"]


async def test_the_message_names_the_member_in_the_language_asked_for(
    door: CustomerDoor,
) -> None:
    master = await a_master(door)
    await sms_code(door, master, language="EN-us")
    told = {"receiver": PHONE, "sub_customer_name": "branch_one", "language": "en-us"}
    assert told.items() <= door.last_message().items()


NO_UNIT: dict[str, Any] = {"party_id": "1" * 18}


@pytest.mark.parametrize(
    ("fields", "account", "status", "expected"),
    [
        (NO_UNIT, {}, 403, "CBC.0150"),
        ({"party_id": "abc"}, {}, 400, "CBC.0100"),
        ({"party_id": "1" * 21}, {}, 400, "CBC.0100"),
        ({"party_id": ""}, {}, 400, "CBC.0100"),
        ({"party_id": 1}, {}, 400, "CBC.0100"),
        ({"sub_customer_association_type": 0}, {}, 400, "CBC.0101"),
        ({"sub_customer_association_type": 2}, {}, 400, "CBC.0100"),
        ({"sub_customer_association_type": None}, {}, 400, "CBC.0100"),
        ({"sub_customer_association_type": True}, {}, 400, "CBC.0100"),
        ({"financial_custody": 2}, {}, 400, "CBC.0100"),
        ({"financial_custody": True}, {}, 400, "CBC.0100"),
        ({"display_name": "x" * 65}, {}, 400, "CBC.0100"),
        ({"permission_ids": ["x" * 65]}, {}, 400, "CBC.0100"),
        ({"permission_ids": ["x"] * 101}, {}, 400, "CBC.0100"),
        ({"permission_ids": "x"}, {}, 400, "CBC.0100"),
        ({}, {"customer_name": None}, 400, "CBC.0100"),
        ({}, {"customer_name": "x" * 33}, 400, "CBC.0100"),
        ({}, {"customer_name": "1abcdef"}, 400, "CBC.99000031"),
        ({}, {"customer_name": "op_abcdef"}, 400, "CBC.99000031"),
        ({}, {"customer_name": "abcd"}, 400, "CBC.99000031"),
        ({}, {"credential_ref": None}, 400, "CBC.0100"),
        ({}, {"credential_ref": ""}, 400, "CBC.0100"),
        ({}, {"password": "Reached-the-service-1"}, 400, "CBC.0100"),
        ({}, {"use_pri_mobile_phone": "X"}, 400, "CBC.0101"),
        ({}, {"use_pri_mobile_phone": "N"}, 400, "CBC.0100"),
        ({}, {"use_pri_mobile_phone": ""}, 400, "CBC.0100"),
        ({}, {"use_pri_mobile_phone": "N", "mobile_phone": PHONE}, 400, "CBC.0100"),
        ({}, {"use_pri_mobile_phone": "N", "mobile_phone": "139"}, 400, "CBC.5017"),
        ({}, {"verification_code": "1234567"}, 400, "CBC.0100"),
    ],
)  # fmt: skip
async def test_a_member_against_the_rules_is_refused_and_nothing_is_written(
    door: CustomerDoor,
    database: Database,
    fields: dict[str, Any],
    account: dict[str, Any],
    status: int,
    expected: str,
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    before = await written(door, database)
    answer = await ask_member(door, master, an_account(**account), **fields)
    assert code_of(answer) == (status, expected)
    assert await written(door, database) == before


@pytest.mark.parametrize("account", ["x", 1, ["x"], {}])
async def test_an_account_that_is_none_is_refused_by_name(door: CustomerDoor, account: Any) -> None:
    master = await a_master(door)
    answer = await ask_member(door, master, account)
    assert code_of(answer) == (400, "CBC.0100")
    assert "new_sub_customer" in answer.json()["error_msg"]


async def test_a_missing_password_is_named_as_the_caller_knows_it(door: CustomerDoor) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    answer = await ask_member(door, master, an_account(credential_ref=None))
    assert "new_sub_customer.password" in answer.json()["error_msg"]


async def test_names_and_phones_are_the_whole_platforms(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    await door.create(OTHER_SELLER, domain_name="Taken-one")
    before = await written(door, database)
    taken = await ask_member(door, master, an_account("taken-ONE"))
    assert code_of(taken) == (400, "CBC.99000038")
    assert await written(door, database) == before
    await a_member(door, master)
    before = await written(door, database)
    third = await ask_member(door, master, an_account("branch_two"))  # 2 accounts have the phone
    assert code_of(third) == (400, "CBC.99000030")
    assert await written(door, database) == before


async def test_two_that_ask_for_one_name_at_once_make_one_member(door: CustomerDoor) -> None:
    masters = [await a_master(door), await a_master(door)]
    codes = [await sms_code(door, master) for master in masters]
    asked = (
        ask_member(door, master, proven(code)) for master, code in zip(masters, codes, strict=True)
    )
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [204, 400]
    (refused,) = [answer for answer in answers if answer.status_code == 400]
    assert code_of(refused) == (400, "CBC.99000038")


async def test_a_master_that_left_its_partner_makes_no_member_and_still_sees_its_own(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    await a_member(door, master, financial_custody=1)
    await door.unlink(master.id)
    before = await written(door, database)
    assert code_of(await ask_member(door, master, an_account("other"))) == (403, "CBC.0155")
    assert await written(door, database) == before
    assert (await members(door, master))[1] == 1


async def test_a_partner_that_may_bring_no_customers_gets_none_from_a_master(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    await hear(database, partner_joined("sp1", "solution_provider", status="restricted", version=2))
    before = await written(door, database)
    assert code_of(await ask_member(door, master)) == (400, "CBC.50010085")
    assert await written(door, database) == before


async def test_a_body_without_bytes_is_refused_by_name(door: CustomerDoor) -> None:
    master = await a_master(door)
    answer = await door.post(MEMBERS, None, master)
    assert code_of(answer) == (400, "CBC.0100")
    assert "party_id" in answer.json()["error_msg"]
    assert SELLER.id == master.partner_id
