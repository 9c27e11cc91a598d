"""A partner gives money to its resale customers, and never more than it may."""

import asyncio
from typing import Any

import httpx
import pytest

from billing.accounts.post_movement import lock_accounts
from billing.settings import BillingSettings
from chassis.database import Database
from contracts.customer import CustomerAssociated, CustomerUnlinked
from testkit import outbox
from testkit.databases import ServiceDatabase
from testkit.door import code_of
from tests.billing.builders import (
    CUSTOMER,
    DISTRIBUTOR,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    PARTNER,
    REFERRAL,
    RESELLER,
    RESELLERS_CUSTOMER,
    BillingDoor,
    as_customer,
    as_partner,
    balance_of,
    customer,
    hear,
    money,
    prove,
    running,
    untouched,
)


async def test_a_transfer_moves_the_money_and_states_both_sides(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "1000.00")
    answer = await door.transfer(100.10)
    assert answer.status_code == 200
    assert list(answer.json()) == ["transfer_id"]
    assert (await balance_of(database, PARTNER)).balance == money("899.90")
    assert (await balance_of(database, CUSTOMER)).balance == money("100.10")
    given, taken = (await outbox.bodies(database, "billing.funds_moved"))[-2:]
    assert (given["owner_id"], given["amount"], given["balance"]) == (PARTNER, "-100.10", "899.90")
    assert (taken["owner_id"], taken["amount"], taken["balance"]) == (CUSTOMER, "100.10", "100.10")
    assert (taken["held"], taken["counterparty_id"]) == ("0.00", PARTNER)
    assert taken["movement_id"] == answer.json()["transfer_id"]
    assert taken["reason"] == "SOURCE_OPERATION_BEADJUST"
    assert (await prove(door))["balanced"]


async def test_the_earmarked_part_of_the_balance_stays(
    door: BillingDoor, database: Database
) -> None:
    """docs/domain/worked-examples.md F.12: balance 1000, earmarked 300, transfer 800."""
    await door.top_up(PARTNER, "1000.00", designated="300.00")
    before = await untouched(database)
    assert code_of(await door.transfer(800)) == (400, "CBC.99005003")
    assert await untouched(database) == before
    assert (await door.transfer("700.00")).status_code == 200
    assert code_of(await door.transfer(0.01)) == (400, "CBC.99005003")


async def test_with_a_reseller_named_its_balance_counts(
    door: BillingDoor, database: Database
) -> None:
    """docs/domain/worked-examples.md F.12: the reseller's numbers, not the caller's."""
    await door.top_up(DISTRIBUTOR, "1000.00")
    await door.top_up(RESELLER, "50.00")
    distributor = as_partner(DISTRIBUTOR, "distributor")

    async def give(amount: int) -> httpx.Response:
        return await door.transfer(
            amount, RESELLERS_CUSTOMER, distributor, indirect_partner_id=RESELLER
        )

    assert code_of(await give(100)) == (400, "CBC.99005003")
    assert (await give(50)).status_code == 200
    assert (await balance_of(database, DISTRIBUTOR)).balance == money("1000.00")
    assert (await balance_of(database, RESELLER)).balance == money("0.00")
    assert (await balance_of(database, RESELLERS_CUSTOMER)).balance == money("50.00")


async def test_a_distributor_may_name_only_its_own_resellers(
    door: BillingDoor, database: Database
) -> None:
    before = await untouched(database)
    distributor = as_partner(DISTRIBUTOR, "distributor")
    for named in (PARTNER, "nobody", DISTRIBUTOR):
        answer = await door.transfer(1, who=distributor, indirect_partner_id=named)
        assert code_of(answer) == (400, "CBC.99000037"), named
    assert await untouched(database) == before


async def test_others_may_say_indirect_partner_id_and_it_is_ignored(door: BillingDoor) -> None:
    await door.top_up(PARTNER, "10.00")
    assert (await door.transfer(10, indirect_partner_id=RESELLER)).status_code == 200


async def test_somebody_elses_customer_is_refused_like_one_that_does_not_exist(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "10.00")
    before = await untouched(database)
    for stranger in ("nobody", RESELLERS_CUSTOMER):
        assert code_of(await door.transfer(1, stranger)) == (400, "CBC.99000035"), stranger
    foreign = await door.transfer(1, CUSTOMER, as_partner(OTHER_PARTNER))
    assert code_of(foreign) == (400, "CBC.99000035")
    assert await untouched(database) == before


async def test_only_resale_customers_that_are_still_associated_get_money(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "10.00")
    assert code_of(await door.transfer(1, REFERRAL)) == (400, "CBC.5023")
    gone = customer(CustomerUnlinked, version=2, association_status="unlinked", unlinked_on=None)
    await hear(database, gone)
    assert code_of(await door.transfer(1)) == (400, "CBC.99000035")


async def test_a_customer_may_not_transfer(door: BillingDoor) -> None:
    assert code_of(await door.transfer(1, who=as_customer())) == (403, "CBC.0151")


BAD_AMOUNTS: list[Any] = [
    0, -1, 0.001, "1.005", 0.30000000000000004, True, "ten", None, 2147483647.01, [1]
]  # fmt: skip


async def test_amounts_are_above_zero_with_two_decimals_at_most(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "10.00")
    before = await untouched(database)
    for amount in BAD_AMOUNTS:
        assert code_of(await door.transfer(amount)) == (400, "CBC.0100"), amount
    assert await untouched(database) == before


async def test_no_body_at_all_is_a_parameter_error(door: BillingDoor) -> None:
    path = "/v2/accounts/partner-accounts/adjust-amount"
    assert code_of(await door.post(path, None, as_partner())) == (400, "CBC.0100")


@pytest.mark.usefixtures("long_waits")
async def test_a_customer_whose_news_is_under_way_is_waited_for(
    door: BillingDoor, database: Database
) -> None:
    """Create, then transfer at once: first unknown, then pending, then associated.

    See decision 0008.
    """
    await door.top_up(PARTNER, "10.00")
    transfer = asyncio.create_task(door.transfer(10, "customer-new"))
    await asyncio.sleep(0.1)
    new = "customer-new"
    await hear(database, customer(customer_id=new, association_status="pending"))
    await asyncio.sleep(0.1)
    assert not transfer.done()
    await hear(database, customer(CustomerAssociated, new, version=2))
    assert (await transfer).status_code == 200
    assert (await balance_of(database, "customer-new")).balance == money("10.00")


async def test_parallel_transfers_never_overdraw(door: BillingDoor, database: Database) -> None:
    await door.top_up(PARTNER, "100.00")
    customers = [CUSTOMER, OTHER_CUSTOMER] * 10
    answers = await asyncio.gather(*(door.transfer("7.00", each) for each in customers))
    done = [answer for answer in answers if answer.status_code == 200]
    assert len(done) == 14
    assert {code_of(a) for a in answers if a not in done} == {(400, "CBC.99005003")}
    assert (await balance_of(database, PARTNER)).balance == money("2.00")
    given = [(await balance_of(database, each)).balance for each in (CUSTOMER, OTHER_CUSTOMER)]
    assert sum(given) == money("98.00")
    assert (await prove(door))["balanced"]


async def test_money_given_while_the_customer_unlinks_is_not_left_with_it(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    gone = customer(CustomerUnlinked, version=2, association_status="unlinked")
    await asyncio.gather(*(door.transfer(1) for _ in range(10)), hear(database, gone))
    assert (await balance_of(database, CUSTOMER)).balance == money("0.00")
    assert (await balance_of(database, PARTNER)).balance == money("100.00")
    assert (await prove(door))["balanced"]


async def test_a_transfer_that_meets_a_batch_crosswise_lets_go_and_asks_again(
    door: BillingDoor, database: Database
) -> None:
    """A batch of events has the customer and then wants the partner; the transfer, the reverse."""
    await door.top_up(PARTNER, "10.00")
    async with database.transaction() as batch:
        await lock_accounts(batch, OTHER_CUSTOMER)
        transfer = asyncio.create_task(door.transfer(10, OTHER_CUSTOMER))
        await asyncio.sleep(0.4)  # it has the partner by now and waits for the customer
        await lock_accounts(batch, PARTNER)
    assert (await transfer).status_code == 200
    assert (await balance_of(database, OTHER_CUSTOMER)).balance == money("10.00")


async def test_who_waits_for_one_account_takes_no_connection_from_others(
    door: BillingDoor, database: Database
) -> None:
    """Break: leave IN_TURN out of the route; others then find no connection for ten seconds."""
    await door.top_up(PARTNER, "100.00")
    async with database.transaction() as session:
        await lock_accounts(session, PARTNER)
        waiting = [asyncio.create_task(door.transfer(1)) for _ in range(40)]
        await asyncio.sleep(0.2)  # as many as may have a connection have it
        path = "/v2/accounts/partner-accounts/balances"
        other = await door.get(path, as_partner(OTHER_PARTNER))
        assert other.status_code == 200, other.text
        assert not any(task.done() for task in waiting)
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_in_connected_mode_money_commands_are_refused(
    billing_database: ServiceDatabase, database: Database
) -> None:
    connected = billing_database.settings(BillingSettings, upstream_url="http://upstream")
    async with running(connected) as door:
        assert code_of(await door.transfer(1)) == (501, "CHB.0002")
        assert code_of(await door.hold("a1", "1.00")) == (501, "CHB.0002")
    assert await untouched(database) == (0, 0)
