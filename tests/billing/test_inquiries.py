"""What periods and renewals would cost, and what agreements say: one truth with orders' quotes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from chassis.identity import Principal
from contracts.order import ResourceOpened
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    PARTNER,
    REFERRAL,
    BillingDoor,
    as_customer,
    as_partner,
    hear,
)

pytestmark = pytest.mark.postgres

PERIODS = "/v2/bills/ratings/period-resources/subscribe-rate"
RENEWALS = "/v2/bills/ratings/period-resources/renew-rate"
AGREEMENT = "/v2/promotions/business/discount-info"
SERVER = {
    "id": "server",
    "cloud_service_type": "hws.service.type.ec2",
    "resource_type": "hws.resource.type.vm",
    "resource_spec": "c7.large.2.linux",
    "region": "cn-north-4",
    "period_type": 2,
    "period_num": 1,
    "subscription_num": 1,
}
DISK = {
    **SERVER,
    "id": "disk",
    "cloud_service_type": "hws.service.type.ebs",
    "resource_type": "hws.resource.type.volume",
    "resource_spec": "GPSSD",
    "resource_size": 40,
    "size_measure_id": 17,
}
MARKET = {
    **SERVER,
    "id": "image",
    "cloud_service_type": "hws.service.type.marketplace",
    "resource_type": "hws.resource.type.marketplace.image",
    "resource_spec": "lnmp.image.linux",
}


async def rate(door: BillingDoor, *infos: dict[str, Any], by: str = CUSTOMER) -> Any:
    body = {"project_id": "p", "product_infos": list(infos)}
    return await door.post(PERIODS, body, as_customer(by))


async def grant(door: BillingDoor, by: Principal = ADMINISTRATOR, **more: Any) -> dict[str, Any]:
    wanted = {
        "customer_id": CUSTOMER, "discount_type": 2, "discount_mode": 0, "discount_value": "0.9",
        "name": "agreed", **more,
    }  # fmt: skip
    answer = await door.post("/api/discounts", wanted, by)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_periods_cost_what_an_order_of_them_is_quoted(door: BillingDoor) -> None:
    """214.27 by the list and 182.12 by the catalogue, of which nine tenths are 163.90."""
    plain = (await rate(door, SERVER, DISK)).json()
    assert plain["optional_discount_rating_results"] == []
    listed = plain["official_website_rating_result"]
    assert (listed["official_website_amount"], plain["currency"]) == (242.27, "CNY")
    assert [one["official_website_amount"] for one in listed["product_rating_results"]] == [
        214.27, 28.0,
    ]  # fmt: skip
    granted = await grant(door, service_type_codes=["hws.service.type.ec2"])
    (one,) = (await rate(door, SERVER, DISK)).json()["optional_discount_rating_results"]
    assert (one["discount_id"], one["discount_type"], one["best_offer"]) == (
        granted["discount_id"], 605, 1,
    )  # fmt: skip
    assert (one["amount"], one["discount_amount"]) == (191.9, 50.37)
    server, disk = one["product_rating_results"]
    assert (server["amount"], server["discount_amount"]) == (163.9, 50.37)
    assert (disk["amount"], disk["discount_amount"]) == (28.0, 0)
    line = {
        "service_type_code": SERVER["cloud_service_type"],
        "resource_type_code": SERVER["resource_type"],
        "resource_spec_code": SERVER["resource_spec"],
        "region_code": "cn-north-4", "charging_mode": 1, "period_type": 2, "period_num": 1,
    }  # fmt: skip
    quoted = await door.post(
        "/internal/quotes", {"customer_id": CUSTOMER, "lines": [line]}, as_customer()
    )
    (offer,) = quoted.json()["discounts"]
    assert offer["discount_id"] == granted["discount_id"]
    assert offer["lines"][0]["discount_amount"] == "18.22"


async def test_the_best_offer_takes_most_and_commercial_goes_first_among_equals(
    door: BillingDoor,
) -> None:
    """Break: rank by the reduction alone, or let promotions count."""
    await grant(door, discount_type=0, discount_value="0.1", name="promotion")
    await grant(door, as_partner(), discount_type=3)
    await grant(door, discount_type=1)

    async def found() -> dict[int, int]:
        rows = (await rate(door, SERVER)).json()["optional_discount_rating_results"]
        return {one["discount_type"]: one["best_offer"] for one in rows}

    assert await found() == {606: 1, 607: 0}
    await grant(door)
    assert await found() == {605: 1, 606: 0, 607: 0}
    more = await grant(door, as_partner(), discount_type=3, discount_value="0.8", name="more")
    rows = (await rate(door, SERVER)).json()["optional_discount_rating_results"]
    (best,) = [one for one in rows if one["best_offer"]]
    assert best["discount_id"] == more["discount_id"]


async def test_a_partner_lowers_only_what_the_months_policy_allows(door: BillingDoor) -> None:
    """Break: leave `may_be_partners` out of what covers a line."""
    await grant(door, as_partner(), discount_type=3)
    assert (await rate(door, MARKET)).json()["optional_discount_rating_results"] == []
    await grant(door, discount_type=1)
    (one,) = (await rate(door, MARKET)).json()["optional_discount_rating_results"]
    assert one["discount_type"] == 606


async def test_a_partners_discount_is_all_its_resale_customers(door: BillingDoor) -> None:
    await grant(door, customer_id=PARTNER)
    for customer_id, count in ((CUSTOMER, 1), (OTHER_CUSTOMER, 1), (REFERRAL, 0)):
        rows = (await rate(door, SERVER, by=customer_id)).json()
        assert len(rows["optional_discount_rating_results"]) == count, customer_id
    by_itself = await grant(door, as_partner(), customer_id=PARTNER, discount_type=3)
    assert by_itself["customer_id"] == PARTNER
    wanted = {
        "customer_id": OTHER_PARTNER, "discount_type": 3, "discount_mode": 0,
        "discount_value": "0.9", "name": "no",
    }  # fmt: skip
    refused = await door.post("/api/discounts", wanted, as_partner())
    assert code_of(refused) == (400, "CBC.99000035")


async def test_units_have_a_price_and_steps_go_by_what_is_ordered(door: BillingDoor) -> None:
    """40 GB at 0.50 are 20.00; eleven servers at eight tenths of 2003.42 (11 × 214.27 × 0.85)."""
    await grant(
        door, discount_mode=3, discount_value="0.5", product_ids=["OFFI-EVS-GPSSD"],
        charging_modes=["MONTHLY"],
    )  # fmt: skip
    await grant(
        door, discount_value="0.9", product_ids=["OFFI-ECS-C7LARGE-L"],
        steps=[{"above": 0, "value": "0.9"}, {"above": 10, "value": "0.8"}],
    )  # fmt: skip
    (disk,) = (await rate(door, DISK)).json()["optional_discount_rating_results"]
    assert disk["amount"] == 20.0
    yearly = await rate(door, {**DISK, "period_type": 3})
    assert yearly.json()["optional_discount_rating_results"] == []
    for pieces, amount in ((10, 1639.16), (11, 1602.73)):
        rows = (await rate(door, {**SERVER, "subscription_num": pieces})).json()
        assert rows["optional_discount_rating_results"][0]["amount"] == amount, pieces


UNSOLD: list[tuple[dict[str, Any], str]] = [
    ({"resource_spec": "c9.large"}, "CBC.99006006"),
    ({"region": "mars-1"}, "CBC.99006006"),
    ({"period_type": 0}, "CBC.99006016"),
    ({"period_type": 1}, "CBC.0101"),
    ({"period_num": 0}, "CBC.0100"),
    ({"fee_installment_mode": "ZERO_PAY"}, "CBC.99006016"),
    ({"fee_installment_mode": "HALF"}, "CBC.0101"),
    ({"subscription_num": 0}, "CBC.0100"),
]
UNSIZED: list[tuple[dict[str, Any], str]] = [
    ({"resource_size": None}, "CBC.0100"),
    ({"size_measure_id": None}, "CBC.0100"),
    ({"size_measure_id": 15}, "CBC.99006050"),
]


async def test_what_has_no_price_is_refused_by_its_code(door: BillingDoor) -> None:
    for wrong, code in UNSOLD:
        assert code_of(await rate(door, {**SERVER, **wrong})) == (400, code), wrong
    for wrong, code in UNSIZED:
        assert code_of(await rate(door, {**DISK, **wrong})) == (400, code), wrong
    assert code_of(await rate(door, SERVER, SERVER)) == (400, "CBC.0100")


WRONG: list[dict[str, Any]] = [
    {"discount_mode": 3},
    {"discount_mode": 3, "product_ids": ["OFFI-EVS-GPSSD"]},
    {"discount_mode": 2, "discount_value": "1", "charging_modes": ["ONDEMAND"]},
    {"steps": [{"above": 0, "value": "0.9"}]},
    {"product_ids": ["OFFI-EVS-GPSSD"], "steps": [{"above": 1, "value": "0.9"}]},
    {"product_ids": ["OFFI-EVS-GPSSD"], "steps": [{"above": 0, "value": "0.8"}]},
]


async def test_a_discount_that_means_nothing_is_refused(door: BillingDoor) -> None:
    base = {
        "customer_id": CUSTOMER, "discount_type": 2, "discount_mode": 0, "discount_value": "0.9",
        "name": "wrong",
    }  # fmt: skip
    for more in WRONG:
        answer = await door.post("/api/discounts", {**base, **more}, ADMINISTRATOR)
        assert code_of(answer) == (400, "CBC.0100"), more
    for more in ({"region_codes": ["mars-1"]}, {"charging_modes": ["FORTNIGHTLY"]}):
        answer = await door.post("/api/discounts", {**base, **more}, ADMINISTRATOR)
        assert code_of(answer) == (400, "CBC.0101"), more


async def test_an_agreement_is_told_by_its_items(door: BillingDoor) -> None:
    """Another one that began earlier, and what is of no agreement, are not in it."""
    end = (NOW + timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    early = (NOW - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await grant(door, agreement_number="AG-OLD", effective_at=early)
    await grant(door, name="no agreement")
    stepped = await grant(
        door, agreement_number="AG-1", product_ids=["OFFI-OBS-TRAFFIC"], discount_mode=3,
        discount_value="0.4", charging_modes=["ONDEMAND"], expire_at=end,
        steps=[{"above": 0, "value": "0.4"}, {"above": 100, "value": "0.35"}],
    )  # fmt: skip
    await grant(
        door, agreement_number="AG-1", service_type_codes=["hws.service.type.ec2"],
        charging_modes=["MONTHLY", "1_YEARLY"], region_codes=["cn-north-4"], expire_at=end,
    )  # fmt: skip

    async def ask(kind: str, **more: Any) -> Any:
        body = {"quoting_item_type": kind, **more}
        return (await door.post(AGREEMENT, body, as_customer())).json()

    products = await ask("PRODUCT_ITEM")
    (item,) = products["product_quoting_items"]
    assert (products["commerce_code"], products["total_count"]) == ("AG-1", 1)
    assert (products["category_quoting_items"], products["expire_time"]) == ([], end)
    assert item["item_id"].startswith(stepped["discount_id"])
    assert (item["preferential_category"], item["preferential_type"]) == (1, 1)
    assert (item["sales_price"], item["charging_mode"]) == (0.4, "ONDEMAND")
    first, last = item["product_quoting_item_steps"]
    assert (first["step_start"], first["step_end"], first["sales_price"]) == (0, 100, 0.4)
    assert "step_end" not in last
    categories = await ask("CATEGORY_ITEM")
    assert [one["charging_mode"] for one in categories["category_quoting_items"]] == [
        "MONTHLY", "1_YEARLY",
    ]  # fmt: skip
    ids = {one["item_id"] for one in categories["category_quoting_items"]}
    assert len(ids) == 2
    yearly = await ask("CATEGORY_ITEM", charging_modes=["1_yearly"])
    assert yearly["total_count"] == 1
    none = await ask("CATEGORY_ITEM", cloud_service_types=["HWS.service.type.obs"])
    assert (none["total_count"], none["commerce_code"]) == (0, "AG-1")
    assert categories["sites"][0]["regions"][0]["region_code"] == "cn-north-4"
    nothing = await door.post(AGREEMENT, {"quoting_item_type": "PRODUCT_ITEM"}, as_partner())
    assert nothing.json()["product_quoting_items"] == []
    assert "commerce_code" not in nothing.json()
    assert code_of(await door.post(AGREEMENT, {"quoting_item_type": "X"}, as_customer())) == (
        400, "CBC.0101",
    )  # fmt: skip


def opened(resource_id: str, **more: Any) -> ResourceOpened:
    values: dict[str, Any] = {
        "occurred_at": NOW,
        "partner_id": PARTNER,
        "version": 1,
        "resource_id": resource_id,
        "resource_name": resource_id,
        "customer_id": CUSTOMER,
        "order_id": "CS1",
        "service_type_code": "hws.service.type.ec2",
        "service_type_name": "弹性云服务器",
        "resource_type_code": "hws.resource.type.vm",
        "resource_type_name": "云主机",
        "resource_spec_code": "c7.large.2.linux",
        "region_code": "cn-north-4",
        "charging_mode": 1,
        "status": 2,
        "effective_at": NOW,
        "expire_at": NOW + timedelta(days=30),
        "product_id": "OFFI-ECS-C7LARGE-L",
        **more,
    }
    return ResourceOpened(**values)


@pytest.fixture
async def resources(database: Database) -> None:
    """A server with a disk, and what cannot be renewed."""
    disk = {
        "service_type_code": "hws.service.type.ebs",
        "resource_type_code": "hws.resource.type.volume",
        "resource_spec_code": "GPSSD",
        "product_id": "OFFI-EVS-GPSSD",
        "measure_size": Decimal(40),
        "size_measure_id": 17,
        "main_resource_id": "server",
    }
    storage = {
        "service_type_code": "hws.service.type.obs",
        "resource_type_code": "hws.resource.type.obs",
        "resource_spec_code": "standard",
        "product_id": "OFFI-OBS-STANDARD",
        "measure_size": Decimal(40),
    }
    await hear(
        database,
        opened("server"),
        opened("disk", **disk),
        opened("closed", status=3),
        opened("by-use", charging_mode=3, status=1, expire_at=None),
        opened("theirs", customer_id=OTHER_CUSTOMER),
        opened("unsold", **storage),
    )


async def renew(door: BillingDoor, *ids: str, **more: Any) -> Any:
    body = {"resource_ids": list(ids), "period_type": 2, "period_num": 1, **more}
    return await door.post(RENEWALS, body, as_customer())


@pytest.mark.usefixtures("resources")
async def test_a_renewal_costs_what_its_resources_do_and_each_discount_leaves(
    door: BillingDoor,
) -> None:
    alone = (await renew(door, "server")).json()
    assert alone["renew_inquiry_results"] == [{"resource_id": "server", "amount": "182.12"}]
    await grant(door, order_types=[2])
    both = (await renew(door, "server", include_relative_resources=True)).json()
    assert both["renew_inquiry_results"] == [{"resource_id": "server", "amount": "210.12"}]
    listed = both["official_website_rating_result"]["official_website_amount"]
    (one,) = both["optional_discount_rating_results"]
    assert (listed, one["amount"], one["discount_amount"]) == ("242.27", "189.10", "53.17")
    assert (one["discount_type"], one["best_offer"]) == (605, 1)
    assert both["fail_resource_infos"] == []


@pytest.mark.usefixtures("resources")
async def test_what_cannot_be_renewed_so_is_told_apart(door: BillingDoor) -> None:
    names = ("server", "disk", "closed", "by-use", "theirs", "nobody", "unsold")
    found = (await renew(door, *names)).json()
    assert {one["resource_id"]: one["error_code"] for one in found["fail_resource_infos"]} == {
        "disk": "CBC.30050007",
        "closed": "CBC.30050009",
        "by-use": "CBC.30050013",
        "theirs": "CBC.30050009",
        "nobody": "CBC.30050009",
        "unsold": "CBC.30050008",
    }
    assert [one["resource_id"] for one in found["renew_inquiry_results"]] == ["server"]
    assert code_of(await renew(door, "server", "server")) == (400, "CBC.30050012")
    assert code_of(await renew(door, "server", period_num=12)) == (400, "CBC.0100")
    assert code_of(await renew(door, "server", period_type=3, period_num=4)) == (
        400, "CBC.0100",
    )  # fmt: skip
