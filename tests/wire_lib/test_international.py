"""What we say of the international site is what its official SDK sends.

See docs/domain/international-site.md D.4b.
"""

import inspect
import re
from typing import Any

import pytest
from huaweicloudsdkbssintl import v2
from huaweicloudsdkbssintl.v2.bssintl_client import BssintlClient

from wire.check import check_body, check_query
from wire.operations import operation, operations

SOURCE = inspect.getsource(BssintlClient)
ABROAD = {
    name: (method, path)
    for name, method, path in re.findall(
        r'def _(\w+)_http_info\(.*?"method": "(\w+)",\s*"resource_path": "([^"]+)"', SOURCE, re.S
    )
}
BODIES = {
    "create_sub_customer": v2.CreateCustomerV2Req,
    "send_verification_message_code": v2.SendVerificationCodeV2Req,
    "create_personal_realname_auth": v2.ApplyIndividualRealnameAuthsReq,
    "list_sub_customers": v2.QuerySubCustomerListReq,
    "freeze_sub_customers": v2.FreezeSubCustomersReq,
    "list_resource_specs_price": v2.ResourceSpecsPriceQueryReq,
    "unfreeze_sub_customers": v2.UnfreezeSubCustomersReq,
}


def test_what_is_spoken_on_both_sites_is_what_both_sdks_send_alike() -> None:
    here = {name: (one.http_method, one.path) for name, one in operations().items()}
    shared = {name for name in here if ABROAD.get(name) == here[name]}
    assert shared == {name for name, one in operations().items() if "international" in one.sites}


@pytest.mark.parametrize("name", sorted(operations("international")))
def test_an_operation_abroad_has_the_sdks_method_and_path(name: str) -> None:
    one = operation(name, "international")
    assert ABROAD[name] == (one.http_method, one.path)


@pytest.mark.parametrize(("name", "model"), BODIES.items())
def test_a_body_abroad_has_the_sdks_fields(name: str, model: Any) -> None:
    body = operation(name, "international").body
    assert body is not None
    assert {field.name for field in body} == set(model.attribute_map.values())


def test_own_coupons_abroad_have_no_reseller() -> None:
    names = {f.name for f in operation("list_sub_customer_coupons", "international").query}
    assert names == set(v2.ListSubCustomerCouponsRequest.attribute_map.values())


BILL_TYPES = {
    "list_customerself_resource_records": v2.ListCustomerselfResourceRecordsRequest,
    "list_customerself_resource_record_details": v2.QueryResRecordsDetailReq,
}


def bill_types(name: str, site: str) -> set[str]:
    """Those by which the operation lets filter."""
    one = operation(name, site)

    def is_known(bill_type: int) -> bool:
        if one.body is None:
            found = check_query(one, {"bill_type": [str(bill_type)]})
        else:
            found = check_body(one, {"bill_type": bill_type})
        return all(breach.field != "bill_type" for breach in found)

    return {str(number) for number in range(128) if is_known(number)}


@pytest.mark.parametrize("name", BILL_TYPES)
def test_bill_types_abroad_are_those_of_the_sdks_text(name: str) -> None:
    """Break: leave the operation's choices out of the overlay's differences."""
    told = set(re.findall(r"(\d+)：", inspect.getdoc(BILL_TYPES[name].bill_type.fget) or ""))
    assert bill_types(name, "international") == told > {"15", "17", "100", "101", "102"}
    assert bill_types(name, "china") - told == {"25", "103"}
