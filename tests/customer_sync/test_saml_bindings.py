"""Users of the platform are bound to the accounts made for them (docs/domain/customers.md F16)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from chassis.database import Database
from customer_sync.customers.contact_rules import attribute_mobile
from customer_sync.saml.models import SamlBinding
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    CREATE,
    DISTRIBUTOR,
    OTHER_SELLER,
    SELLER,
    CustomerDoor,
    a_customer,
    customer_itself,
)

BIND = "/api/saml-bindings"
MOBILE = "13900001111"


async def _account(door: CustomerDoor, **fields: Any) -> dict[str, Any]:
    """A customer with name and phone; what the platform knows of it."""
    told = a_customer(
        domain_name="Acme-Shop",
        mobile_phone=MOBILE,
        verification_code=await door.code(MOBILE),
        **fields,
    )
    assert (await door.post(CREATE, told)).status_code == 200
    return {
        "xuser_id": "u1",
        "xaccount_id": told["xaccount_id"],
        "xaccount_type": told["xaccount_type"],
    }


async def _bindings(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(SamlBinding)) or 0


async def test_several_users_are_bound_to_one_account_each_once(
    door: CustomerDoor, database: Database, clock: StandingClock
) -> None:
    account = await _account(door)
    first = await door.post(BIND, account)
    assert first.status_code == 201, first.text
    assert {name: first.json()[name] for name in account} == account
    before = await door.written()
    clock.forward(hours=1)
    again = await door.post(BIND, account)
    assert (again.status_code, again.json()) == (201, first.json())
    assert await door.written() == before
    assert (await door.post(BIND, {**account, "xuser_id": "u2"})).status_code == 201
    assert await _bindings(database) == 2


@pytest.mark.parametrize(
    "mobile",
    [MOBILE, f"0086-{MOBILE}", f"+86{MOBILE}", f"+86-{MOBILE}", f"86-{MOBILE}", f"0086{MOBILE}",
     f" 0086 - {MOBILE} ", "139 0000 1111", "", "  ", None],
)  # fmt: skip
async def test_a_phone_matches_however_its_country_is_written(
    door: CustomerDoor, mobile: str | None
) -> None:
    account = await _account(door)
    named = {"customer_name": " acme-shop ", "mobile": mobile}
    assert (await door.post(BIND, {**account, **named})).status_code == 201


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("customer_name", "other-shop"),
        ("mobile", "0086-13900001112"),
        ("mobile", "0001-13900001111"),
        ("mobile", "+852-13900001111"),
    ],
)
async def test_another_name_or_phone_is_refused_by_its_attribute(
    door: CustomerDoor, database: Database, attribute: str, value: str
) -> None:
    account = await _account(door)
    before = await door.written()
    refused = await door.post(BIND, {**account, attribute: value})
    assert code_of(refused) == (400, "CBC.0101")
    assert attribute in refused.json()["detail"]
    assert await door.written() == before
    assert await _bindings(database) == 0


async def test_a_phone_told_of_an_account_without_one_is_another_phone(door: CustomerDoor) -> None:
    told = a_customer()
    await door.post(CREATE, told)
    body = {**told, "xuser_id": "u1", "mobile": MOBILE}
    assert code_of(await door.post(BIND, body)) == (400, "CBC.0101")


@pytest.mark.parametrize(
    "changes",
    [{"mobile": "phone"}, {"mobile": "139"}, {"xuser_id": " "}, {"xuser_id": None},
     {"xaccount_id": ""}, {"xaccount_type": "x" * 65}, {"customer_name": 1}, {"x": "y"}],
)  # fmt: skip
async def test_what_is_malformed_is_refused(door: CustomerDoor, changes: dict[str, Any]) -> None:
    account = await _account(door)
    before = await door.written()
    assert code_of(await door.post(BIND, {**account, **changes})) == (400, "CBC.0100")
    assert await door.written() == before


async def test_an_unknown_a_foreign_and_a_left_account_are_not_bound(
    door: CustomerDoor, database: Database
) -> None:
    account = await _account(door)
    before = await door.written()
    for changes, by in (
        ({"xaccount_id": "nobody"}, SELLER),
        ({"xaccount_id": account["xaccount_id"].upper()}, SELLER),
        ({"xaccount_type": "other"}, SELLER),
        ({}, OTHER_SELLER),
    ):
        answer = await door.post(BIND, {**account, **changes}, by)
        assert code_of(answer) == (404, "CHB.0404")
    (row,) = (await door.listed())["customer_infos"]
    for by in (ADMINISTRATOR, customer_itself(row["customer_id"])):
        assert code_of(await door.post(BIND, account, by)) == (403, "CBC.0151")
    assert await door.written() == before
    await door.unlink(row["customer_id"])
    assert code_of(await door.post(BIND, account)) == (409, "CHB.0409")
    assert await _bindings(database) == 0


async def test_the_distributor_above_binds_its_resellers_customers_users(
    door: CustomerDoor,
) -> None:
    told = a_customer(indirect_partner_id="res1")
    assert (await door.post(CREATE, told, DISTRIBUTOR)).status_code == 200
    account = {name: told[name] for name in ("xaccount_id", "xaccount_type")}
    bound = await door.post(BIND, {**account, "xuser_id": "u1"}, DISTRIBUTOR)
    assert bound.status_code == 201, bound.text


async def test_the_same_user_at_once_is_bound_once(door: CustomerDoor, database: Database) -> None:
    account = await _account(door)
    answers = await asyncio.gather(*(door.post(BIND, account) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await _bindings(database) == 1


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("13900001111", ("0086", "13900001111")),
        ("008613900001111", ("0086", "13900001111")),
        ("0852-51234567", ("0852", "51234567")),
        ("+1-2025550123", ("0001", "2025550123")),
        ("2025550123", None),
        ("0086-", None),
        ("86-139x", None),
        ("１３９００００１１１１", None),
    ],
)
def test_phones_are_read_as_country_code_and_number(
    text: str, read: tuple[str, str] | None
) -> None:
    assert attribute_mobile(text) == read
