"""A request is what its method and its raw path say, and nothing near it."""

import pytest

from tests.wire_lib.builders import reference
from wire.check import check_path
from wire.operations import everything
from wire.routing import match


@pytest.mark.parametrize("row", reference(), ids=lambda row: str(row["method_name"]))
def test_every_operation_is_found_by_its_method_and_path(row: dict[str, str]) -> None:
    path = row["path"].replace("{order_id}", "CS1").replace("{resource_id}", "res-1")
    found = match(row["http_method"], path)
    assert found is not None
    assert found.operation.method_name == row["method_name"]


def test_an_encoded_slash_stays_inside_its_segment() -> None:
    found = match("GET", b"/v2/orders/customer-orders/details/a%2Fb")
    assert found is not None
    assert found.path_params == {"order_id": "a/b"}


def test_path_parameters_are_decoded_as_utf_8() -> None:
    found = match("GET", "/v2/orders/customer-orders/details/%E8%AE%A2%20%2B1")
    assert found is not None
    assert found.path_params == {"order_id": "订 +1"}


@pytest.mark.parametrize(
    "raw",
    ["%7Border_id%7D", "a%00b", "%FF", "a%C3%28", "a%2Fb", "%2F", "%2E%2E", ".", "x" * 65],
)
def test_a_parameter_that_is_no_value_is_named(raw: str) -> None:
    found = match("GET", f"/v2/orders/customer-orders/details/{raw}")
    assert found is not None
    assert [(b.code, b.field) for b in check_path(found.operation, found.path_params)] == [
        ("CBC.0100", "order_id")
    ]


@pytest.mark.parametrize("raw", ["CS1", "x" * 64, "%E8%AE%A2", "a.b", "a%2Bb%20c"])
def test_a_parameter_that_is_a_value_passes(raw: str) -> None:
    found = match("GET", f"/v2/orders/customer-orders/details/{raw}")
    assert found is not None
    assert check_path(found.operation, found.path_params) == []


def test_a_parameter_that_was_not_set_still_finds_its_operation() -> None:
    found = match("GET", "/v2/orders/customer-orders/details/%7Border_id%7D")
    assert found is not None
    assert found.path_params == {"order_id": "{order_id}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/orders/customer-orders/"),
        ("GET", "//v2/orders/customer-orders"),
        ("GET", "/v2/orders//customer-orders"),
        ("GET", "/V2/orders/customer-orders"),
        ("GET", "/v2/%6Frders/customer-orders"),
        ("GET", "/v2/orders/customer-orders/details/"),
        ("GET", "/v2/orders/customer-orders/details/a/b"),
        ("GET", "/v2/orders/customer-orders/details/é"),
        ("get", "/v2/orders/customer-orders"),
        ("POST", "/v2/orders/customer-orders"),
        ("HEAD", "/v2/orders/customer-orders"),
        ("GET", "/bss/v2/orders/customer-orders"),
        ("GET", ""),
        ("GET", "/"),
    ],
)
def test_what_is_only_near_a_path_is_unknown(method: str, path: str) -> None:
    assert match(method, path) is None


def test_the_older_paths_are_routed() -> None:
    orders = match("GET", "/v1.0/dom1/common/order-mgr/orders/detail")
    customers = match("POST", "/v1.0/par1/partner/customer-mgr/query")
    assert orders is not None
    assert customers is not None
    assert orders.path_params == {"domain_id": "dom1"}
    assert customers.operation.method_name == "query_customers_old"


def test_freezing_is_routed_and_belongs_to_the_international_site_alone() -> None:
    found = match("POST", "/v2/partners/sub-customers/freeze")
    assert found is not None
    assert found.operation.sites == {"international"}


def test_no_two_operations_share_method_and_path() -> None:
    pairs = [(one.http_method, one.path) for one in everything().values()]
    assert len(pairs) == len(set(pairs))
