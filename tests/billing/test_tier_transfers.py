"""A distributor's money goes to its resellers and comes back (docs/domain/accounts.md I.3)."""

from typing import Any

import httpx

from chassis.database import Database
from testkit import outbox
from testkit.audit import deeds
from testkit.door import code_of
from tests.billing.builders import (
    DISTRIBUTOR,
    PARTNER,
    RESELLER,
    RESELLERS_CUSTOMER,
    BillingDoor,
    as_partner,
    balance_of,
    money,
    prove,
    untouched,
)

GIVE = "/v2/accounts/partner-accounts/indirect-partner-adjust"
TAKE = "/v2/accounts/partner-accounts/indirect-partner-reclaim"
RECORDS = "/v3/accounts/partner-accounts/adjust-records"
ABOVE = as_partner(DISTRIBUTOR, "distributor")


async def move(
    door: BillingDoor, path: str, amount: Any, reseller: str = RESELLER, who: Any = ABOVE
) -> httpx.Response:
    """A transfer or a reclaim of the distributor's."""
    return await door.post(path, {"indirect_partner_id": reseller, "amount": amount}, who)


async def test_money_goes_down_and_comes_back_and_both_sides_are_told(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(DISTRIBUTOR, "100.00")
    given = await move(door, GIVE, 60.5)
    assert (given.status_code, list(given.json())) == (200, ["transfer_id"])
    taken = await move(door, TAKE, "20.25")
    assert (taken.status_code, list(taken.json())) == (200, ["trans_id"])
    assert (await balance_of(database, DISTRIBUTOR)).balance == money("59.75")
    assert (await balance_of(database, RESELLER)).balance == money("40.25")
    told = [
        (one["owner_id"], one["amount"], one["counterparty_id"])
        for one in await outbox.bodies(database, "billing.funds_moved")
    ]
    assert told[-4:] == [
        (DISTRIBUTOR, "-60.50", RESELLER), (RESELLER, "60.50", DISTRIBUTOR),
        (DISTRIBUTOR, "20.25", RESELLER), (RESELLER, "-20.25", DISTRIBUTOR),
    ]  # fmt: skip
    assert (await deeds(database))[-2:] == [
        ("funds.transfer", RESELLER), ("funds.reclaim", RESELLER),
    ]  # fmt: skip
    assert (await prove(door))["balanced"]


async def test_both_stand_in_the_distributors_records_with_the_reseller_as_customer(
    door: BillingDoor,
) -> None:
    """Break: put the reseller's side of a reclaim first, so that the movement is the reseller's."""
    await door.top_up(DISTRIBUTOR, "100.00")
    await door.top_up(RESELLER, "30.00")
    transfer = (await move(door, GIVE, 10)).json()["transfer_id"]
    reclaim = (await move(door, TAKE, 4)).json()["trans_id"]
    await door.transfer(1, RESELLERS_CUSTOMER, ABOVE, indirect_partner_id=RESELLER)
    own = (await door.get(RECORDS, ABOVE)).json()
    shown = {(one["trans_id"], one["operation_type"][-10:], one["amount"], one["customer_id"],
              one["customer_name"]) for one in own["records"]}  # fmt: skip
    assert shown == {
        (transfer, "N_BEADJUST", "10.00", RESELLER, RESELLER),
        (reclaim, "BERETRIEVE", "4.00", RESELLER, RESELLER),
    }
    named = (await door.get(f"{RECORDS}?customer_id={RESELLER}", ABOVE)).json()
    assert named["total_count"] == 2
    below = (await door.get(f"{RECORDS}?indirect_partner_id={RESELLER}", ABOVE)).json()
    assert [one["customer_id"] for one in below["records"]] == [RESELLERS_CUSTOMER]


async def test_each_kind_of_too_little_is_told_apart(door: BillingDoor, database: Database) -> None:
    await door.top_up(DISTRIBUTOR, "100.00", designated="30.00")
    await door.top_up(RESELLER, "5.00")
    before = await untouched(database)
    texts = []
    for path, amount in ((GIVE, 100.01), (GIVE, 70.01), (TAKE, 5.01)):
        answer = await move(door, path, amount)
        assert code_of(answer) == (400, "CBC.99005003"), (path, amount)
        texts.append(answer.json()["error_msg"])
    assert await untouched(database) == before
    assert ["partner's balance" in text for text in texts] == [True, False, True]
    assert "earmarked" in texts[1]


async def test_only_the_distributors_own_resellers(door: BillingDoor, database: Database) -> None:
    await door.top_up(DISTRIBUTOR, "100.00")
    before = await untouched(database)
    for path in (GIVE, TAKE):
        for stranger in (PARTNER, DISTRIBUTOR, "nobody"):
            answer = await move(door, path, 1, stranger)
            assert code_of(answer) == (400, "CBC.99000037"), stranger
        assert code_of(await move(door, path, 1, who=as_partner())) == (403, "CBC.0151")
        for amount in (0, 0.001, True):
            assert code_of(await move(door, path, amount)) == (400, "CBC.0100"), amount
    assert await untouched(database) == before
