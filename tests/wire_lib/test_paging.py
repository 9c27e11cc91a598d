"""A page out of range is refused, never clamped."""

import pytest

from wire.breach import BreachError
from wire.operations import OPERATIONS, Operation, operation
from wire.paging import Page, check_page

PAGED = [one for one in OPERATIONS.values() if one.limit_max is not None]


@pytest.mark.parametrize("one", PAGED, ids=lambda one: one.method_name)
def test_the_ends_of_the_range_are_taken_and_what_lies_beyond_is_refused(one: Operation) -> None:
    assert one.limit_max is not None
    assert one.limit_min is not None
    for limit in (one.limit_min, one.limit_max):
        assert check_page(one, limit).limit == limit
        assert check_page(one, str(limit)).limit == limit
    for limit in (one.limit_min - 1, one.limit_max + 1):
        refused(one, "limit", limit, 0)
    if one.offset_max is not None:
        assert check_page(one, one.limit_max, one.offset_max).offset == one.offset_max
        refused(one, "offset", one.limit_max, one.offset_max + 1)
        refused(one, "offset", one.limit_max, -1)


@pytest.mark.parametrize("one", PAGED, ids=lambda one: one.method_name)
def test_without_limit_the_default_holds(one: Operation) -> None:
    assert check_page(one) == check_page(one, "", "") == Page(one.limit_default or 0, 0)


@pytest.mark.parametrize("text", ["a", "1.0", " 1", "+1", "1_0", "٣", "1e1", "9" * 5000])
def test_only_plain_digits_are_a_number(text: str) -> None:
    refused(operation("list_sub_customers"), "limit", text, 0)


def test_a_bool_is_no_number() -> None:
    refused(operation("list_sub_customers"), "limit", True, 0)


def test_offset_of_own_coupons_goes_only_with_limit() -> None:
    coupons = operation("list_sub_customer_coupons")
    assert check_page(coupons, 10, 5) == Page(10, 5)
    refused(coupons, "limit", None, 5)


def test_a_list_with_markers_has_no_offset() -> None:
    assert check_page(operation("list_resource_specs"), 100, 7) == Page(100, 0)


def test_what_is_not_paged_has_no_page() -> None:
    with pytest.raises(LookupError, match="not paged"):
        check_page(operation("pay_orders"))


def refused(one: Operation, field: str, limit: str | int | None, offset: int) -> None:
    with pytest.raises(BreachError) as caught:
        check_page(one, limit, offset)
    assert (caught.value.breach.field, caught.value.breach.code) == (field, "CBC.0100")
