"""What request models take, refuse and say about it, and what answers look like."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from wire.json import dumps, loads
from wire.types import (
    Amount,
    AmountRule,
    BeijingDate,
    Cycle,
    DecimalText,
    Figure,
    FloatNumber,
    Id,
    Instant,
    Number,
    PathId,
    WireAnswer,
    WireQuery,
    WireRequest,
    error_of,
)


class Transfer(WireRequest):
    customer_id: Id
    amount: Amount
    number: int = 3
    name: str | None = None
    flag: bool = False
    kind: Literal["YES", "NO"] = "NO"
    level: Literal[1, 2] | None = None
    at: Instant | None = None
    cycle: Cycle | None = None
    day: BeijingDate | None = None
    parts: list["Part"] = Field(default=[])
    tags: list[str] = Field(default=[])


class Part(WireRequest):
    id: Id


class Pay(WireRequest, operation="pay_orders"):
    order_id: str
    use_coupon: Literal["YES", "NO"]
    use_discount: Literal["YES", "NO"]


class Orders(WireQuery, operation="list_customer_orders"):
    customer_id: str | None = None
    status: int | None = None
    limit: int = 10
    offset: int = 0


class Coupons(WireQuery, operation="list_sub_customer_coupons"):
    order_id: str | None = None
    coupon_type: int | None = None
    limit: int = 10


class Loose(WireQuery):
    limit: int = 10
    name: str | None = None


class Balance(WireAnswer):
    amount: FloatNumber
    text: DecimalText
    at: Instant
    day: BeijingDate
    note: str | None = None


def error(model: type[BaseModel], data: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return error_of(caught.value.errors())


def transfer(**changes: Any) -> dict[str, Any]:
    return {"customer_id": "c1", "amount": 1, **changes}


# --- amounts


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (b"100.1", "100.10"),
        (b"100.10", "100.10"),
        (b'"100.10"', "100.10"),
        (b"1E+2", "100.00"),
        (b"1e2", "100.00"),
        (b"100", "100.00"),
        (b"0.01", "0.01"),
        (b"0.100000", "0.10"),
        (b"99999999999", "99999999999.00"),
        (b"2147483647.99", "2147483647.99"),
    ],
)
def test_an_amount_is_taken_exactly_in_every_spelling(sent: bytes, meant: str) -> None:
    exact = Transfer.model_validate(transfer(amount=loads(sent)))
    assert (exact.amount, str(exact.amount)) == (Decimal(meant), meant)


@pytest.mark.parametrize("value", [100.1, 0.29, 1e2, 1.1, 99999999999.0, 4.35])
def test_an_amount_read_as_float_is_taken_by_its_shortest_spelling(value: float) -> None:
    assert Transfer.model_validate(transfer(amount=value)).amount == Decimal(repr(value))


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        0,
        -1,
        "0.00",
        0.001,
        0.30000000000000004,
        "1.005",
        Decimal("1.001"),
        "",
        " 1",
        "1 ",
        "+1",
        "1,000",
        "١",
        "NaN",
        "Infinity",
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("1E+999999"),
        "1e99",
        "1e2",
        "1E+2",
        "1.0e0",
        10**30,
        99999999999.01,
        None,
        [],
        {},
        b"1",
    ],
)
def test_what_is_no_amount_is_refused_with_its_name(value: Any) -> None:
    assert error(Transfer, transfer(amount=value)) == ("CBC.0100", "amount")


def test_an_amount_may_have_another_maximum() -> None:
    limited = TypeAdapter(Annotated[Decimal, AmountRule(maximum=Decimal("999999999.99"))])
    assert limited.validate_python("999999999.99") == Decimal("999999999.99")
    with pytest.raises(ValidationError):
        limited.validate_python(1_000_000_000)


def test_a_number_without_bounds_keeps_every_digit() -> None:
    assert TypeAdapter(Number).validate_python(loads(b"25874.00064")) == Decimal("25874.00064")


@pytest.mark.parametrize(
    "value", [Decimal("1E+999999"), 10**30, -(10**30), "1e99", "1e2", float("inf")]
)
def test_a_number_that_nobody_could_mean_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Number).validate_python(value)


@pytest.mark.parametrize("text", ["1e2", "1E+2", "1.0e0", " 1", "1_0", "+1", "NaN", "１", "", True])
def test_a_figure_is_written_in_digits(text: str | bool) -> None:
    """Break: take the text as it is."""
    bounded = TypeAdapter(Annotated[Figure, Field(lt=10**15, decimal_places=10)])
    with pytest.raises(ValidationError):
        bounded.validate_python(text)


def test_a_figure_keeps_the_bounds_of_its_field() -> None:
    bounded = TypeAdapter(Annotated[Figure, Field(gt=-5, decimal_places=2)])
    numbers = [loads(raw) for raw in (b"1E+2", b"2.50", b'"-2.50"', b"7")]
    told = [bounded.validate_python(number) for number in numbers]
    assert told == [100, Decimal("2.5"), Decimal("-2.5"), 7]
    for beyond in ("-5", "0.001", 0.001):
        with pytest.raises(ValidationError):
            bounded.validate_python(beyond)


# --- other fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", True),
        ("number", "3"),
        ("number", 3.0),
        ("number", 3.5),
        ("name", 5),
        ("flag", "false"),
        ("flag", 0),
        ("customer_id", ""),
        ("customer_id", "x" * 65),
        ("customer_id", 7),
        ("name", "a\0b"),
        ("tags", ["a\0"]),
        ("tags", "a"),
        ("name", "\ud800"),
        ("kind", ""),
        ("kind", 5),
        ("kind", True),
        ("level", "1"),
        ("level", True),
        ("at", "2026-11-23 03:00:00"),
        ("at", "2026-11-23T03:00:00+00:00"),
        ("at", "2026-11-23T24:00:00Z"),
        ("at", "2026-02-30T00:00:00Z"),
        ("at", "2026-11-23T03:00:00Z\n"),
        ("at", 1700000000),
        ("at", ""),
        ("cycle", "2026-13"),
        ("cycle", "2026-1"),
        ("cycle", "202611"),
        ("cycle", 202611),
        ("day", "2026-02-29"),
        ("day", "20261123"),
    ],
)
def test_a_malformed_field_is_0100_with_its_name(field: str, value: Any) -> None:
    assert error(Transfer, transfer(**{field: value})) == ("CBC.0100", field)


@pytest.mark.parametrize(("field", "value"), [("kind", "MAYBE"), ("level", 3)])
def test_a_well_formed_value_that_does_not_exist_is_0101(field: str, value: Any) -> None:
    assert error(Transfer, transfer(**{field: value})) == ("CBC.0101", field)


@pytest.mark.parametrize("value", ["{order_id}", "", "x" * 65, "a\0", "\ud800"])
def test_an_id_in_a_path_is_neither_empty_nor_the_sdks_placeholder(value: str) -> None:
    assert TypeAdapter(PathId).validate_python("CS1 订单-1") == "CS1 订单-1"
    with pytest.raises(ValidationError):
        TypeAdapter(PathId).validate_python(value)


def test_a_nested_field_is_named_by_its_place() -> None:
    assert error(Transfer, transfer(parts=[{"id": "a"}, {"id": ""}])) == ("CBC.0100", "parts[1].id")
    assert error(Transfer, transfer(parts=[{}])) == ("CBC.0100", "parts[0].id")


def test_a_missing_field_is_0100_and_a_null_is_a_missing_one() -> None:
    assert error(Transfer, {"amount": 1}) == ("CBC.0100", "customer_id")
    assert error(Transfer, transfer(customer_id=None)) == ("CBC.0100", "customer_id")
    assert Transfer.model_validate(transfer(number=None, parts=None)).number == 3


def test_unknown_fields_are_ignored() -> None:
    assert not hasattr(Transfer.model_validate(transfer(later="x")), "later")


@pytest.mark.parametrize("data", [[], "x", 5, True])
def test_what_is_no_object_is_a_malformed_body(data: Any) -> None:
    assert error(Transfer, data) == ("CBC.0100", "body")


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([{"type": "json_invalid", "loc": ("body", 7), "ctx": {"error": "x"}}], "body"),
        ([{"type": "missing", "loc": ("body",)}], "body"),
        ([{"type": "missing", "loc": ("body", "order_id")}], "order_id"),
        ([{"type": "int_parsing", "loc": ("query", "limit")}], "limit"),
        ([{"type": "missing", "loc": ("header", "X-Language")}], "X-Language"),
        ([{"type": "missing", "loc": ("body", "a", 2, "b")}, {"type": "enum"}], "a[2].b"),
    ],
)
def test_fastapis_errors_are_named_without_their_place(errors: Any, expected: str) -> None:
    assert error_of(errors) == ("CBC.0100", expected)


# --- the table behind a model


def test_a_model_with_an_operation_is_checked_by_the_table() -> None:
    good = {"order_id": "CS1", "use_coupon": "NO", "use_discount": "NO"}
    assert Pay.model_validate(good).order_id == "CS1"
    assert error(Pay, {**good, "order_id": "x" * 65}) == ("CBC.0100", "order_id")
    assert error(Pay, {**good, "use_coupon": "YEP"}) == ("CBC.0101", "use_coupon")
    coupons = [{"id": "1", "type": 301}, {"id": "2", "type": 5}]
    assert error(Pay, {**good, "coupon_infos": coupons}) == ("CBC.0100", "coupon_infos[1].type")


def test_a_query_is_texts_and_an_empty_one_is_not_given() -> None:
    query = Orders.model_validate({"limit": "20", "status": "", "customer_id": ""})
    assert (query.limit, query.status, query.customer_id) == (20, None, None)


@pytest.mark.parametrize("limit", ["0", "101", "1_0", " 5", "5.0", "x", "-1"])
def test_a_querys_limit_is_never_clamped(limit: str) -> None:
    assert error(Orders, {"limit": limit}) == ("CBC.0100", "limit")


def test_an_empty_text_is_what_the_table_says_of_the_field() -> None:
    assert Coupons.model_validate({"order_id": ""}).order_id == ""
    assert error(Coupons, {"coupon_type": ""}) == ("CBC.0100", "coupon_type")


def test_offset_of_own_coupons_alone_is_refused() -> None:
    assert error(Coupons, {"offset": "5"}) == ("CBC.0100", "limit")


def test_a_query_without_an_operation_takes_plain_integers_only() -> None:
    assert Loose.model_validate({"limit": "7", "name": ""}) == Loose(limit=7, name="")
    for text in ("1_0", " 7", "7.0", "x"):
        assert error(Loose, {"limit": text}) == ("CBC.0100", "limit")
    assert error(Loose, {"name": "a\0"}) == ("CBC.0100", "name")


# --- answers


def balance(**changes: Any) -> Balance:
    values: dict[str, Any] = {
        "amount": Decimal("1E-8"),
        "text": Decimal("1E+2"),
        "at": datetime(2026, 11, 23, 11, 0, 0, 999, tzinfo=UTC) - timedelta(hours=8),
        "day": date(2026, 11, 23),
    }
    return Balance(**{**values, **changes})


def test_an_answer_has_raw_numbers_texts_and_instants_and_no_nulls() -> None:
    expected = '{"amount":0.00000001,"text":"100","at":"2026-11-23T03:00:00Z","day":"2026-11-23"}'
    assert balance().to_json() == dumps(balance()) == expected.encode()


@pytest.mark.parametrize("value", [1.5, "1.5", True])
def test_an_answer_takes_money_as_decimal_only(value: Any) -> None:
    with pytest.raises(ValidationError):
        balance(amount=value)


def test_an_answer_with_a_field_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="amout"):
        balance(amout=Decimal(1))


def test_models_can_be_published_as_json_schema() -> None:
    request = Transfer.model_json_schema()["properties"]
    answer = Balance.model_json_schema(mode="serialization")["properties"]
    assert request["amount"]["type"] == "string"
    assert answer["amount"]["type"] == "number"
    assert answer["text"]["type"] == "string"
    assert answer["at"]["format"] == "date-time"
