"""The table's check takes what is right and names what is wrong, for every operation."""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.wire_lib.builders import good_body, good_path, good_query, good_value
from wire.check import Breach, check
from wire.operations import OPERATIONS, Field, Operation, everything, operation

ALL = list(everything().values())


def breaches(one: Operation, **changes: Any) -> list[tuple[str, str]]:
    request = {
        "query": good_query(one),
        "body": None if one.body is None else good_body(one.method_name),
        "path_params": good_path(one),
        **changes,
    }
    return [(b.field, b.code) for b in check(one, **request)]


def with_body(name: str, /, **changes: Any) -> list[tuple[str, str]]:
    return breaches(operation(name), body={**good_body(name), **changes})


def with_query(name: str, /, **changes: list[str]) -> list[tuple[str, str]]:
    return breaches(operation(name), query={**good_query(operation(name)), **changes})


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.method_name)
def test_a_right_request_has_no_breach(one: Operation) -> None:
    assert breaches(one) == []


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.method_name)
def test_without_anything_exactly_the_required_fields_are_missing(one: Operation) -> None:
    required = [(f.name, "CBC.0100") for f in one.fields if f.required]
    assert breaches(one, query={}, body=None, path_params={}) == required
    assert breaches(one, query={}, body={}, path_params={}) == required


def body_fields() -> Iterator[tuple[str, Field]]:
    for one in OPERATIONS.values():
        for field in one.body or ():
            yield one.method_name, field


def query_fields() -> Iterator[tuple[str, Field]]:
    for one in OPERATIONS.values():
        for field in one.query:
            yield one.method_name, field


def label(value: Any) -> str:
    return value if isinstance(value, str) else value.name


@pytest.mark.parametrize(("name", "field"), list(body_fields()), ids=label)
def test_a_body_field_of_another_type_is_refused(name: str, field: Field) -> None:
    wrong: Any = {"str": 5, "int": "5", "bool": "true", "decimal": True, "object": "x"}[field.type]
    wrong = True if field.amount else wrong
    assert with_body(name, **{field.name: wrong}) == [(field.name, "CBC.0100")]


@pytest.mark.parametrize(
    ("name", "field"), [(n, f) for n, f in body_fields() if f.type != "bool"], ids=label
)
def test_a_bool_stands_for_nothing_but_itself(name: str, field: Field) -> None:
    wrong: Any = [True] if field.many else True
    place = f"{field.name}[0]" if field.many else field.name
    assert with_body(name, **{field.name: wrong}) == [(place, "CBC.0100")]


@pytest.mark.parametrize(
    ("name", "field"), [(n, f) for n, f in body_fields() if f.max_length], ids=label
)
def test_a_text_that_is_too_long_is_refused(name: str, field: Field) -> None:
    assert field.max_length is not None
    long: Any = "1" * (field.max_length + 1)
    place = f"{field.name}[0]" if field.many else field.name
    assert with_body(name, **{field.name: [long] if field.many else long}) == [(place, "CBC.0100")]


@pytest.mark.parametrize(
    ("name", "field"),
    [(n, f) for n, f in body_fields() if f.max is not None],
    ids=label,
)
def test_a_number_beyond_its_range_is_refused(name: str, field: Field) -> None:
    assert field.max is not None
    step = Decimal("0.01") if field.amount else 1
    beyond = field.max + step if field.amount else int(field.max) + 1
    assert with_body(name, **{field.name: beyond}) == [(field.name, "CBC.0100")]
    if field.min is not None:
        below = 0 if field.amount else int(field.min) - 1
        assert with_body(name, **{field.name: below}) == [(field.name, "CBC.0100")]


@pytest.mark.parametrize(
    ("name", "field"), [(n, f) for n, f in query_fields() if f.type == "int"], ids=label
)
def test_an_integer_of_a_query_is_plain_digits_in_its_range(name: str, field: Field) -> None:
    beyond = [str(int(field.max) + 1)] if field.max is not None else []
    below = [str(int(field.min) - 1)] if field.min is not None else []
    for text in ("x", "1.0", " 1", "1_0", "1" * 30, *beyond, *below):
        assert with_query(name, **{field.name: [text]}) == [(field.name, "CBC.0100")], text


@pytest.mark.parametrize(
    ("name", "field"), [(n, f) for n, f in query_fields() if not f.many], ids=label
)
def test_a_query_parameter_comes_once(name: str, field: Field) -> None:
    text = good_query(operation(name))[field.name][0]
    assert with_query(name, **{field.name: [text, text]}) == [(field.name, "CBC.0100")]


@pytest.mark.parametrize(
    ("name", "field"),
    [(n, f) for n, f in [*body_fields(), *query_fields()] if f.format],
    ids=label,
)
def test_instants_cycles_and_days_in_another_spelling_are_refused(name: str, field: Field) -> None:
    for text in ("2026-11-31T00:00:00Z", "2026-13", "2026-02-30", "2026/11/23", "now"):
        one = operation(name)
        if one.body and field in one.body:
            assert (field.name, "CBC.0100") in with_body(name, **{field.name: text}), text
        else:
            assert (field.name, "CBC.0100") in with_query(name, **{field.name: [text]}), text


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("pay_orders", "use_coupon", "YEP"),
        ("auto_renewal_resources", "period_type", "WEEK"),
        ("set_resources_renew_config", "config_name", "NAME"),
    ],
)
def test_a_choice_that_does_not_exist_in_a_body_is_0101(name: str, field: str, value: str) -> None:
    assert with_body(name, **{field: value}) == [(field, "CBC.0101")]


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("list_customer_orders", "method", "all"),
        ("list_customer_account_change_records", "balance_type", "BALANCE"),
        ("list_customer_coupon_change_records", "trade_type", "GIFT"),
    ],
)
def test_a_choice_that_does_not_exist_in_a_query_is_0101(name: str, field: str, value: str) -> None:
    assert with_query(name, **{field: [value]}) == [(field, "CBC.0101")]


@pytest.mark.parametrize(
    ("name", "field"),
    [(n, f) for n, f in [*body_fields(), *query_fields()] if f.choices],
    ids=label,
)
def test_a_code_within_its_range_that_does_not_exist_is_0101(name: str, field: Field) -> None:
    low = int(field.min) if field.min is not None else 0
    high = int(field.max) if field.max is not None else 9
    free = [str(n) for n in range(low, high + 1) if str(n) not in field.choices]
    for text in free[:2]:
        value: Any = text if field.type == "str" else int(text)
        one, place = operation(name), f"{field.name}[0]" if field.many else field.name
        in_body = one.body is not None and field in one.body
        got = (
            with_body(name, **{field.name: [value] if field.many else value})
            if in_body
            else with_query(name, **{field.name: [text]})
        )
        assert got == [(place, "CBC.0101")]


def test_the_sites_have_their_own_association_and_order_types() -> None:
    for site, known, unknown in (("china", "2", "3"), ("international", "3", "2")):
        one = operation("list_sub_customers", site)
        assert check(one, {}, {"association_type": known}) == []
        assert check(one, {}, {"association_type": unknown})[0].code == "CBC.0101"
    orders = operation("list_customer_orders", "international")
    assert check(orders, {"order_type": ["10"]}, None)[0].code == "CBC.0101"


def test_nested_fields_are_named_by_their_place() -> None:
    coupons = [{"id": "1", "type": 301}, {"type": "301"}]
    assert with_body("pay_orders", coupon_infos=coupons) == [
        ("coupon_infos[1].id", "CBC.0100"),
        ("coupon_infos[1].type", "CBC.0100"),
    ]
    wrong: Any = [{"operator": 0, "filter_factor": {"key": "", "value": []}}]
    assert with_body("list_costs", filters=wrong) == [
        ("filters[0].filter_factor.key", "CBC.0100"),
        ("filters[0].filter_factor.value", "CBC.0100"),
    ]


def test_lists_have_their_sizes_and_no_empty_items() -> None:
    assert with_body("renewal_resources", resource_ids=[]) == [("resource_ids", "CBC.0100")]
    eleven = ["r"] * 11
    assert with_body("renewal_resources", resource_ids=eleven) == [("resource_ids", "CBC.0100")]
    holes: Any = ["r", "", None]
    assert with_body("renewal_resources", resource_ids=holes) == [
        ("resource_ids[1]", "CBC.0100"),
        ("resource_ids[2]", "CBC.0100"),
    ]


@pytest.mark.parametrize("amount", [0, -1, True, "1.005", 0.30000000000000004, "NaN", 1e300, "1e2"])
def test_amounts_are_above_zero_with_two_decimals(amount: Any) -> None:
    assert with_body("update_customer_account_amount", amount=amount) == [("amount", "CBC.0100")]


@pytest.mark.parametrize("amount", [100.1, "100.10", Decimal("1E+2"), 5, 0.01])
def test_amounts_come_in_every_spelling(amount: Any) -> None:
    assert with_body("update_customer_account_amount", amount=amount) == []
    assert with_body("update_sub_enterprise_amount", amount=amount) == []


def test_an_empty_text_is_not_given_refused_or_a_value_as_the_field_says() -> None:
    assert with_body("list_sub_customers", account_name="") == []
    assert with_body("list_sub_customers", associated_on_begin="") == [
        ("associated_on_begin", "CBC.0100")
    ]
    assert with_body("create_sub_customer", password="") == [("password", "CBC.0100")]
    assert with_body("create_partner_coupons", memo="") == []
    assert with_query("list_customer_orders", customer_id=[""], status=[""]) == []
    assert with_query("list_sub_customer_coupons", order_id=[""]) == []
    assert with_query("list_sub_customer_coupons", coupon_type=[""]) == [
        ("coupon_type", "CBC.0100")
    ]


def test_nulls_are_not_given() -> None:
    assert with_body("list_sub_customers", account_name=None, limit=None) == []
    assert with_body("pay_orders", order_id=None) == [("order_id", "CBC.0100")]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_characters_that_no_database_holds_are_refused(text: str) -> None:
    assert with_body("pay_orders", order_id=text) == [("order_id", "CBC.0100")]
    assert with_query("list_order_discounts", order_id=[text]) == [("order_id", "CBC.0100")]


JUNK: list[Any] = [
    None, True, 0, -1, 10**40, 0.1, float("nan"), float("inf"), Decimal("1E+99999"), "", "x",
    "9" * 5000, "\ud800", "{}", [], [[]], [None, {}], {}, {"id": {"id": []}}, {"": ""}, b"x",
]  # fmt: skip


def junk_for(dice: random.Random, field: Field) -> Any:
    """Something wrong, mostly: junk in the place of the field, or of a part of it."""
    if field.fields and dice.random() < 0.5:
        inner = {part.name: junk_for(dice, part) for part in field.fields}
        return [inner] if field.many else inner
    return dice.choice([dice.choice(JUNK), [dice.choice(JUNK)], good_value(field)])


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.method_name)
def test_no_junk_brings_the_check_down(one: Operation) -> None:
    dice = random.Random(one.method_name)
    for _ in range(50):
        body: Any = {field.name: junk_for(dice, field) for field in one.body or ()}
        query = {
            f.name: [str(dice.choice(JUNK)) for _ in range(dice.randrange(3))] for f in one.query
        }
        path = {field.name: str(dice.choice(JUNK)) for field in one.path_fields}
        found = check(one, query, dice.choice([body, dice.choice(JUNK)]), path)
        assert {breach.code for breach in found} <= {"CBC.0100", "CBC.0101"}


@pytest.mark.parametrize("body", [[], "x", 5, True])
def test_what_is_no_object_is_a_malformed_body(body: Any) -> None:
    assert breaches(operation("pay_orders"), body=body) == [("body", "CBC.0100")]


def test_a_path_parameter_that_the_sdk_was_not_given_is_missing() -> None:
    one = operation("show_customer_order_details")
    assert breaches(one, path_params={"order_id": "{order_id}"}) == [("order_id", "CBC.0100")]
    assert breaches(one, path_params={"order_id": "x" * 65}) == [("order_id", "CBC.0100")]


def test_offset_of_own_coupons_goes_only_with_limit() -> None:
    one = operation("list_sub_customer_coupons")
    assert breaches(one, query={"offset": ["1"]}) == [("limit", "CBC.0100")]
    assert breaches(one, query={"offset": ["1"], "limit": ["5"]}) == []


def test_the_international_site_has_its_own_fields() -> None:
    abroad = operation("create_sub_customer", "international")
    body = {"xaccount_id": "x", "xaccount_type": "t"}
    assert check(abroad, {}, body) == [Breach("domain_area", "CBC.0100", "missing")]
    assert check(operation("create_sub_customer"), {}, body) == []


def test_unknown_fields_are_ignored() -> None:
    assert with_body("pay_orders", later={"x": 1}) == []
    assert with_query("list_customer_orders", later=["1", "2"]) == []
