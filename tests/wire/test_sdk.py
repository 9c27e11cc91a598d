"""Every operation driven once by the vendor's Python SDKs against the running system."""

import sys
from typing import Any

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ServerResponseException

from gateway.not_yet import NOT_YET
from tests.flows.cast import Caller, eventually
from tests.flows.deeds import ECS_MONTH
from tests.wire.answered import DEEDS, caller_of
from tests.wire.scene import Estate, Scene
from tests.wire.schema import lost, unlike
from tests.wire.sdk import SdkAnswer, call
from tests.wire.table import ROWS, auth_class, least, path_of
from wire.json import loads
from wire.operations import INTERNATIONAL, everything, operations

ANSWERED = sorted(set(operations()) - NOT_YET)
SHARED = sorted(set(operations()) & set(operations(INTERNATIONAL)))
ONLY_ABROAD = sorted(set(operations(INTERNATIONAL)) - set(operations()))
MAY_BE_EMPTY = frozenset({"error_details"})  # of what went wrong in a 200

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


@pytest.mark.parametrize("name", [one for one in SHARED if one not in NOT_YET])
def test_a_shared_operation_is_answered_to_the_international_sdk(
    scene: Scene, abroad: Estate, name: str
) -> None:
    caller = caller_of(abroad, auth_class(name), name, scene.distributor)
    values = DEEDS[name](abroad)
    check(name, call(caller, ROWS[name]["operation"], name, values, INTERNATIONAL))


def refuses(caller: Caller, operation: str, name: str, values: dict[str, Any], site: str) -> None:
    """It says 501 in the vendor's shape, which the SDK reads."""
    with pytest.raises(ServerResponseException) as caught:
        call(caller, operation, name, values, site)
    assert (caught.value.status_code, caught.value.error_code) == (501, "CHB.0003")
    assert caught.value.error_msg
    assert not caught.value.error_msg.startswith("{")  # the raw body, when the shape is not theirs
    assert caught.value.request_id


def least_values(name: str, site: str) -> dict[str, Any]:
    return least(everything(site)[name].fields)


@pytest.mark.parametrize("name", sorted(NOT_YET & set(operations())))
def test_what_is_not_there_yet_says_so(scene: Scene, name: str) -> None:
    caller = caller_of(scene.ours, auth_class(name), name, scene.distributor)
    refuses(caller, ROWS[name]["operation"], name, least_values(name, "china"), "china")


@pytest.mark.parametrize("name", sorted(NOT_YET & {*SHARED, *ONLY_ABROAD}))
def test_what_is_not_there_yet_abroad_says_so(scene: Scene, abroad: Estate, name: str) -> None:
    caller = caller_of(abroad, auth_class(name), name, scene.distributor)
    refuses(caller, pascal(name), name, least_values(name, INTERNATIONAL), INTERNATIONAL)


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
    assert len(ONLY_ABROAD) == 2
    assert set(operations()) == set(ANSWERED) | (NOT_YET & set(operations()))


def test_the_older_paths_answer_in_their_older_words(scene: Scene) -> None:
    one = everything()["list_customer_orders_old"]
    path = path_of(one, domain_id=scene.ours.partner.domain_id)
    found = scene.ours.partner.get(f"{path}?page_index=1&page_size=10")["data"]
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
