"""The partner reads its customers' bills: which lines, which window, which fields."""

from datetime import UTC, datetime, timedelta

from chassis.database import Database
from contracts.customer import CustomerUnlinked
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
    customer,
    hear,
    order_line,
    order_paid,
)

DETAIL = "/v2/bills/subcustomer-bills/res-fee-records"
CONSUMED = f"{DETAIL}/sub-customers/query"


def detail(cycle: str = "2026-11", customer_id: str = CUSTOMER, **filters: str | int) -> str:
    more = "".join(f"&{name}={value}" for name, value in filters.items())
    return f"{DETAIL}?bill_cycle={cycle}&customer_id={customer_id}{more}"


async def pay(database: Database, attempt: str, amount: str, at: datetime, **more: str) -> None:
    """An order of one line that a cash coupon pays."""
    await hear(
        database,
        order_paid(
            attempt,
            [order_line("l1", amount, "20.00")],
            coupons=[(1, amount)],
            occurred_at=at,
            **more,
        ),
    )


async def test_a_line_has_the_fields_of_the_sdks_model_and_numbers_are_numbers(
    door: BillingDoor, database: Database
) -> None:
    at = datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)
    await pay(database, "a1", "15.50", at)
    answer = await door.get(detail(), as_partner())
    body = answer.json()
    assert (body["total_count"], body["currency"]) == (1, "CNY")
    (line,) = body["fee_records"]
    line.pop("id")
    assert line == {
        "bill_cycle": "2026-11",
        "customer_id": CUSTOMER,
        "association_type": "2",
        "service_type_code": "hws.service.type.ec2",
        "resource_type_code": "hws.resource.type.vm",
        "service_type_name": "弹性云服务器",
        "resource_type_name": "云主机",
        "charging_mode": 1,
        "trade_time": "2026-11-03T04:05:06Z",
        "trade_id": "order-of-a1",
        "bill_detail_type": 1,
        "region_code": "cn-north-4",
        "region_name": "华北-北京四",
        "product_id": "OFFI-ECS-S6SMALL-L",
        "product_name": "通用计算型 1vCPUs 1GiB Linux",
        "product_spec_desc": "通用计算型 1vCPUs 1GiB Linux",
        "consume_time": "2026-11-23T03:00:00Z",
        "official_amount": 20.0,
        "official_discount_amount": 4.5,
        "payment_amount": 15.5,
        "cash_amount": 0.0,
        "credit_amount": 0.0,
        "coupon_amount": 15.5,
        "flexipurchase_coupon_amount": 0.0,
        "stored_value_card_amount": 0.0,
        "debt_amount": 0.0,
        "writeoff_amount": 0.0,
        "period_type": 20,
        "period_num": 1,
        "account_manager_id": "manager-1",
        "partner_id": PARTNER,
        "order_type": 1,
    }
    assert '"payment_amount":15.50,' in answer.text
    assert '"official_amount":20.00000000,' in answer.text


async def test_cycles_and_days_are_beijings(door: BillingDoor, database: Database) -> None:
    last = datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC)
    await pay(database, "a1", "1.00", last)
    await pay(database, "a2", "2.00", last + timedelta(seconds=1))
    october = (await door.get(detail("2026-10"), as_partner())).json()
    november = (await door.get(detail("2026-11"), as_partner())).json()
    assert [line["trade_id"] for line in october["fee_records"]] == ["order-of-a1"]
    assert [line["trade_id"] for line in november["fee_records"]] == ["order-of-a2"]
    first = detail(bill_date_begin="2026-11-01", bill_date_end="2026-11-01")
    second = detail(bill_date_begin="2026-11-02", bill_date_end="2026-11-30")
    assert (await door.get(first, as_partner())).json()["total_count"] == 1
    assert (await door.get(second, as_partner())).json()["total_count"] == 0
    alone = detail(bill_date_begin="2026-11-02")  # both or it is no filter
    assert (await door.get(alone, as_partner())).json()["total_count"] == 1


async def test_offset_counts_records_and_the_order_is_by_trade_time(
    door: BillingDoor, database: Database
) -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    for n in (3, 1, 2, 0):
        await pay(database, f"a{n}", "1.00", begin + timedelta(hours=n))
    page = (await door.get(detail(limit=10, offset=1), as_partner())).json()
    assert page["total_count"] == 4
    assert [r["trade_id"] for r in page["fee_records"]] == [f"order-of-a{n}" for n in (1, 2, 3)]
    none = (await door.get(detail(limit=0), as_partner())).json()
    assert (none["total_count"], none["fee_records"]) == (4, [])


FILTERS: list[tuple[dict[str, str | int], int]] = [
    ({"service_type_code": "hws.service.type.ec2"}, 1),
    ({"service_type_code": "hws.service.type.obs"}, 0),
    ({"service_type_code": ""}, 0),  # an empty text is a filter here
    ({"region_code": "cn-north-4"}, 1),
    ({"region_code": "cn-east-3"}, 0),
    ({"charging_mode": 1}, 1),
    ({"charging_mode": 3}, 0),
    ({"bill_detail_type": 1}, 1),
    ({"bill_detail_type": 5}, 0),
    ({"trade_id": "order-of-a1"}, 1),
    ({"trade_id": "order-of-a2"}, 0),
    ({"account_manager_id": "manager-1"}, 1),
    ({"account_manager_id": "manager-2"}, 0),
    ({"association_type": "2"}, 1),
    ({"association_type": "1"}, 0),
    ({"resource_id": "r"}, 0),
]


async def test_each_filter_filters(door: BillingDoor, database: Database) -> None:
    await pay(database, "a1", "1.00", datetime(2026, 11, 1, tzinfo=UTC))
    for filters, expected in FILTERS:
        answer = await door.get(detail(**filters), as_partner())  # type: ignore[arg-type]
        assert answer.json()["total_count"] == expected, filters


REFUSED = [
    (f"{DETAIL}?customer_id={CUSTOMER}", "CBC.0100"),
    (f"{DETAIL}?bill_cycle=2026-11", "CBC.0100"),
    (detail("2026-13"), "CBC.0100"),
    (detail("2025-05"), "CBC.0100"),
    (detail(limit=1001), "CBC.0100"),
    (detail(offset=-1), "CBC.0100"),
    (detail(charging_mode=2), "CBC.0101"),
    (detail(charging_mode=""), "CBC.0100"),
    (detail(bill_date_begin="2026-10-31", bill_date_end="2026-11-01"), "CBC.0100"),
    (detail(bill_date_begin="2026-11-02", bill_date_end="2026-11-01"), "CBC.0100"),
    (detail(customer_id="nobody"), "CBC.99000035"),
    (detail(customer_id=RESELLERS_CUSTOMER), "CBC.99000035"),
]


async def test_what_is_refused(door: BillingDoor) -> None:
    for target, code in REFUSED:
        assert code_of(await door.get(target, as_partner())) == (400, code), target


async def test_the_oldest_visible_cycle_is_seventeen_months_back(door: BillingDoor) -> None:
    assert (await door.get(detail("2025-06"), as_partner())).status_code == 200


async def test_another_partner_sees_nothing(door: BillingDoor, database: Database) -> None:
    await pay(database, "a1", "1.00", datetime(2026, 11, 1, tzinfo=UTC))
    answer = await door.get(detail(), as_partner(OTHER_PARTNER))
    assert code_of(answer) == (400, "CBC.99000035")
    assert code_of(await door.get(detail(), as_customer())) == (403, "CBC.0151")


async def test_a_distributor_names_the_reseller_to_see_its_customers(
    door: BillingDoor, database: Database
) -> None:
    await pay(
        database, "a1", "1.00", datetime(2026, 11, 1, tzinfo=UTC),
        customer_id=RESELLERS_CUSTOMER, partner_id=RESELLER, distributor_id=DISTRIBUTOR,
    )  # fmt: skip
    distributor = as_partner(DISTRIBUTOR, "distributor")
    own = await door.get(detail(customer_id=RESELLERS_CUSTOMER), distributor)
    assert own.json()["total_count"] == 0
    named = detail(customer_id=RESELLERS_CUSTOMER, indirect_partner_id=RESELLER)
    assert (await door.get(named, distributor)).json()["total_count"] == 1
    stranger = detail(customer_id=RESELLERS_CUSTOMER, indirect_partner_id=PARTNER)
    assert code_of(await door.get(stranger, distributor)) == (400, "CBC.99000037")


async def test_consumers_are_listed_even_when_unlinked_and_referral_ones_too(
    door: BillingDoor, database: Database
) -> None:
    """docs/domain/worked-examples.md F.14: unlinked on 10-20, so in 2026-10 and not in 2026-11."""
    october = datetime(2026, 10, 20, tzinfo=UTC)
    for attempt, who in (("a1", CUSTOMER), ("a2", REFERRAL), ("a3", CUSTOMER)):
        await pay(database, attempt, "1.00", october, customer_id=who)
    await pay(database, "a4", "1.00", october + timedelta(days=20), customer_id=OTHER_CUSTOMER)
    await hear(database, customer(CustomerUnlinked, version=2, association_status="unlinked"))
    answer = await door.post(CONSUMED, {"bill_cycle": "2026-10"}, as_partner())
    assert answer.json() == {
        "total_count": 2,
        "sub_customers": [{"customer_id": CUSTOMER}, {"customer_id": REFERRAL}],
    }
    later = await door.post(CONSUMED, {"bill_cycle": "2026-11"}, as_partner())
    assert later.json()["sub_customers"] == [{"customer_id": OTHER_CUSTOMER}]
    second = {"bill_cycle": "2026-10", "limit": 10, "offset": 1}
    answer = await door.post(CONSUMED, second, as_partner())
    assert answer.json()["sub_customers"] == [{"customer_id": REFERRAL}]
    for who, lines in ((CUSTOMER, 2), (REFERRAL, 1)):
        found = await door.get(detail("2026-10", who), as_partner())
        assert found.json()["total_count"] == lines, who
    assert code_of(await door.post(CONSUMED, {}, as_partner())) == (400, "CBC.0100")
    assert code_of(await door.post(CONSUMED, {"bill_cycle": "2026-10"}, as_customer())) == (
        403,
        "CBC.0151",
    )
