"""freeze_sub_customers and unfreeze_sub_customers of the international site.

See docs/domain/international-site.md D.4b.
"""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from chassis.database import Database
from chassis.identity import Principal
from testkit import outbox
from testkit.door import code_of
from tests.customer_sync.builders import (
    ABROAD,
    DISTRIBUTOR,
    SELLER,
    CustomerDoor,
    customer_itself,
    hear,
    partner_joined,
)

FREEZE, UNFREEZE = "/v2/partners/sub-customers/freeze", "/v2/partners/sub-customers/unfreeze"
ACCOUNT, ALL = "ACCOUNT", "ACCOUNT_AND_RESOURCE"


async def _ask(
    door: CustomerDoor, path: str, *ids: str, by: Principal = ABROAD, **more: Any
) -> Any:
    return await door.post(path, {"customer_ids": list(ids), "reason": "Arrears", **more}, by)


async def _customer(door: CustomerDoor, **fields: Any) -> str:
    return await door.create(ABROAD, domain_area="SG", **fields)


async def _shown(door: CustomerDoor) -> list[int]:
    return [row["is_frozen"] for row in (await door.listed(ABROAD))["customer_infos"]]


@pytest.mark.parametrize(("told", "level"), [({}, 1), ({"type": ACCOUNT}, 1), ({"type": ALL}, 2)])
async def test_frozen_and_let_go_are_shown_and_stated(
    door: CustomerDoor, told: dict[str, str], level: int
) -> None:
    customer = await _customer(door)
    by_type: dict[str, Any] = {f"freeze_{name}": value for name, value in told.items()}
    answer = await _ask(door, FREEZE, customer, **by_type)
    assert (answer.status_code, answer.json()) == (200, {})
    assert await _shown(door) == [level]
    by_type = {f"unfreeze_{name}": value for name, value in told.items()}
    assert (await _ask(door, UNFREEZE, customer, **by_type)).json() == {}
    assert await _shown(door) == [0]
    stated = [
        (kind, body["version"], body["is_frozen"])
        for kind, body in await outbox.stated(door.database)
    ]
    assert stated[2:] == [("customer.frozen", 3, level), ("customer.unfrozen", 4, 0)]


async def test_what_is_so_already_is_done_and_states_nothing(door: CustomerDoor) -> None:
    customer = await _customer(door)
    await _ask(door, FREEZE, customer, customer)
    before = await door.written()
    assert (await _ask(door, FREEZE, customer)).json() == {}
    assert await door.written() == before
    await _ask(door, UNFREEZE, customer)
    before = await door.written()
    assert (await _ask(door, UNFREEZE, customer)).json() == {}
    assert await door.written() == before


async def test_another_type_neither_freezes_again_nor_lets_go(door: CustomerDoor) -> None:
    customer = await _customer(door)
    await _ask(door, FREEZE, customer, freeze_type=ALL)
    before = await door.written()
    for path in (FREEZE, UNFREEZE):  # by default ACCOUNT
        (detail,) = (await _ask(door, path, customer)).json()["error_details"]
        assert (detail["id"], detail["error_code"]) == (customer, "CBC.0155")
        assert detail["error_msg"]
    assert await door.written() == before
    assert await _shown(door) == [2]


async def test_what_cannot_be_frozen_is_named_and_the_others_are_frozen(
    door: CustomerDoor, database: Database
) -> None:
    await hear(database, partner_joined("sp8", "solution_provider", site="international"))
    stranger = replace(ABROAD, id="sp8", partner_id="sp8")
    mine, referral, gone = [await _customer(door) for _ in range(3)]
    theirs = await door.create(stranger, domain_area="SG")
    applied = await door.post(
        f"/api/customers/{referral}/switching", {"association_type": "1"}, ABROAD
    )
    itself = replace(customer_itself(referral, "sp9"), site="international")
    path = f"/api/association-applications/{applied.json()['application_id']}/agree"
    assert (await door.post(path, None, itself)).is_success
    await door.unlink(gone, ABROAD)
    answer = await _ask(door, FREEZE, mine, referral, gone, theirs, "nobody")
    assert answer.status_code == 200
    details = {one["id"]: one["error_code"] for one in answer.json()["error_details"]}
    assert details == {
        referral: "CBC.99000000",
        gone: "CBC.99000035",
        theirs: "CBC.99000035",
        "nobody": "CBC.99000035",
    }
    frozen = [body["customer_id"] for kind, body in await outbox.stated(door.database)
              if kind == "customer.frozen"]  # fmt: skip
    assert frozen == [mine]


async def test_only_partners_of_the_international_site_freeze(door: CustomerDoor) -> None:
    here = await door.create()
    before = await door.written()
    for by in (SELLER, DISTRIBUTOR, replace(customer_itself(here, "sp9"), site="international")):
        assert code_of(await _ask(door, FREEZE, here, by=by)) == (403, "CBC.0151")
    assert await door.written() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"customer_ids": []}, "CBC.0100"),
        ({"customer_ids": [f"c{number}" for number in range(11)]}, "CBC.0100"),
        ({"customer_ids": None}, "CBC.0100"),
        ({"reason": None}, "CBC.0100"),
        ({"reason": "x" * 513}, "CBC.0100"),
        ({"freeze_type": "EVERYTHING"}, "CBC.0101"),
    ],
)
async def test_a_request_that_says_something_else_is_refused(
    door: CustomerDoor, changes: dict[str, Any], code: str
) -> None:
    customer = await _customer(door)
    before = await door.written()
    body = {"customer_ids": [customer], "reason": "Arrears", **changes}
    assert code_of(await door.post(FREEZE, body, ABROAD)) == (400, code)
    assert await door.written() == before


async def test_a_distributor_freezes_its_resellers_customer_by_naming_it(
    door: CustomerDoor, database: Database
) -> None:
    told = {"site": "international", "currency": "USD"}
    joined = [
        partner_joined("dist9", "distributor", **told),
        partner_joined("res9", "reseller", distributor_id="dist9", **told),
    ]
    await hear(database, *joined)
    above = Principal(
        id="dist9", kind="distributor", partner_id="dist9", site="international"
    )  # fmt: skip
    customer = await door.create(above, domain_area="SG", indirect_partner_id="res9")
    (detail,) = (await _ask(door, FREEZE, customer, by=above)).json()["error_details"]
    assert detail["error_code"] == "CBC.99000035"
    assert (await _ask(door, FREEZE, customer, by=above, indirect_partner_id="res9")).json() == {}
    refused = await _ask(door, FREEZE, customer, by=above, indirect_partner_id="res1")
    assert code_of(refused) == (400, "CBC.99000037")


async def test_one_that_was_switched_since_may_still_be_let_go(
    door: CustomerDoor, database: Database
) -> None:
    customer = await _customer(door)
    await _ask(door, FREEZE, customer)
    async with database.transaction() as session:
        switch = text("UPDATE customers SET association_type = '1' WHERE id = :id")
        await session.execute(switch, {"id": customer})
    (detail,) = (await _ask(door, FREEZE, customer)).json()["error_details"]
    assert detail["error_code"] == "CBC.99000000"
    assert (await _ask(door, UNFREEZE, customer)).json() == {}
    assert await _shown(door) == [0]
