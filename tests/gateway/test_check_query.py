"""A query that the services' framework would read leniently is refused at the door."""

import pytest

from chassis.errors import BadFieldError
from gateway.forwarding.check_query import check_query
from wire.operations import operation


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (b"limit=1&limit=2", "limit"),
        (b"limit=1&%6Cimit=1", "limit"),
        (b"customer_id=%FF", "customer_id"),
        (b"offset=0&order_id=%C3%28", "order_id"),
    ],
)
def test_a_repeated_parameter_and_broken_utf_8_are_named(query: bytes, field: str) -> None:
    with pytest.raises(BadFieldError) as caught:
        check_query(operation("list_customer_orders"), query)
    assert caught.value.field == field


def test_lists_and_unknown_parameters_may_repeat() -> None:
    check_query(operation("list_partner_coupons_record"), b"coupon_ids=a&coupon_ids=b")
    for query in (b"", b"limit=1&customer_id=%E6%B5%8B", b"unknown=1&unknown=%FF"):
        check_query(operation("list_customer_orders"), query)
