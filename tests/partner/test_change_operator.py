"""An operator is disabled, gets other items, another role, another password."""

from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import select, text, update

from chassis.database import Database
from contracts.partner import PartnerOperatorChanged
from partner.models import Operator
from testkit import outbox
from tests.partner.builders import PartnerDoor, an_operator, as_partner, written
from wire.permissions import OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM, items


async def _added(door: PartnerDoor, account: dict[str, Any], **fields: Any) -> str:
    path = f"/api/partners/{account['partner_id']}/operators"
    answer = await door.post(path, an_operator(**fields))
    assert answer.status_code == 201, answer.text
    return f"{path}/{answer.json()['operator_id']}"


async def test_a_change_is_answered_stated_and_audited(
    door: PartnerDoor, database: Database
) -> None:
    account = await door.register()
    path = await _added(door, account, permissions=["CHB_ITEM_FUNDS"])
    change = {
        "status": "disabled",
        "permissions": ["CHB_ITEM_ORDERS"],
        "role": "finance",
        "name": "李娜",
        "credential_ref": "ref-9",
    }
    answer = await door.patch(path, change, by=as_partner(account))
    assert answer.status_code == 200, answer.text
    operator = answer.json()
    assert (operator["status"], operator["version"]) == ("disabled", 2)
    assert (operator["permissions"], operator["role"]) == (["CHB_ITEM_ORDERS"], "finance")
    event_type, body = (await outbox.stated(database))[-1]
    assert event_type == "partner.operator_changed"
    event = PartnerOperatorChanged.model_validate(body)
    assert (event.status, event.permissions, event.role) == (
        "disabled",
        ["CHB_ITEM_ORDERS"],
        "finance",
    )
    assert (event.name, event.credential_ref, event.version) == ("李娜", "ref-9", 2)
    assert await written(database) == (1, 1, 3, 3)


async def test_what_is_not_named_stays_and_no_change_states_nothing(
    door: PartnerDoor, database: Database
) -> None:
    account = await door.register()
    path = await _added(door, account, permissions=["CHB_ITEM_FUNDS"])
    before = await written(database)
    for nothing in ({}, {"status": "active"}, {"permissions": ["CHB_ITEM_FUNDS"]}):
        assert (await door.patch(path, nothing)).json()["version"] == 1
    assert await written(database) == before
    changed = (await door.patch(path, {"status": "disabled"})).json()
    assert (changed["permissions"], changed["role"]) == (["CHB_ITEM_FUNDS"], "account_manager")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": "gone"}, "CBC.0101"),
        ({"role": "king"}, "CBC.0101"),
        ({"permissions": ["BPC_ITEM_MOON"]}, "CBC.0101"),
        ({"permissions": "CHB_ITEM_FUNDS"}, "CBC.0100"),
        ({"name": ""}, "CBC.0100"),
    ],
)
async def test_a_wrong_field_changes_nothing(
    door: PartnerDoor, database: Database, change: dict[str, Any], code: str
) -> None:
    path = await _added(door, await door.register())
    before = await written(database)
    answer = await door.patch(path, change)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await written(database) == before


async def test_only_the_account_its_administrators_and_the_platforms_may(
    door: PartnerDoor, database: Database
) -> None:
    account, other = await door.register(), await door.register()
    path = await _added(door, account)
    before = await written(database)
    clerk = as_partner(account, operator_id="o", operator_role="finance", permissions=items())
    refused = await door.patch(path, {"status": "disabled"}, by=clerk)
    assert (refused.status_code, refused.json()["code"]) == (403, "CBC.0151")
    hidden = await door.patch(path, {"status": "disabled"}, by=as_partner(other))
    assert (hidden.status_code, hidden.json()["code"]) == (404, "CHB.0404")
    strayed = path.replace(account["partner_id"], other["partner_id"])
    hidden = await door.patch(strayed, {"status": "disabled"}, by=as_partner(other))
    assert (hidden.status_code, hidden.json()["code"]) == (404, "CHB.0404")
    assert await written(database) == before
    boss = as_partner(account, operator_id="o", operator_role="administrator")
    assert (await door.patch(path, {"status": "disabled"}, by=boss)).status_code == 200
    assert (await door.patch(path, {"status": "active"})).status_code == 200


async def test_the_way_into_the_ops_console_is_the_platforms_alone(door: PartnerDoor) -> None:
    """A partner that sets the password of somebody who has the item would come in as that one."""
    account = await door.register()
    path = await _added(door, account, permissions=[OPS_CONSOLE_ITEM])
    by = as_partner(account)
    touching: list[dict[str, Any]] = [
        {"permissions": [OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM]},
        {"permissions": []},
        {"credential_ref": "ref-2"},
    ]
    for change in touching:
        refused = await door.patch(path, change, by=by)
        assert (refused.status_code, refused.json()["code"]) == (403, "CBC.0151")
    kept = {"permissions": ["CHB_ITEM_FUNDS", OPS_CONSOLE_ITEM]}
    assert (await door.patch(path, kept, by=by)).status_code == 200
    assert (await door.patch(path, {"status": "disabled"}, by=by)).status_code == 200
    assert (await door.patch(path, {"permissions": []})).status_code == 200


async def test_the_migration_leaves_an_administrator_its_role_and_the_console(
    door: PartnerDoor, database: Database
) -> None:
    account = await door.register()
    written_in = {
        "administrator": ["BPC_ITEM_SUBCUSTSERV_030102", OPS_CONSOLE_ITEM],
        "finance": ["BPC_ITEM_SUBCUSTSERV_030102"],
    }
    migration = import_module("partner.migrations.versions.0002_roles_alone")
    for role, listed in written_in.items():
        await _added(door, account, role=role)
        async with database.transaction() as session:
            await session.execute(
                update(Operator).where(Operator.role == role).values(permissions=listed)
            )
    await _added(door, account, role="administrator")
    async with database.transaction() as session:
        await session.execute(text(migration._ROLES_ALONE))
        found = await session.execute(select(Operator.role, Operator.permissions))
        kept = sorted((role, listed) for role, listed in found)
    assert kept == [
        ("administrator", []),
        ("administrator", [OPS_CONSOLE_ITEM]),
        ("finance", ["BPC_ITEM_SUBCUSTSERV_030102"]),
    ]
