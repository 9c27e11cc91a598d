"""Decimals leave as raw numbers and come in exactly."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from wire.json import (
    NAMES_MAX,
    NESTING_MAX,
    NUMBER_CHARACTERS_MAX,
    canonical,
    dumps,
    loads,
    read,
)


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


def nested(levels: int) -> bytes:
    return b"[" * (levels - 1) + b"{}" + b"]" * (levels - 1)


def named(names: int) -> bytes:
    return b"{" + b",".join(b'"%d":1' % name for name in range(names)) + b"}"


def digits(characters: int) -> bytes:
    return b"[" + b"7" * characters + b"]"


BOUNDS = [(nested, NESTING_MAX), (named, NAMES_MAX), (digits, NUMBER_CHARACTERS_MAX)]


@pytest.mark.parametrize(("made", "most"), BOUNDS)
def test_what_a_caller_wrote_is_read_up_to_its_bounds(
    made: Callable[[int], bytes], most: int
) -> None:
    assert read(made(most)) == loads(made(most))
    with pytest.raises(ValueError, match=str(most)):
        read(made(most + 1))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        ('{"a": 1}'.encode("utf-16-be"), "not JSON"),
        ('{"a": 1}'.encode("utf-32-le"), "not JSON"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": [-Infinity]}', "-Infinity"),
        (b'{"a": 1, "a": 1}', "twice"),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', "twice"),
        (b'{"a": 1e1001}', "1000 characters"),
        (b'{"a": 1e-1001}', "1000 characters"),
        (b'{"a": 1e99999999999999999999999}', "1000 characters"),
        (b'{"a": 0.%s}' % (b"1" * 1000), "1000 characters"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 01}', "not JSON"),
        (b'{"a": +1}', "not JSON"),
        (b'{"a": 1.}', "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": "\t"}', "not JSON"),
        (b"\x0b{}", "not JSON"),
        ("{}\u00a0".encode(), "not JSON"),
        (b"[" * 100_000, "64"),
        (b'{"a":' * 100_000, "64"),
    ],
)
def test_what_a_caller_may_not_write(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(raw)


def test_decimals_stay_what_a_caller_wrote() -> None:
    assert read(b' {"a": 100.100000000000000000000000000001, "b": 1E+2, "c": -0} ') == {
        "a": Decimal("100.100000000000000000000000000001"),
        "b": Decimal("1E+2"),
        "c": 0,
    }
    many = b"[" + b'{"a": []},' * 200 + b"1]"
    assert read(many) == loads(many)  # many brackets are not many levels


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        (b' {"b": 1.00, "a" : [1e0, 10, 1.50, -0.0, 0e5]} ', b'{"a":[1,10,1.5,0,0],"b":1}'),
        (b'{"a": "\\u4e2d\\/", "\\u0061b": "1.00"}', b'{"a":"\\u4e2d/","ab":"1.00"}'),
        (b"[true, 1, null, false, {}, []]", b"[true,1,null,false,{},[]]"),
        (b"100.100000000000000000000000000001", b"100.100000000000000000000000000001"),
        (b"12345678901234567890123456789012345.50", b"12345678901234567890123456789012345.5"),
        (b"1E+30", b"1" + b"0" * 30),
        (b"1E-30", b"0." + b"0" * 29 + b"1"),
        (b'"\\ud800"', b'"\\ud800"'),
    ],
)
def test_one_spelling_stands_for_all_that_say_the_same(text: bytes, spelling: bytes) -> None:
    assert canonical(read(text)) == spelling
