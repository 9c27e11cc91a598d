"""Every operation driven once by the vendor's Python SDKs against the running system."""

import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.not_yet import NOT_YET
from tests.flows.cast import Stage, eventually
from tests.flows.deeds import ECS_MONTH
from tests.wire.answered import DEEDS, caller_of
from tests.wire.scene import Estate, Scene
from tests.wire.schema import lost, unlike
from tests.wire.sdk import SdkAnswer, call
from tests.wire.table import ROWS, auth_class, path_of
from wire.json import loads
from wire.operations import INTERNATIONAL, everything, operations
from wire.times import add_months, cycle_of

ANSWERED = sorted(operations())
SHARED = sorted(set(operations()) & set(operations(INTERNATIONAL)))
ONLY_ABROAD = sorted(set(operations(INTERNATIONAL)) - set(operations()))
# Of what went wrong in a 200; the vendor keeps fail_resource_infos for later.
# And of an agreement's items one kind alone is asked for.
MAY_BE_EMPTY = frozenset(
    {
        "error_details",
        "fail_resource_infos",
        "category_quoting_items",
        "category_quoting_item_steps",
    }
)

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def pascal(name: str) -> str:
    """`freeze_sub_customers` → `FreezeSubCustomers`: how the SDK names its models."""
    return "".join(part.capitalize() for part in name.split("_"))


def check(name: str, answer: SdkAnswer) -> None:
    """Status, keys, types and the SDK's reading of the answer are those of the reference."""
    row = ROWS[name]
    assert answer.status_code == row["success_status"]["code"]
    if answer.status_code == 204:
        assert answer.raw_content == b""
        return
    raw: dict[str, Any] = loads(answer.raw_content)
    assert list(unlike(raw, row["response"]["schema"]["fields"])) == []
    assert list(lost(answer, raw)) == []
    for key in set(row["list_keys"]) - MAY_BE_EMPTY:
        assert raw[key], f"{key} is empty: nothing was compared"
    for key in row["total_key"]:
        assert raw[key] > 0


def test_there_is_a_deed_for_every_operation_that_is_answered() -> None:
    assert sorted(DEEDS) == ANSWERED
    sys.stdout.write(f"driven by the SDK: {len(ANSWERED)} answered of {len(operations())}\n")


@pytest.mark.parametrize("name", ANSWERED)
def test_an_operation_is_answered_as_the_reference_says(scene: Scene, name: str) -> None:
    caller = caller_of(scene.ours, auth_class(name), name, scene.distributor)
    check(name, call(caller, ROWS[name]["operation"], name, DEEDS[name](scene.ours)))


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_operation_is_answered_to_the_international_sdk(
    scene: Scene, abroad: Estate, name: str
) -> None:
    caller = caller_of(abroad, auth_class(name), name, scene.distributor)
    values = DEEDS[name](abroad)
    check(name, call(caller, ROWS[name]["operation"], name, values, INTERNATIONAL))


def test_prices_of_specifications_are_read_by_the_international_sdk(abroad: Estate) -> None:
    asked = {
        "region_code": "cn-north-4",
        "filters": [{"key": "RESOURCE_SPEC", "value": "s6.small.1.linux"}],
        "need_price": True,
        "need_attributes": True,
    }
    answer: Any = call(
        abroad.partner, "ListResourceSpecsPrice", "list_resource_specs_price", asked, INTERNATIONAL
    )
    (spec,) = answer.resource_spec_infos
    assert (spec.resource_spec, answer.page_info.next_marker) == ("s6.small.1.linux", None)
    assert {price.currency for price in spec.price_lists} == {"USD"}
    assert {price.charging_mode for price in spec.price_lists} == {"PERIOD", "ON_DEMAND"}


def test_a_months_due_is_read_by_the_international_sdk(stage: Stage, abroad: Estate) -> None:
    """Of a month that is settled; nothing was sold in it."""
    cycle = cycle_of(add_months(datetime.now(UTC), -3))
    wanted = {"partner_id": abroad.partner.domain_id, "bill_cycle": cycle}
    asked = stage.admin("POST", "/api/settlements", wanted)
    shown = f"/api/settlements/{asked['settlement_id']}"
    eventually(lambda: abroad.partner.get(shown), lambda told: told["state"] == "published")
    answer: Any = call(
        abroad.partner,
        "ListPostpaidBillSum",
        "list_postpaid_bill_sum",
        {"bill_cycle": cycle},
        INTERNATIONAL,
    )
    assert list(lost(answer, loads(answer.raw_content))) == []
    assert (answer.bill_cycle, answer.currency) == (cycle, "USD")
    assert answer.initial_amount_due == answer.consume_amount == answer.tax_amount == 0


def test_customers_are_frozen_and_let_go_by_the_international_sdk(abroad: Estate) -> None:
    """A frozen one is shown as such, and pays nothing."""
    asked = {"customer_ids": [abroad.customer.id, "nobody"], "reason": "Arrears"}
    order = abroad.new_order()
    frozen = call(
        abroad.partner, "FreezeSubCustomers", "freeze_sub_customers", asked, INTERNATIONAL
    )
    try:
        (detail,) = loads(frozen.raw_content)["error_details"]
        assert (detail["id"], detail["error_code"]) == ("nobody", "CBC.99000035")
        shown = {"customer_id": abroad.customer.id}
        answer = call(
            abroad.partner, "ListSubCustomers", "list_sub_customers", shown, INTERNATIONAL
        )
        assert loads(answer.raw_content)["customer_infos"][0]["is_frozen"] == 1
        eventually(lambda: _ordering(abroad), lambda status: status == 403)
        paid = abroad.customer.caller.call(
            "POST",
            "/v3/orders/customer-orders/pay",
            {"order_id": order, "use_coupon": "NO", "use_discount": "NO"},
        )
        assert (paid.status_code, paid.json()["error_code"]) == (403, "CBC.0155")
    finally:
        asked["customer_ids"] = [abroad.customer.id]
        freed = call(
            abroad.partner, "UnfreezeSubCustomers", "unfreeze_sub_customers", asked, INTERNATIONAL
        )
    assert loads(freed.raw_content) == {}
    eventually(lambda: _ordering(abroad), lambda status: status == 201)


def _ordering(one: Estate) -> int:
    wanted = {"customer_id": one.customer.id, "lines": [ECS_MONTH]}
    return one.partner.call("POST", "/api/orders", wanted).status_code


def test_all_operations_of_both_sites_are_driven() -> None:
    assert len(SHARED) == 44
    assert len(ONLY_ABROAD) == 4
    assert set(operations()) == set(ANSWERED) | (NOT_YET & set(operations()))


def test_the_older_paths_answer_in_their_older_words(scene: Scene) -> None:
    one = everything()["list_customer_orders_old"]
    path = path_of(one, domain_id=scene.ours.partner.domain_id)
    found = scene.ours.partner.get(f"{path}?page_index=1&page_size=100")["data"]
    assert found["totalSize"] == len(found["orderInfos"]) > 0
    assert scene.ours.paid_order_id in {order["orderId"] for order in found["orderInfos"]}
    old = everything()["query_customers_old"]
    path = path_of(old, partner_id=scene.ours.partner.domain_id)
    told = {"customerId": scene.ours.customer.id, "offset": 1, "limit": 10}
    page = scene.ours.partner.call(old.http_method, path, told).json()
    assert page["count"] == 1
    assert page["customerInfoList"][0]["domainName"] == scene.ours.customer.account_name


def test_the_units_are_those_of_the_vendor(scene: Scene) -> None:
    """docs/domain/money-and-time.md E names some ids and one ratio."""
    units = scene.ours.partner.get("/v2/bases/measurements")["measure_units"]
    kinds = {unit["measure_id"]: unit["measure_type"] for unit in units}
    assert kinds[1] == 1
    assert {10, 11, 14, 15, 17} <= kinds.keys()
    conversions = scene.ours.partner.get("/v2/bases/conversions")["conversions"]
    (gigabyte,) = [c for c in conversions if {c["measure_id"], c["ref_measure_id"]} == {10, 11}]
    assert gigabyte["conversion_ratio"] == 1024
