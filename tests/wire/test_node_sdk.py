"""The key calls by the vendor's Node SDK: what we verify is no habit of Python's.

The registry has the SDK's core (signing, transport, errors) but not its generated client for this
API, so `node/calls.js` hands the core the options that the generated clients build.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.flows.cast import XACCOUNT_TYPE, Caller, eventually
from tests.node import node_folder, run_node
from tests.wire.scene import (
    COUPONS,
    CUSTOMERS,
    HAND_OUT,
    TO_MEMBER,
    TRANSFERS,
    UNSUBSCRIBE,
    Scene,
    issue_coupon,
)  # fmt: skip

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

HERE = Path(__file__).parent / "node"
CALL_SECONDS_MAX = 60
ORDERS = "/v2/orders/customer-orders"
RESOURCES = "/v2/orders/subscriptions/resources"
TAKE_BACK = "/v2/partners/coupon-quotas/indirect-partner-reclaim"


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The SDK as locked, with the script that calls it."""
    return node_folder(HERE, "calls.js")


def calls(
    sdk: Path, scene: Scene, answers: Path, *asked: dict[str, Any], by: Caller | None = None
) -> list[Any]:
    """What the SDK answers to its user, call by call; to the partner where nobody is named."""
    caller = by or scene.ours.partner
    told = {
        "gateway": caller.gateway,
        "access": caller.access,
        "secret": caller.secret,
        "domain_id": caller.domain_id,
        "calls": asked,
        "answers": str(answers),
    }
    run_node(sdk, "calls.js", json.dumps(told), CALL_SECONDS_MAX)
    return list(json.loads(answers.read_text("utf-8"), parse_float=Decimal))


def test_the_node_sdk_creates_finds_pays_and_is_refused(
    sdk: Path, scene: Scene, tmp_path: Path
) -> None:
    xaccount_id, name = uuid4().hex, f"node_{uuid4().hex[:12]}"
    new = {"xaccount_id": xaccount_id, "xaccount_type": XACCOUNT_TYPE, "domain_name": name}
    transfer = {"customer_id": scene.ours.customer.id, "amount": 12.34}
    orders = {"order_id": scene.ours.paid_order_id, "service_type_code": "a b+c/测试~*'()"}
    made, found, moved, none, refused = calls(
        sdk,
        scene,
        tmp_path / "answers.json",
        {"method": "POST", "path": CUSTOMERS, "body": new},
        {"method": "POST", "path": f"{CUSTOMERS}/query", "body": {"account_name": name}},
        {"method": "POST", "path": TRANSFERS, "body": transfer},
        {"method": "GET", "path": "/v2/orders/customer-orders", "query": orders,
         "headers": {"X-Language": "zh_CN"}},
        {"method": "POST", "path": CUSTOMERS, "body": new},
    )  # fmt: skip
    assert made["domain_name"] == name
    assert found["count"] == 1
    assert found["customer_infos"][0]["customer_id"] == made["domain_id"]
    assert moved["transfer_id"]
    assert none["total_count"] == 0
    assert (refused["refused"], refused["code"]) in {(400, "CBC.99000039"), (400, "CBC.99000038")}


def test_the_node_sdk_gives_a_member_money_once(sdk: Path, scene: Scene, tmp_path: Path) -> None:
    member = {"customer_id": scene.ours.member_id, "amount": "0.50", "trans_id": uuid4().hex}
    left = {"balance_type": "BALANCE_TYPE_DEBIT"}
    before, done, again, after = calls(
        sdk,
        scene,
        tmp_path / "answers.json",
        {"method": "GET", "path": TO_MEMBER, "query": left},
        {"method": "POST", "path": TO_MEMBER, "body": member},
        {"method": "POST", "path": TO_MEMBER, "body": {**member, "amount": "0.60"}},
        {"method": "GET", "path": TO_MEMBER, "query": left},
        by=scene.ours.master.caller,
    )
    assert "refused" not in (done or {})
    assert (again["refused"], again["code"]) == (400, "CBC.99007009")
    had, has = (Decimal(str(one["amount_infos"][0]["avail_transfer_amount"]))
                for one in (before, after))  # fmt: skip
    assert had - has == Decimal("0.50")


def test_the_node_sdk_chooses_pays_renews_unsubscribes_and_traces(
    sdk: Path, scene: Scene, tmp_path: Path
) -> None:
    """The customer's calls of an order and what it opens, Decimals as the SDK reads them."""
    ours, answers = scene.ours, tmp_path / "answers.json"
    order_id, caller = ours.new_order(), ours.customer.caller
    coupon_id = issue_coupon(ours.partner, ours.quota_id, ours.customer.id)
    named = {"order_id": order_id}
    asked = (
        {"method": "GET", "path": f"{ORDERS}/order-discounts", "query": named},
        {"method": "GET", "path": f"{ORDERS}/order-coupons", "query": named},
    )
    offered, usable = calls(sdk, scene, answers, *asked, by=caller)
    [discount] = offered["discounts"]
    assert (discount["discount_type"], discount["discount_value"]) == (3, "0.95")
    assert {one["coupon_id"] for one in usable["user_coupons"]} >= {coupon_id}
    paid, twice, order = calls(
        sdk, scene, answers,
        {"method": "POST", "path": "/v3/orders/customer-orders/pay", "body": {
            **named, "use_coupon": "NO", "use_discount": "YES",
            "discount_infos": [{"id": discount["discount_id"], "type": 3}],
        }},
        {"method": "PUT", "path": f"{ORDERS}/cancel", "body": named},
        {"method": "GET", "path": f"{ORDERS}/details/{order_id}"},
        by=caller,
    )  # fmt: skip
    assert "refused" not in (paid or {})
    assert (twice["refused"], twice["code"]) == (400, "CBC.99005010")
    amount = order["order_info"]["amount_after_discount"]
    discounts = order["order_info"]["amount_info"]["discounts"]
    assert [one["discount_type"] for one in discounts][-1] == "607"

    def opened() -> list[dict[str, Any]]:
        asked = {"order_id": order_id}
        return list(caller.post("/v2/orders/suscriptions/resources/query", asked)["data"])

    [resource] = eventually(opened, bool)
    ids = [resource["resource_id"]]
    renewed, on, off, given = calls(
        sdk, scene, answers,
        {"method": "POST", "path": f"{RESOURCES}/renew", "body": {
            "resource_ids": ids, "period_type": 2, "period_num": 1, "is_auto_pay": 1,
        }},
        {"method": "POST", "path": f"{RESOURCES}/autorenew/{ids[0]}"},
        {"method": "DELETE", "path": f"{RESOURCES}/autorenew/{ids[0]}"},
        {"method": "POST", "path": UNSUBSCRIBE, "body": {
            "resource_ids": ids, "unsubscribe_type": 3,
        }},
        by=caller,
    )  # fmt: skip
    [renewal_id] = renewed["order_ids"]
    assert not any("refused" in (one or {}) for one in (on, off))
    assert (given["refused"], given["code"]) == (400, "CBC.0100")
    eventually(lambda: len(_periods(ours.partner, ids[0])), lambda periods: periods == 2)
    [given] = calls(
        sdk, scene, answers,
        {"method": "POST", "path": UNSUBSCRIBE, "body": {
            "resource_ids": ids, "unsubscribe_type": 1,
        }},
        by=caller,
    )  # fmt: skip
    [refund_id] = given["order_ids"]
    [trace] = calls(
        sdk, scene, answers,
        {"method": "GET", "path": f"{ORDERS}/refund-orders", "query": {"order_id": refund_id}},
        by=caller,
    )  # fmt: skip
    rows = {row["base_order_id"]: row["amount"] for row in trace["refund_infos"]}
    assert rows[order_id] == -amount
    assert rows.keys() == {order_id, renewal_id}


def _periods(partner: Caller, resource_id: str) -> list[Any]:
    return list(partner.get(f"/api/resources/{resource_id}")["periods"])


def test_the_node_sdk_hands_out_issues_shares_and_takes_back(
    sdk: Path, scene: Scene, tmp_path: Path
) -> None:
    """Coupons and quotas; what has no body is an empty answer."""
    ours, answers = scene.ours, tmp_path / "answers.json"
    hand = {
        "quota_id": ours.parent_quota_id, "indirect_partner_ids": [scene.reseller_id],
        "quota_amount": 7.25,
    }  # fmt: skip
    issue = {"quota_id": ours.quota_id, "customer_ids": [ours.customer.id], "face_value": 3.21}
    [handed] = calls(
        sdk, scene, answers, {"method": "POST", "path": HAND_OUT, "body": hand},
        by=scene.distributor,
    )  # fmt: skip
    [child] = handed["simple_quota_infos"]
    assert child["id"] == scene.reseller_id
    back = {"quota_ids": [child["quota_id"]], "remark": "node 测试"}
    handed_out = "/v2/partners/issued-coupon-quotas"
    listed, reclaimed = calls(
        sdk, scene, answers,
        {"method": "GET", "path": handed_out, "query": {"quota_id": child["quota_id"]}},
        {"method": "POST", "path": TAKE_BACK, "body": back},
        by=scene.distributor,
    )  # fmt: skip
    assert listed["quotas"][0]["balance"] == Decimal("7.25")
    assert reclaimed["simple_quota_infos"][0]["quota_balance"] == 0
    [issued] = calls(sdk, scene, answers, {"method": "POST", "path": COUPONS, "body": issue})
    coupon = issued["coupon_infos"][0]["coupon_id"]
    recall = {"method": "POST", "path": f"{COUPONS}/reclaim"}
    found, done, refused = calls(
        sdk, scene, answers,
        {"method": "GET", "path": COUPONS, "query": {"coupon_id": coupon}},
        {**recall, "body": {"coupon_id": coupon}}, {**recall, "body": {"coupon_id": coupon[:-1]}},
    )  # fmt: skip
    assert found["user_coupons"][0]["face_value"] == Decimal("3.21")
    assert "refused" not in (done or {})
    assert (refused["refused"], refused["code"]) == (403, "CBC.0150")


def test_the_node_sdk_gives_a_member_a_part_of_a_coupon_once(
    sdk: Path, scene: Scene, tmp_path: Path
) -> None:
    ours, base = scene.ours, "/v2/enterprises/multi-accounts"
    coupon = ours.new_own_coupon()
    part = {
        "customer_id": ours.member_id, "coupon_id": coupon, "amount": "1.50",
        "trans_id": uuid4().hex,
    }  # fmt: skip
    to_member = {"method": "POST", "path": f"{base}/transfer-coupon", "body": part}
    again = {**to_member, "body": dict(reversed(part.items()))}  # or the signature were the same
    other = {**to_member, "body": {**part, "amount": "1.60"}}
    made, same, refused = calls(
        sdk, scene, tmp_path / "answers.json", to_member, again, other,
        by=ours.master.caller,
    )  # fmt: skip
    assert made == same
    assert (refused["refused"], refused["code"]) == (400, "CBC.99007009")
    sub_coupon = made["sub_coupon_id"]
    back = {"customer_id": ours.member_id, "coupon_id": coupon, "sub_coupon_id": sub_coupon}
    [returned] = calls(
        sdk, scene, tmp_path / "answers.json",
        {"method": "POST", "path": f"{base}/retrieve-coupon", "body": back},
        by=ours.master.caller,
    )  # fmt: skip
    assert returned["real_retrieve_amout"] == "1.50"
