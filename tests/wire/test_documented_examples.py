"""The worked examples of docs/domain/worked-examples.md F, asked for and read by the official SDK.

Rule 5 needs a cycle's end, rule 7 a late association, rules 9 to 11 discounts that the wire cannot
make: those are shown where a clock or a setting can be chosen, in their service's tests.
"""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

from tests.flows.cast import Caller, eventually, lasting_cycle
from tests.flows.deeds import bill_lines, issued_coupon, pay, place_order, quota_balance
from tests.wire.answered import RATED
from tests.wire.scene import TRANSFERS, Scene, new_customer, unhurried
from tests.wire.sdk import call
from wire.json import loads
from wire.times import format_instant

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

DISK = {  # 0.00064 an hour for each GB, 0.30 a month (docs/domain/bills.md B.8)
    "service_type_code": "hws.service.type.ebs",
    "resource_type_code": "hws.resource.type.volume",
    "resource_spec_code": "SATA",
    "region_code": "cn-north-4",
}


def seller(scene: Scene, **told: Any) -> Caller:
    return unhurried(scene.stage, scene.stage.partner(**told))


def amounts(content: bytes) -> Any:
    """The answer's numbers as they stand in it, not as floats."""
    return loads(content)


def test_rule_1_usage_is_cut_never_rounded(scene: Scene) -> None:
    cycle = lasting_cycle()
    partner = seller(scene)
    customer = new_customer(scene.stage, partner)
    partner.post(TRANSFERS, {"customer_id": customer.id, "amount": "1.00"})
    used = {
        **DISK, "record_id": f"r-{customer.id}", "customer_id": customer.id,
        "resource_id": "disk-1", "measure_size": "10", "usage_value": "25874",
        "usage_measure_id": 6, "used_until": format_instant(datetime.now(UTC)),
    }  # fmt: skip
    scene.stage.admin("POST", "/api/usage-records", {"records": [used]})
    (line,) = eventually(lambda: bill_lines(partner, customer.id, cycle), bool)
    assert Decimal(str(line.official_amount)) == Decimal("0.04599822")
    assert Decimal(str(line.payment_amount)) == Decimal("0.04")
    assert Decimal(str(line.cash_amount)) == Decimal("0.04")


@pytest.mark.parametrize(("precision", "amount"), [(0, "0.045998"), (1, "0.0459982222")])
def test_rule_1_a_price_is_cut_to_the_decimals_asked_for(
    scene: Scene, precision: int, amount: str
) -> None:
    asked = {
        **RATED, "resource_spec": "SATA", "resource_size": 10, "usage_value": 25874,
        "usage_measure_id": 6,
    }  # fmt: skip
    told = {"project_id": "p", "inquiry_precision": precision, "product_infos": [asked]}
    answer = call(
        scene.ours.customer.caller, "ListOnDemandResourceRatings",
        "list_on_demand_resource_ratings", told,
    )  # fmt: skip
    (rated,) = amounts(answer.raw_content)["product_rating_results"]
    assert rated["official_website_amount"] == Decimal(amount)


def test_rule_6_a_batch_is_issued_in_part(scene: Scene) -> None:
    partner = seller(scene)
    quota = scene.stage.quota(partner.domain_id, "100.00")
    ids = [new_customer(scene.stage, partner).id for _ in range(3)]
    told = {"quota_id": quota, "customer_ids": ids, "face_value": "40.00"}
    answer: Any = call(partner, "CreatePartnerCoupons", "create_partner_coupons", told)
    assert answer.status_code == 200
    assert [info.id for info in answer.coupon_infos] == ids[:2]
    assert [(one.id, one.error_code) for one in answer.error_details] == [(ids[2], "CBC.99000013")]
    assert Decimal(str(quota_balance(partner, quota))) == 20


def test_rule_8_a_reclaim_takes_the_rest(scene: Scene) -> None:
    partner = seller(scene)
    customer = new_customer(scene.stage, partner)
    quota = scene.stage.quota(partner.domain_id, "100.00")
    scene.stage.authorize(partner, customer.caller)
    told = {"quota_id": quota, "customer_ids": [customer.id], "face_value": "100.00"}
    issued: Any = call(partner, "CreatePartnerCoupons", "create_partner_coupons", told)
    coupon = issued.coupon_infos[0].coupon_id
    month = {"charging_mode": 1, "period_type": 2, "period_num": 1, "measure_size": "125"}
    order = place_order(partner, customer.id, **DISK, **month)
    assert Decimal(str(order["amount_after_discount"])) == Decimal("37.50")
    pay(customer.caller, order["order_id"], coupon)
    eventually(
        lambda: issued_coupon(partner, coupon), lambda seen: Decimal(str(seen.balance)) == 62.5
    )

    done = call(partner, "ReclaimPartnerCoupons", "reclaim_partner_coupons", {"coupon_id": coupon})

    assert (done.status_code, done.raw_content) == (204, b"")
    assert issued_coupon(partner, coupon).status == 5
    assert Decimal(str(quota_balance(partner, quota))) == Decimal("62.50")
    records: Any = call(
        partner, "ListPartnerCouponsRecord", "list_partner_coupons_record",
        {"coupon_ids": [coupon], "operation_types": ["2"]},
    )  # fmt: skip
    (record,) = records.records
    assert Decimal(str(record.operation_amount)) == Decimal("62.50")
    time.sleep(1.1)  # within one second the SDK signs the same request alike: CHB.0001
    with pytest.raises(ClientRequestException) as refusal:
        call(partner, "ReclaimPartnerCoupons", "reclaim_partner_coupons", {"coupon_id": coupon})
    assert refusal.value.error_code == "CBC.0155"


def test_rule_12_what_is_earmarked_is_not_transferred(scene: Scene) -> None:
    partner = seller(scene, funds="0")
    customer = new_customer(scene.stage, partner)
    top_up = {"amount": "1000.00", "designated_amount": "300.00"}
    scene.stage.admin("POST", f"/api/accounts/{partner.domain_id}/top-ups", top_up)
    for amount, code in (("800.00", "CBC.99005003"), ("700.01", "CBC.99005003"), ("700.00", None)):
        told = {"customer_id": customer.id, "amount": amount}
        if code is None:
            done: Any = call(
                partner, "UpdateCustomerAccountAmount", "update_customer_account_amount", told
            )
            assert done.transfer_id
            continue
        with pytest.raises(ClientRequestException) as refusal:
            call(partner, "UpdateCustomerAccountAmount", "update_customer_account_amount", told)
        assert refusal.value.error_code == code


def test_rule_13_a_flexi_coupon_has_another_code_in_each_place(scene: Scene) -> None:
    partner = seller(scene, kind="government")
    customer = new_customer(scene.stage, partner)
    quota = scene.stage.quota(partner.domain_id, "100.00", quota_type=1)
    told = {"quota_id": quota, "customer_ids": [customer.id], "face_value": "40.00"}
    issued: Any = call(partner, "CreatePartnerCoupons", "create_partner_coupons", told)
    coupon = issued.coupon_infos[0].coupon_id
    assert issued_coupon(partner, coupon).coupon_type == 4
    quotas: Any = call(partner, "ListQuotaCoupons", "list_quota_coupons", {"quota_type": 1})
    assert [(one.quota_id, one.quota_type) for one in quotas.quotas] == [(quota, 1)]


def test_rule_14_an_offset_is_a_records_number(scene: Scene) -> None:
    partner = seller(scene)
    for _ in range(10):
        new_customer(scene.stage, partner)

    def listed(**told: int) -> Any:
        return call(partner, "ListSubCustomers", "list_sub_customers", told)

    ten = [one.customer_id for one in listed(limit=10).customer_infos]
    page = listed(limit=10, offset=1)
    assert [one.customer_id for one in page.customer_infos] == ten[1:]
    assert page.count == 10
