"""Income and expense of partners and customers (docs/domain/accounts.md I.3, I.4)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.accounts.post_movement import RECHARGE, TRANSFER, USAGE
from billing.changes.trade_types import CHANNEL_OF, DETAILS_OF
from billing.settings import BillingSettings
from chassis.database import Database
from chassis.identity import Principal
from testkit.door import code_of
from tests.billing.builders import (
    CUSTOMER,
    DISTRIBUTOR,
    NOW,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    PARTNER,
    RESELLER,
    RESELLERS_CUSTOMER,
    BillingDoor,
    as_customer,
    as_partner,
    hear,
    order_line,
    order_paid,
    running,
)
from tests.billing.test_record_usage import record, vm

PARTNERS = "/v2/accounts/partner-accounts/account-change-records"
CUSTOMERS = "/v2/accounts/customer-accounts/account-change-records"
DEBIT, CREDIT = "BALANCE_TYPE_DEBIT", "BALANCE_TYPE_CREDIT"


async def records(
    door: BillingDoor, path: str, who: Principal, balance_type: str = DEBIT, **more: Any
) -> Any:
    """The whole answer."""
    query = "&".join(f"{name}={value}" for name, value in more.items())
    answer = await door.get(f"{path}?balance_type={balance_type}&{query}", who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_partners_records_are_its_postings_newest_first(door: BillingDoor) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer("30.50")
    answer = await records(door, PARTNERS, as_partner())
    given, recharged = answer["records"]
    assert (answer["total_count"], answer["currency"]) == (2, "CNY")
    assert {key: given[key] for key in given if key not in ("account_change_id", "trade_id")} == {
        "trade_detail_type": TRANSFER,
        "trade_time": "2026-11-23T03:00:00Z",
        "change_amount": "30.50",
        "balance_after_change": "69.50",
        "type": "2",
        "customer_id": CUSTOMER,
        "account_name": "customer-1-login",
    }
    assert (recharged["trade_detail_type"], recharged["type"]) == (RECHARGE, "1")
    assert "customer_id" not in recharged
    assert "account_name" not in recharged
    (second,) = (await records(door, PARTNERS, as_partner(), offset=1))["records"]
    assert second == recharged
    (only,) = (await records(door, PARTNERS, as_partner(), trade_type="BEADJUST"))["records"]
    assert only == given
    assert (await records(door, PARTNERS, as_partner(), CREDIT))["records"] == []
    assert (await records(door, PARTNERS, as_partner(OTHER_PARTNER)))["total_count"] == 0


async def test_a_distributor_sees_its_own_or_those_of_the_reseller_that_it_names(
    door: BillingDoor,
) -> None:
    above = as_partner(DISTRIBUTOR, "distributor")
    await door.top_up(DISTRIBUTOR, "50.00")
    path = "/v2/accounts/partner-accounts/indirect-partner-adjust"
    await door.post(path, {"indirect_partner_id": RESELLER, "amount": "20.00"}, above)
    await door.transfer("5.00", RESELLERS_CUSTOMER, above, indirect_partner_id=RESELLER)
    own = await records(door, PARTNERS, above)
    assert [(one["type"], one["change_amount"]) for one in own["records"]] == [
        ("2", "20.00"), ("1", "50.00"),
    ]  # fmt: skip
    assert own["records"][0]["account_name"] == RESELLER
    its = await records(door, PARTNERS, above, indirect_partner_id=RESELLER)
    assert [(one["type"], one["balance_after_change"]) for one in its["records"]] == [
        ("2", "15.00"), ("1", "20.00"),
    ]  # fmt: skip
    foreign = await door.get(
        f"{PARTNERS}?balance_type={DEBIT}&indirect_partner_id={PARTNER}", above
    )
    assert code_of(foreign) == (400, "CBC.99000037")


async def test_a_customers_records_say_what_the_line_says(
    door: BillingDoor, database: Database
) -> None:
    """Break: leave the line's cycle and time out of the movement of a charge for usage."""
    await door.top_up(CUSTOMER, "50.00")
    await door.hold("a1", "20.00")
    await hear(database, order_paid("a1", [order_line("l1", "20.00")], "20.00"))
    ended = "2026-10-31T15:30:00Z"
    used = {"used_until": ended, "charged_at": "2026-11-22T10:00:00Z"}
    await record(door, vm("r1", "10", **used))
    answer = await records(door, CUSTOMERS, as_customer())
    usage, order, recharged = answer["records"]
    assert (usage["trade_detail_type"], usage["change_amount"]) == (USAGE, "0.70")
    assert (usage["bill_cycle"], usage["consume_time"]) == ("2026-11", ended)
    assert usage["cloud_service_type_name"] == "弹性云服务器"
    assert (order["trade_id"], order["bill_cycle"]) == ("order-of-a1", "2026-11")
    assert order["consume_time"] == order["trade_time"]
    assert (order["revenue_expense_type"], order["balance_after_change"]) == ("EXPENSE", "30.00")
    assert (recharged["payment_channel_id"], recharged["payment_channel_no"]) == (
        "2", recharged["trade_id"],
    )  # fmt: skip
    assert "bill_cycle" not in recharged
    assert {one["account_name"] for one in answer["records"]} == {"customer-1-login"}


FILTERS: list[tuple[dict[str, str], int]] = [
    ({"revenue_expense_type": "REVENUE"}, 1),
    ({"revenue_expense_type": "EXPENSE"}, 2),
    ({"trade_type": "DEDEUCT"}, 2),
    ({"trade_type": "DEPOSIT"}, 0),
    ({"trade_type": ""}, 3),
    ({"trade_id": "ORDER-OF-A1"}, 1),
    ({"trade_id": "nothing"}, 0),
    ({"payment_channel_id": "1,2"}, 1),
    ({"payment_channel_id": "320"}, 0),
    ({"payment_channel_no": "nothing"}, 0),
    ({"limit": "1"}, 3),
]


async def test_each_filter_of_a_customers_records(door: BillingDoor, database: Database) -> None:
    await door.top_up(CUSTOMER, "50.00")
    await door.hold("a1", "20.00")
    paid = order_paid("a1", [order_line("l1", "20.00")], "20.00", order_id="ORDER-OF-A1")
    await hear(database, paid.model_copy(update={"order_id": "ORDER-OF-A1"}))
    await record(door, vm("r1", "10"))
    for told, count in FILTERS:
        found = await records(door, CUSTOMERS, as_customer(), **told)
        assert found["total_count"] == count, told
    assert (await records(door, CUSTOMERS, as_customer(OTHER_CUSTOMER)))["total_count"] == 0
    for bad in ("revenue_expense_type=1", "trade_time_begin=2026-11-32", "limit=0",
                "trade_time_begin=2026-11-23&trade_time_end=2026-11-22"):  # fmt: skip
        answer = await door.get(f"{CUSTOMERS}?balance_type={DEBIT}&{bad}", as_customer())
        assert answer.status_code == 400, bad
    assert code_of(await door.get(f"{CUSTOMERS}?balance_type={DEBIT}", as_partner()))[0] == 403


async def test_days_are_beijings_and_reach_back_a_year(
    settings: BillingSettings,
) -> None:
    """Break: read the days as UTC's."""
    just_before = datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)  # the 22nd in Beijing
    a_year_ago = NOW - timedelta(days=366)
    for at in (a_year_ago, just_before, just_before + timedelta(seconds=1)):
        async with running(settings, at) as door:
            await door.top_up(CUSTOMER, "1.00")
    async with running(settings) as door:
        assert (await records(door, CUSTOMERS, as_customer()))["total_count"] == 2
        on = {"trade_time_begin": "2026-11-23", "trade_time_end": "2026-11-23"}
        assert (await records(door, CUSTOMERS, as_customer(), **on))["total_count"] == 1
        early = {"trade_time_begin": "2025-11-01", "trade_time_end": "2025-11-30"}
        assert (await records(door, CUSTOMERS, as_customer(), **early))["total_count"] == 1


@pytest.mark.parametrize("detail", [RECHARGE, TRANSFER, USAGE])
def test_what_moves_money_here_has_a_trade_type(detail: str) -> None:
    assert any(detail in details for details in DETAILS_OF.values())
    assert set(CHANNEL_OF) <= set().union(*DETAILS_OF.values())
