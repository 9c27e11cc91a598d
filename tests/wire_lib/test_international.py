"""What we say of the international site is what its official SDK sends.

See docs/domain/international-site.md D.4b.
"""

import inspect
import re
from typing import Any

import pytest
from huaweicloudsdkbssintl import v2
from huaweicloudsdkbssintl.v2.bssintl_client import BssintlClient

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
