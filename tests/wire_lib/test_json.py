"""Decimals leave as raw numbers and come in exactly."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from wire.json import dumps, loads


class Kind(StrEnum):
    CASH = "cash"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("12.30", "12.30"),
        ("12.3", "12.3"),
        ("100", "100.0"),
        ("1E+3", "1000.0"),
        ("1E-8", "0.00000001"),
        ("0E-10", "0.0000000000"),
        ("0", "0.0"),
        ("-0.00", "0.00"),
        ("-30.00", "-30.00"),
        ("99999999999.99", "99999999999.99"),
        ("0.04599822", "0.04599822"),
        ("12345678901234567890.1234567890", "12345678901234567890.1234567890"),
    ],
)
def test_a_decimal_is_a_number_without_exponent(value: str, text: str) -> None:
    assert dumps({"a": Decimal(value)}) == f'{{"a":{text}}}'.encode()
    assert loads(dumps({"a": Decimal(value)})) == {"a": Decimal(value)}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_cannot_be_sent(value: str) -> None:
    with pytest.raises(TypeError):
        dumps({"a": Decimal(value)})


def test_instants_dates_codes_and_chinese_have_one_form() -> None:
    at = datetime(2026, 11, 23, 3, 0, 0, 123456, tzinfo=UTC)
    value = {"at": at, "day": date(2026, 11, 23), "kind": Kind.CASH, "name": "客户", "no": None}
    expected = (
        '{"at":"2026-11-23T03:00:00Z","day":"2026-11-23","kind":"cash","name":"客户","no":null}'
    )
    assert dumps(value) == expected.encode()


@pytest.mark.parametrize("value", [object(), {1, 2}, datetime(2026, 11, 23)])  # noqa: DTZ001
def test_what_has_no_form_is_a_mistake_of_the_program(value: Any) -> None:
    with pytest.raises(TypeError):
        dumps({"a": value})


def test_fractions_come_in_exactly() -> None:
    assert loads(b'{"a": 0.30000000000000004, "b": 100.10, "c": 3}') == {
        "a": Decimal("0.30000000000000004"),
        "b": Decimal("100.10"),
        "c": 3,
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"NaN",
        b'{"a": Infinity}',
        b'{"a": 1e99999999999999999999999}',
        b'"\xff"',
        b"[" * 100_000,
        b"9" * 5000,
    ],
)
def test_what_is_no_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        loads(raw)
