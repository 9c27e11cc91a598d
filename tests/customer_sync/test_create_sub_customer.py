"""create_sub_customer: field rules, uniqueness, who may, what is stated.

See docs/domain/customers.md B.2, docs/domain/error-codes.md D.4.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from chassis.database import Database
from customer_sync.customers.create_sub_customer import made_for
from customer_sync.customers.models import Customer
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    ABROAD,
    CREATE,
    DISTRIBUTOR,
    OTHER_DISTRIBUTOR,
    OTHER_SELLER,
    SELLER,
    SEND,
    CustomerDoor,
    a_customer,
    hear,
    partner_joined,
)

MOBILE = "13900001111"


async def test_a_customer_is_registered_and_then_associated_with_its_whole_state(
    door: CustomerDoor,
) -> None:
    body = a_customer(xaccount_id="crm-7", domain_name="Acme_cn", credential_ref="ref-1")
    answer = await door.post(CREATE, body)
    assert answer.status_code == 200
    domain_id = answer.json()["domain_id"]
    assert answer.json() == {"domain_id": domain_id, "domain_name": "Acme_cn"}
    (first, registered), (second, associated) = await outbox.stated(door.database)
    assert (first, second) == ("customer.registered", "customer.associated")
    assert registered["credential_ref"] == "ref-1"
    assert (registered["version"], registered["association_status"]) == (1, "pending")
    assert (associated["version"], associated["association_status"]) == (2, "associated")
    assert associated["associated_on"] == "2026-11-23T03:00:00Z"
    expected = {
        "customer_id": domain_id,
        "partner_id": "sp1",
        "account_name": "Acme_cn",
        "xaccount_id": "crm-7",
        "association_type": "2",
        "site": "china",
        "currency": "CNY",
    }
    assert expected.items() <= registered.items()
    assert expected.items() <= associated.items()


async def test_a_name_that_is_not_given_is_made_of_32_characters_by_the_rule(
    door: CustomerDoor,
) -> None:
    for blank in ({}, {"domain_name": ""}, {"domain_name": None}):
        answer = await door.post(CREATE, a_customer(**blank))
        name = answer.json()["domain_name"]
        assert len(name) == 32
        assert name[0].isalpha()
        assert name.isascii()
        assert name.isalnum()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"domain_name": "abcd"}, "CBC.99000031"),
        ({"domain_name": "a" * 33}, "CBC.99000031"),
        ({"domain_name": "1abcdef"}, "CBC.99000031"),
        ({"domain_name": "12345678"}, "CBC.99000031"),
        ({"domain_name": "op_acme"}, "CBC.99000031"),
        ({"domain_name": "shadow_acme"}, "CBC.99000031"),
        ({"domain_name": "acme corp"}, "CBC.99000031"),
        ({"domain_name": "acmé-co"}, "CBC.99000031"),
        ({"domain_name": "a" * 65}, "CBC.0100"),
        ({"xaccount_id": None}, "CBC.0100"),
        ({"xaccount_id": ""}, "CBC.0100"),
        ({"xaccount_id": "x" * 129}, "CBC.0100"),
        ({"xaccount_type": None}, "CBC.0100"),
        ({"mobile_phone": "0086-13900001111", "verification_code": "1"}, "CBC.5017"),
        ({"mobile_phone": "1390000111", "verification_code": "1"}, "CBC.5017"),
        ({"mobile_phone": MOBILE}, "CBC.0100"),
        ({"mobile_phone": MOBILE, "verification_code": ""}, "CBC.0100"),
        ({"mobile_phone": MOBILE, "verification_code": "1" * 11}, "CBC.0100"),
        ({"password": ""}, "CBC.0100"),
        ({"password": "Reached-the-service-1"}, "CBC.0100"),
        ({"is_close_market_ms": "perhaps"}, "CBC.0101"),
        ({"include_association_result": "true"}, "CBC.0100"),
        ({"domain_name": 12345678}, "CBC.0100"),
    ],
)
async def test_a_field_against_its_rule_is_refused_and_nothing_is_written(
    door: CustomerDoor, fields: dict[str, Any], expected: str
) -> None:
    before = await door.written()
    assert code_of(await door.post(CREATE, a_customer(**fields))) == (400, expected)
    assert await door.written() == before


async def test_no_bytes_and_no_json_are_refused_by_name(door: CustomerDoor) -> None:
    answer = await door.post(CREATE, None)
    assert code_of(answer) == (400, "CBC.0100")
    assert "xaccount_id" in answer.json()["error_msg"]
    assert code_of(await door.post(CREATE, ["a"])) == (400, "CBC.0100")


@pytest.mark.parametrize("name", ["_acme", "-acme", "Acme-1", "a" * 32, "abcde"])
async def test_a_name_by_the_rule_is_taken(door: CustomerDoor, name: str) -> None:
    assert (await door.post(CREATE, a_customer(domain_name=name))).status_code == 200


async def test_a_login_name_belongs_to_one_account_of_any_partner_in_any_case(
    door: CustomerDoor,
) -> None:
    await door.create(domain_name="Acme-shop")
    before = await door.written()
    again = await door.post(CREATE, a_customer(domain_name="acme-SHOP"), OTHER_SELLER)
    assert code_of(again) == (400, "CBC.99000038")
    assert await door.written() == before


async def test_an_xaccount_id_is_unique_on_its_platform_only(door: CustomerDoor) -> None:
    await door.create(xaccount_id="crm-same", xaccount_type="one")
    before = await door.written()
    again = await door.post(CREATE, a_customer(xaccount_id="crm-same", xaccount_type="one"))
    assert code_of(again) == (400, "CBC.99000039")
    other = a_customer(xaccount_id="crm-same", xaccount_type="one")
    assert code_of(await door.post(CREATE, other, OTHER_SELLER)) == (400, "CBC.99000039")
    assert await door.written() == before
    await door.create(xaccount_id="crm-same", xaccount_type="two")


async def test_of_many_creates_at_once_with_one_xaccount_id_one_succeeds(
    door: CustomerDoor,
) -> None:
    body = a_customer(xaccount_id="crm-race")
    answers = await asyncio.gather(*(door.post(CREATE, body) for _ in range(12)))
    refused = [code_of(answer) for answer in answers if answer.status_code != 200]
    assert refused == [(400, "CBC.99000039")] * 11
    assert [kind for kind, _ in await outbox.stated(door.database)] == [
        "customer.registered",
        "customer.associated",
    ]
    assert (await door.listed())["count"] == 1


async def test_of_many_creates_at_once_with_one_name_one_succeeds(door: CustomerDoor) -> None:
    answers = await asyncio.gather(
        *(door.post(CREATE, a_customer(domain_name="contested")) for _ in range(12))
    )
    refused = [code_of(answer) for answer in answers if answer.status_code != 200]
    assert refused == [(400, "CBC.99000038")] * 11


async def test_cooperation_type_1_makes_a_referral_customer_and_anything_else_resale(
    door: CustomerDoor,
) -> None:
    for given, expected in (("1", "1"), ("2", "2"), ("9", "2"), ("", "2"), (None, "2")):
        customer = await door.create(cooperation_type=given)
        page = await door.listed(customer_id=customer)
        assert page["customer_infos"][0]["association_type"] == expected


async def test_a_phone_needs_the_code_that_was_sent_to_it_and_the_code_works_once(
    door: CustomerDoor,
) -> None:
    code = await door.code(MOBILE)
    customer = await door.create(mobile_phone=MOBILE, verification_code=code)
    shown = (await door.listed(customer_id=customer))["customer_infos"][0]
    assert (shown["telephone"], shown["country_code"]) == (MOBILE, "0086")
    again = await door.post(CREATE, a_customer(mobile_phone=MOBILE, verification_code=code))
    assert code_of(again) == (400, "CBC.99004008")


async def test_a_code_of_another_partner_or_another_phone_is_wrong(door: CustomerDoor) -> None:
    code = await door.code(MOBILE)
    body = a_customer(mobile_phone=MOBILE, verification_code=code)
    assert code_of(await door.post(CREATE, body, OTHER_SELLER)) == (400, "CBC.99004010")
    other = a_customer(mobile_phone="13900002222", verification_code=code)
    assert code_of(await door.post(CREATE, other)) == (400, "CBC.99004010")


async def test_a_code_is_expired_ten_minutes_after_it_was_sent(
    door: CustomerDoor, clock: StandingClock
) -> None:
    code = await door.code(MOBILE)
    clock.forward(minutes=10)
    late = await door.post(CREATE, a_customer(mobile_phone=MOBILE, verification_code=code))
    assert code_of(late) == (400, "CBC.99004008")


async def test_a_timeout_above_sixty_minutes_becomes_five(
    door: CustomerDoor, clock: StandingClock
) -> None:
    code = await door.code(MOBILE, timeout=61)
    clock.forward(minutes=5)
    late = await door.post(CREATE, a_customer(mobile_phone=MOBILE, verification_code=code))
    assert code_of(late) == (400, "CBC.99004008")
    code = await door.code(MOBILE, timeout=60)
    clock.forward(minutes=59)
    await door.create(mobile_phone=MOBILE, verification_code=code)


async def test_more_than_three_wrong_codes_void_the_right_one_until_a_new_one_is_sent(
    door: CustomerDoor, clock: StandingClock
) -> None:
    code = await door.code(MOBILE)
    wrong = "0" * 6 if code != "0" * 6 else "1" * 6
    tries = [a_customer(mobile_phone=MOBILE, verification_code=wrong) for _ in range(4)]
    codes = [code_of(await door.post(CREATE, body))[1] for body in tries]
    assert codes == ["CBC.99004010"] * 3 + ["CBC.99004009"]
    right = await door.post(CREATE, a_customer(mobile_phone=MOBILE, verification_code=code))
    assert code_of(right) == (400, "CBC.99004009")
    clock.forward(minutes=10)
    code = await door.code(MOBILE)
    await door.create(mobile_phone=MOBILE, verification_code=code)


async def test_three_wrong_codes_leave_the_right_one_in_force(door: CustomerDoor) -> None:
    code = await door.code(MOBILE)
    wrong = "0" * 6 if code != "0" * 6 else "1" * 6
    for _ in range(3):
        await door.post(CREATE, a_customer(mobile_phone=MOBILE, verification_code=wrong))
    await door.create(mobile_phone=MOBILE, verification_code=code)


async def test_a_refused_create_does_not_use_its_code_up(door: CustomerDoor) -> None:
    await door.create(domain_name="taken-name")
    code = await door.code(MOBILE)
    body = a_customer(domain_name="taken-name", mobile_phone=MOBILE, verification_code=code)
    assert code_of(await door.post(CREATE, body)) == (400, "CBC.99000038")
    await door.create(mobile_phone=MOBILE, verification_code=code)


async def test_one_code_makes_one_customer_also_when_two_use_it_at_once(door: CustomerDoor) -> None:
    code = await door.code(MOBILE)
    bodies = [a_customer(mobile_phone=MOBILE, verification_code=code) for _ in range(6)]
    answers = await asyncio.gather(*(door.post(CREATE, body) for body in bodies))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 400, 400, 400, 400, 400]


async def test_a_phone_is_shared_by_accounts_up_to_the_cap(door: CustomerDoor) -> None:
    for _ in range(2):
        await door.create(mobile_phone=MOBILE, verification_code=await door.code(MOBILE))
    body = a_customer(mobile_phone=MOBILE, verification_code=await door.code(MOBILE))
    assert code_of(await door.post(CREATE, body)) == (400, "CBC.99000030")


async def test_a_distributor_brings_customers_for_its_own_reseller_only(door: CustomerDoor) -> None:
    before = await door.written()
    assert code_of(await door.post(CREATE, a_customer(), DISTRIBUTOR)) == (400, "CBC.50010059")
    stranger = await door.post(CREATE, a_customer(indirect_partner_id="res1"), OTHER_DISTRIBUTOR)
    assert stranger.json()["error_code"] == "CBC.99000037"
    unknown = await door.post(CREATE, a_customer(indirect_partner_id="nobody"), DISTRIBUTOR)
    assert unknown.json()["error_code"] == "CBC.99000037"
    assert await door.written() == before
    await door.create(DISTRIBUTOR, indirect_partner_id="res1")
    _, associated = (await outbox.stated(door.database))[-1]
    assert (associated["partner_id"], associated["distributor_id"]) == ("res1", "dist1")


async def test_indirect_partner_id_means_nothing_to_a_solution_provider(door: CustomerDoor) -> None:
    await door.create(indirect_partner_id="res1")
    assert (await outbox.stated(door.database))[-1][1]["partner_id"] == "sp1"


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        ({"status": "restricted"}, "CBC.50010085"),
        ({"is_test_account": True}, "CBC.99005035"),
    ],
)
async def test_a_partner_that_may_not_is_refused(
    door: CustomerDoor, database: Database, standing: dict[str, Any], expected: str
) -> None:
    await hear(database, partner_joined("sp1", "solution_provider", version=2, **standing))
    assert code_of(await door.post(CREATE, a_customer())) == (400, expected)


@pytest.mark.parametrize(
    ("status", "expected"), [("restricted", "CBC.50010086"), ("delisted", "CBC.50010065")]
)
async def test_a_reseller_suffers_what_its_distributor_did(
    door: CustomerDoor, database: Database, status: str, expected: str
) -> None:
    await hear(database, partner_joined("dist1", "distributor", version=2, status=status))
    body = a_customer(indirect_partner_id="res1")
    assert code_of(await door.post(CREATE, body, DISTRIBUTOR)) == (400, expected)


async def test_only_partners_create_customers(door: CustomerDoor) -> None:
    customer = replace(SELLER, id="c1", kind="customer")
    for principal in (customer, ADMINISTRATOR):
        assert code_of(await door.post(CREATE, a_customer(), principal)) == (403, "CBC.0151")
    assert code_of(await door.send_unsigned("POST", CREATE, a_customer())) == (401, "CBC.0154")


async def test_a_partner_whose_account_has_not_arrived_yet_is_told_to_try_again(
    door: CustomerDoor,
) -> None:
    unknown = replace(SELLER, id="sp77", partner_id="sp77")
    assert code_of(await door.post(CREATE, a_customer(), unknown)) == (500, "CBC.0999")


async def test_abroad_a_customer_has_a_country_and_a_proved_mailbox(door: CustomerDoor) -> None:
    missing = await door.post(CREATE, a_customer(), ABROAD)
    assert code_of(missing) == (400, "CBC.0100")
    assert "domain_area" in missing.json()["error_msg"]
    sent = await door.post(SEND, {"receiver_type": 2, "email": "Boss@acme.mx"}, ABROAD)
    assert sent.status_code == 204
    body = a_customer(domain_area="MX", email="boss@acme.mx", verification_code=door.last_code())
    assert (await door.post(CREATE, body, ABROAD)).status_code == 200
    _, associated = (await outbox.stated(door.database))[-1]
    assert (associated["association_type"], associated["currency"]) == ("3", "USD")
    assert (associated["site"], associated["email"]) == ("international", "boss@acme.mx")


async def test_a_customer_that_refuses_advertising_is_remembered_so(
    door: CustomerDoor, database: Database
) -> None:

    customer = await door.create(is_close_market_ms="true")
    async with database.transaction() as session:
        found = await session.get_one(Customer, customer)
    assert found.closes_market_messages is True


async def test_an_account_is_found_by_its_index_and_not_by_reading_all(database: Database) -> None:
    wanted = select(Customer.id).where(made_for("platform", "crm-1"))
    async with database.transaction() as session:
        dialect = (await session.connection()).dialect
        query = wanted.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        await session.execute(text("SET LOCAL enable_seqscan = off"))  # the table is small
        await session.execute(text("SELECT set_config('role', 'channelbus_request', true)"))
        plan = (await session.scalars(text(f"EXPLAIN {query}"))).all()
    assert any("customers_xaccount" in line for line in plan), plan


async def test_a_retry_beside_the_first_request_hears_that_the_account_is_there(
    door: CustomerDoor,
) -> None:
    """It waits for the first one's login name, and must not hear that the name is taken.

    Break: drop the second `check_xaccount` in `open_account`.
    """
    told = a_customer(domain_name="twice_asked")
    answers = await asyncio.gather(*(door.post(CREATE, told) for _ in range(6)))
    codes = sorted((answer.status_code, answer.json().get("error_code")) for answer in answers)
    assert codes == [(200, None), *[(400, "CBC.99000039")] * 5]
