"""The vendor's account without its association: 500 CBC.99000050, then found by the list."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from huaweicloudsdkbss.v2 import CreateCustomerV2Req, CreateSubCustomerRequest
from huaweicloudsdkcore.exceptions.exceptions import (
    ClientRequestException,
    ServerResponseException,
)

from testkit.system import System
from tests.flows.cast import XACCOUNT_TYPE, Stage, eventually
from tests.flows.deeds import ECS_MONTH, issue_coupon, transfer

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

CREATE, LIST = "/v2/partners/sub-customers", "/v2/partners/sub-customers/query"


@pytest.mark.timeout(240)
def test_a_late_association_is_an_error_with_the_account_and_no_second_one(
    make_system: Callable[..., System],
) -> None:
    delays = {"ASSOCIATION_DELAY_SECONDS": "35", "ASSOCIATION_WAIT_SECONDS": "0.5"}
    stage = Stage(make_system(environment=delays))
    partner = stage.partner()
    quota = stage.quota(partner.domain_id)
    told = {
        "xaccount_id": uuid4().hex, "xaccount_type": XACCOUNT_TYPE, "domain_name": "late_one",
        "password": "Secret-2026-word", "include_association_result": True,
    }  # fmt: skip

    late = partner.call("POST", CREATE, told)

    assert (late.status_code, late.json()["error_code"]) == (500, "CBC.99000050")
    customer = late.json()["domain_id"]
    assert late.json()["domain_name"] == "late_one"
    # Pending: nobody can do anything with it, each service says so in its own words.
    line = {"customer_id": customer, "lines": [ECS_MONTH]}
    assert partner.call("POST", "/api/orders", line).json()["code"] == "CBC.99000035"
    with pytest.raises(ClientRequestException):
        transfer(partner, customer, "10.00")
    coupon = {"quota_id": quota, "customer_ids": [customer], "face_value": "10.00"}
    refused = partner.post("/v2/promotions/benefits/partner-coupons", coupon)["error_details"]
    assert [one["error_code"] for one in refused] == ["CBC.99000000"]
    assert partner.post(LIST, {})["count"] == 0
    # A retry by the SDK: it is there already.
    with pytest.raises(ClientRequestException) as repeated:
        partner.bss.create_sub_customer(CreateSubCustomerRequest(body=CreateCustomerV2Req(**told)))
    assert repeated.value.error_code == "CBC.99000039"
    # The SDK's caller sees the code, and finds the customer by the list.
    with pytest.raises(ServerResponseException) as missed:
        again = CreateCustomerV2Req(**{**told, "xaccount_id": uuid4().hex, "domain_name": None})
        partner.bss.create_sub_customer(CreateSubCustomerRequest(body=again))
    assert (missed.value.status_code, missed.value.error_code) == (500, "CBC.99000050")

    listed = eventually(
        lambda: {row["customer_id"] for row in partner.post(LIST, {})["customer_infos"]},
        lambda seen: len(seen) == 2,
    )
    assert customer in listed
    transfer(partner, customer, "10.00")
    issue_coupon(partner, quota, customer, "10.00")
