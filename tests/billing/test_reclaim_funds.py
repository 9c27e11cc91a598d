"""Money comes back to the partner: by its command, or when the association ends."""

import asyncio

import pytest
from sqlalchemy import text

from billing.consumers import consumers
from chassis.database import Database
from contracts.customer import (
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerUnlinked,
    CustomerUpdated,
)
from testkit import outbox
from testkit.door import code_of
from tests.billing.builders import (
    CUSTOMER,
    OTHER_PARTNER,
    PARTNER,
    REFERRAL,
    BillingDoor,
    as_partner,
    balance_of,
    customer,
    hear,
    money,
    payment_failed,
    prove,
    untouched,
)

RECLAIM = "/v2/accounts/partner-accounts/reclaim"


async def test_reclaiming_gives_the_partner_its_money_back(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(100)
    answer = await door.post(RECLAIM, {"customer_id": CUSTOMER, "amount": 37.5}, as_partner())
    assert answer.status_code == 200
    assert list(answer.json()) == ["trans_id"]  # not transfer_id (docs/domain/accounts.md B.10)
    assert (await balance_of(database, CUSTOMER)).balance == money("62.50")
    assert (await balance_of(database, PARTNER)).balance == money("37.50")
    assert (await outbox.bodies(database))[-1]["reason"] == "SOURCE_OPERATION_BERETRIEVE"
    assert (await prove(door))["balanced"]


async def test_no_more_is_reclaimed_than_is_free(door: BillingDoor, database: Database) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(100)
    await door.hold("a1", "60.00")
    before = await untouched(database)
    answer = await door.post(RECLAIM, {"customer_id": CUSTOMER, "amount": 40.01}, as_partner())
    assert code_of(answer) == (400, "CBC.99005003")
    assert await untouched(database) == before
    answer = await door.post(RECLAIM, {"customer_id": CUSTOMER, "amount": 40}, as_partner())
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("who", "whose", "code"),
    [(OTHER_PARTNER, CUSTOMER, "CBC.99000035"), (PARTNER, REFERRAL, "CBC.5023")],
)
async def test_only_from_ones_own_resale_customers(
    door: BillingDoor, who: str, whose: str, code: str
) -> None:
    answer = await door.post(RECLAIM, {"customer_id": whose, "amount": 1}, as_partner(who))
    assert code_of(answer) == (400, code)


async def test_an_unlinked_customers_balance_returns_once(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(80)
    gone = customer(CustomerUnlinked, version=2, association_status="unlinked")
    await hear(database, gone, gone)
    assert (await balance_of(database, CUSTOMER)).balance == money("0.00")
    assert (await balance_of(database, PARTNER)).balance == money("100.00")
    returns = [
        e for e in await outbox.bodies(database) if e["reason"] == "SOURCE_OPERATION_BEUNBIND"
    ]
    assert [(e["owner_id"], e["amount"]) for e in returns] == [
        (CUSTOMER, "-80.00"),
        (PARTNER, "80.00"),
    ]


async def test_an_older_event_after_the_unlinking_changes_nothing(
    door: BillingDoor, database: Database
) -> None:
    gone = customer(CustomerUnlinked, version=3, association_status="unlinked")
    await hear(database, gone, customer(CustomerUpdated, version=2))
    await door.top_up(PARTNER, "1.00")
    assert code_of(await door.transfer(1)) == (400, "CBC.99000035")


async def test_a_switch_to_referral_returns_the_balance_too(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "10.00")
    await door.transfer(10)
    switch = customer(CustomerAssociationChanged, version=2, association_type="1")
    await hear(database, switch)
    assert (await balance_of(database, PARTNER)).balance == money("10.00")


async def test_a_referral_customers_own_money_stays_with_it(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(REFERRAL, "10.00")
    own = {"customer_id": REFERRAL, "association_type": "1"}
    await hear(
        database, customer(CustomerUnlinked, version=2, association_status="unlinked", **own)
    )
    assert (await balance_of(database, REFERRAL)).balance == money("10.00")


async def test_what_an_open_payment_holds_returns_when_it_fails(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(100)
    await door.hold("a1", "60.00")
    await hear(database, customer(CustomerUnlinked, version=2, association_status="unlinked"))
    assert (await balance_of(database, PARTNER)).balance == money("40.00")
    assert (await balance_of(database, CUSTOMER)).held == money("60.00")
    await hear(database, payment_failed("a1"))
    assert (await balance_of(database, PARTNER)).balance == money("100.00")
    assert (await prove(door))["balanced"]


async def test_what_a_payment_frees_while_its_customer_unlinks_is_not_left_with_it(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(100)
    await door.hold("a1", "60.00")
    async with database.transaction() as batch:
        gone = customer(CustomerUnlinked, version=2, association_status="unlinked")
        await consumers.handle([gone], batch)
        freed = asyncio.create_task(hear(database, payment_failed("a1")))
        await asyncio.sleep(0.4)  # it waits for what the unlinking has in hand
    await freed
    assert (await balance_of(database, CUSTOMER)).balance == money("0.00")
    assert (await balance_of(database, PARTNER)).balance == money("100.00")
    assert (await prove(door))["balanced"]


async def test_what_a_payment_frees_does_not_follow_its_customer_to_another_partner(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(100)
    await door.hold("a1", "60.00")
    gone = customer(CustomerUnlinked, version=2, association_status="unlinked")
    there = customer(CustomerAssociated, version=3, partner_id=OTHER_PARTNER)
    await hear(database, gone, there)
    await door.top_up(CUSTOMER, "10.00")
    await hear(database, payment_failed("a1"))
    assert (await balance_of(database, CUSTOMER)).balance == money("10.00")  # its own stays
    assert (await balance_of(database, PARTNER)).balance == money("100.00")
    assert (await prove(door))["balanced"]


async def test_a_record_belongs_to_the_whole_second_that_it_shows(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(80)
    async with database.transaction() as session:
        await session.execute(text("UPDATE movements SET at = at + interval '0.999999 s'"))
    path = "/v3/accounts/partner-accounts/adjust-records"
    shown = (await door.get(path, as_partner())).json()["records"][0]["operation_time"]
    window = f"operation_time_begin={shown}&operation_time_end={shown}"
    assert (await door.get(f"{path}?{window}", as_partner())).json()["total_count"] == 1


async def test_adjust_records_list_transfers_reclaims_and_returns(door: BillingDoor) -> None:
    await door.top_up(PARTNER, "100.00")
    transfer_id = (await door.transfer(80)).json()["transfer_id"]
    await door.post(RECLAIM, {"customer_id": CUSTOMER, "amount": 5}, as_partner())
    path = "/v3/accounts/partner-accounts/adjust-records"
    both = (await door.get(f"{path}?limit=1&offset=1", as_partner())).json()
    assert both["total_count"] == 2
    assert len(both["records"]) == 1
    only = (await door.get(f"{path}?operation_type=SOURCE_OPERATION_BEADJUST", as_partner())).json()
    assert only["records"] == [
        {
            "customer_id": CUSTOMER,
            "customer_name": f"{CUSTOMER} Ltd",
            "operation_type": "SOURCE_OPERATION_BEADJUST",
            "amount": "80.00",
            "currency": "CNY",
            "operation_time": "2026-11-23T03:00:00Z",
            "trans_id": transfer_id,
            "measure_id": 1,
        }
    ]
    assert (await door.get(path, as_partner(OTHER_PARTNER))).json()["total_count"] == 0
    assert code_of(await door.get(f"{path}?operation_type=GIFT", as_partner())) == (
        400,
        "CBC.0101",
    )
