"""Operators of a partner account (docs/domain/partners.md B.1)."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from chassis.database import Database
from chassis.identity import Principal
from contracts.partner import PartnerOperatorAdded
from testkit import outbox
from tests.partner.builders import PartnerDoor, an_operator, as_partner, written
from wire.permissions import OPS_CONSOLE_ITEM, items

ISSUE_COUPONS = "BPC_ITEM_SUBCUSTSERV_030102"


def _path(account: dict[str, Any]) -> str:
    return f"/api/partners/{account['partner_id']}/operators"


async def test_an_operator_is_told_with_its_permissions_and_credential(
    door: PartnerDoor, database: Database
) -> None:
    """The gateway binds the password that it keeps under the reference."""
    account = await door.register()
    body = an_operator(permissions=[ISSUE_COUPONS, ISSUE_COUPONS], credential_ref="ref-7")
    answer = await door.post(_path(account), body, by=as_partner(account))
    assert answer.status_code == 201
    operator = answer.json()
    assert operator["permissions"] == [ISSUE_COUPONS]
    assert "credential_ref" not in operator

    event_type, stated_body = (await outbox.stated(database))[1]
    assert event_type == "partner.operator_added"
    event = PartnerOperatorAdded.model_validate(stated_body)
    assert event.key == account["partner_id"]
    assert event.subject == operator["operator_id"]
    assert (event.permissions, event.credential_ref) == ([ISSUE_COUPONS], "ref-7")
    assert (event.role, event.status) == ("account_manager", "active")
    assert await written(database) == (1, 1, 2, 2)


async def test_an_administrators_role_is_kept_as_a_role(door: PartnerDoor) -> None:
    """What it may follows from it alone, whatever items there will be."""
    account = await door.register()
    answer = await door.post(_path(account), an_operator(role="administrator"))
    assert (answer.json()["role"], answer.json()["permissions"]) == ("administrator", [])


async def test_every_item_of_the_table_can_be_given(door: PartnerDoor) -> None:
    """The vendor's and our own."""
    account = await door.register()
    answer = await door.post(_path(account), an_operator(permissions=sorted(items())))
    assert answer.json()["permissions"] == sorted(items())


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"permissions": ["BPC_ITEM_MOON"]}, "CBC.0101", "permissions[0]"),
        ({"permissions": [ISSUE_COUPONS, "x"]}, "CBC.0101", "permissions[1]"),
        ({"permissions": ISSUE_COUPONS}, "CBC.0100", "permissions"),
        ({"role": "king"}, "CBC.0101", "role"),
        ({"account_name": "王芳"}, "CBC.0100", "account_name"),
        ({"name": None}, "CBC.0100", "name"),
    ],
)
async def test_a_field_that_is_wrong_is_named_and_no_operator_is_written(
    door: PartnerDoor, database: Database, fields: dict[str, Any], code: str, field: str
) -> None:
    """Malformed is CBC.0100, a value that does not exist is CBC.0101."""
    account = await door.register()
    answer = await door.post(_path(account), an_operator(**fields))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, code)
    assert problem["refusal_detail"].split(":")[0] == field
    assert await written(database) == (1, 0, 1, 1)


async def test_a_name_is_one_operators_within_its_partner(
    door: PartnerDoor, database: Database
) -> None:
    """Another partner may use it: people sign in under their partner's account name."""
    account, other = await door.register(), await door.register()
    body = an_operator(account_name="wang_fang")
    assert (await door.post(_path(account), body)).status_code == 201
    again = await door.post(_path(account), body)
    assert (again.status_code, again.json()["code"]) == (400, "CBC.99000038")
    assert (await door.post(_path(other), body)).status_code == 201
    assert (await written(database))[1] == 2


async def test_no_operator_is_named_like_its_account(door: PartnerDoor, database: Database) -> None:
    """Whoever signs in by that name is the account itself."""
    account = await door.register(account_name="yunfan")
    answer = await door.post(_path(account), an_operator(account_name="yunfan"))
    assert (answer.status_code, answer.json()["code"]) == (400, "CBC.99000038")
    assert await written(database) == (1, 0, 1, 1)


async def test_the_administrator_alone_lets_an_operator_into_the_ops_console(
    door: PartnerDoor, database: Database
) -> None:
    """It shows every partner's events; no role of a partner has it by itself."""
    account = await door.register()
    body = an_operator(role="administrator", permissions=[OPS_CONSOLE_ITEM])
    refused = await door.post(_path(account), body, by=as_partner(account))
    assert (refused.status_code, refused.json()["code"]) == (403, "CBC.0151")
    assert await written(database) == (1, 0, 1, 1)
    granted = await door.post(_path(account), body)
    assert OPS_CONSOLE_ITEM in granted.json()["permissions"]
    without = await door.post(_path(account), an_operator(role="administrator"))
    assert OPS_CONSOLE_ITEM not in without.json()["permissions"]


async def test_of_many_operators_of_one_name_at_once_one_is_added(
    door: PartnerDoor, database: Database
) -> None:
    """The others hear that the name is in use."""
    account = await door.register()
    body = an_operator(account_name="wang_fang")
    answers = await asyncio.gather(*(door.post(_path(account), body) for _ in range(6)))
    codes = Counter(answer.json().get("code", "added") for answer in answers)
    assert codes == {"added": 1, "CBC.99000038": 5}
    assert await written(database) == (1, 1, 2, 2)


async def test_the_same_request_with_the_same_key_adds_one_operator(
    door: PartnerDoor, database: Database
) -> None:
    """And is answered with the first answer."""
    account = await door.register()
    body = an_operator()
    first = await door.post(_path(account), body, key="k-1")
    again = await door.post(_path(account), body, key="k-1")
    assert again.content == first.content
    assert await written(database) == (1, 1, 2, 2)


async def test_nobody_adds_or_sees_operators_of_another_account(
    door: PartnerDoor, database: Database
) -> None:
    """Nor does a distributor those of its reseller."""
    above = await door.register(kind="distributor")
    below = await door.register(kind="reseller", distributor_id=above["partner_id"])
    before = await written(database)
    for path in (_path(below), f"/api/partners/{'ef' * 16}/operators"):
        refused = await door.post(path, an_operator(), by=as_partner(above))
        assert (refused.status_code, refused.json()["code"]) == (404, "CHB.0404")
        hidden = await door.get(path, by=as_partner(above))
        assert (hidden.status_code, hidden.json()["code"]) == (404, "CHB.0404")
    assert await written(database) == before


async def test_an_operator_makes_operators_by_the_administrators_role_alone(
    door: PartnerDoor, database: Database
) -> None:
    """Others could give more than they have, whatever items they have."""
    account = await door.register()
    by = as_partner(account, operator_id="op-1", operator_role="finance", permissions=items())
    refused = await door.post(_path(account), an_operator(), by=by)
    assert (refused.status_code, refused.json()["code"]) == (403, "CBC.0151")
    assert await written(database) == (1, 0, 1, 1)
    by = as_partner(account, operator_id="op-2", operator_role="administrator")
    assert (await door.post(_path(account), an_operator(), by=by)).status_code == 201


async def test_a_customer_has_no_operators(door: PartnerDoor) -> None:
    """Not even of its own partner."""
    account = await door.register()
    customer = Principal(id="c" * 32, kind="customer", partner_id=account["partner_id"])
    refused = await door.get(_path(account), by=customer)
    assert (refused.status_code, refused.json()["code"]) == (403, "CBC.0151")


async def test_a_delisted_partner_gets_no_new_operators(
    door: PartnerDoor, database: Database
) -> None:
    """It left the programme."""
    account = await door.register(status="delisted")
    refused = await door.post(_path(account), an_operator())
    assert refused.json()["code"] == "CBC.50010085"
    assert await written(database) == (1, 0, 1, 1)


async def test_operators_are_listed_in_pages(door: PartnerDoor) -> None:
    """First added first."""
    account, other = await door.register(), await door.register()
    added = [(await door.post(_path(account), an_operator())).json() for _ in range(3)]
    await door.post(_path(other), an_operator())
    by = as_partner(account)
    first = (await door.get(f"{_path(account)}?limit=2", by=by)).json()
    rest = (await door.get(f"{_path(account)}?after={first['next']}", by=by)).json()
    assert first["operators"] + rest["operators"] == added
    assert rest["next"] is None
