"""A cursor is ours, or refused by its name; so are instants, numbers and parameters."""

import json
from base64 import urlsafe_b64encode
from decimal import Decimal
from typing import Any

import pytest

from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from chassis.routes import check_native_query
from wire.times import (
    LAST_SECOND,
    add_months,
    next_second,
    parse_instant,
    parse_native_instant,
)


def forged(place: Any) -> str:
    """A cursor that nobody handed out."""
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


@pytest.mark.parametrize("keys", [["a"], ["订单", "x" * 200], ["-1.50", "c1"]])
def test_a_cursor_gives_its_keys_back(keys: list[str]) -> None:
    assert keys_after("quotas", cursor_after("quotas", *keys), len(keys)) == keys


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "é", "a b", "=", "AAAA", "x" * 1001, "[" * 900,
        cursor_after("partners", "a"),
        cursor_after("quotas", "a", "b"),
        forged("quotas"), forged({}), forged(None), forged(["quotas"]), forged(["quotas", 1]),
        forged(["quotas", None]), forged(["quotas", ["a"]]), forged(["quotas", ""]),
        forged(["quotas", "a\0b"]), forged(["quotas", "\ud800"]), forged(["quotas", "x" * 201]),
        forged(["quotas", float("nan")]), forged(["quotas", True]),
        urlsafe_b64encode(b"[" * 100_000).decode()[:1000],
    ],
)  # fmt: skip
def test_what_is_no_cursor_of_the_list_is_refused_by_its_name(cursor: str) -> None:
    with pytest.raises(BadFieldError) as refused:
        keys_after("quotas", cursor)
    assert refused.value.field == "after"


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
        "-1", "0", "1764403200", "2026-11-29", "2026-11-29T00:00:00",
        "2026-11-29 00:00:00Z", "2026-13-01T00:00:00Z", "２026-11-29T00:00:00Z", "now", "",
        "2026-11-29T00:00:00+99:00",
    ],
)  # fmt: skip
def test_an_instant_at_the_ends_of_time_or_otherwise_spelt_is_none(text: str) -> None:
    for read in (parse_native_instant, parse_instant):
        with pytest.raises(ValueError):  # noqa: PT011 - the field's refusal is made of it
            read(text)


def test_what_is_far_from_us_is_an_instant_of_the_wire_alone() -> None:
    last = "9999-12-31T23:59:59Z"
    assert next_second(parse_instant(last)) == parse_instant(last) == add_months(LAST_SECOND, 12)
    for far in (last, "1969-12-31T23:59:59Z"):
        with pytest.raises(ValueError, match="not between 1970 and 9000"):
            parse_native_instant(far)


def test_an_instant_of_ours_has_any_offset_and_is_read_as_utc() -> None:
    read = parse_native_instant("2026-11-29T11:00:00.5+08:00")
    assert read.isoformat() == "2026-11-29T03:00:00.500000+00:00"


KNOWN = {"limit": int, "amount": Decimal | None, "name": str | None, "count": bool | str}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "1_000"), ("limit", "１"), ("limit", " 1"), ("limit", "1 "), ("limit", "+1"),
        ("limit", "1e3"), ("limit", ""), ("limit", "0x1"), ("amount", "1_0"), ("amount", "NaN"),
        ("amount", "Infinity"), ("amount", "1e5"), ("name", ""), ("nam", "x"), ("", "x"),
    ],
)  # fmt: skip
def test_a_parameter_that_only_python_would_take_is_refused_by_its_name(
    name: str, value: str
) -> None:
    with pytest.raises(BadFieldError) as refused:
        check_native_query([(name, value)], KNOWN)
    assert refused.value.field == name


def test_what_the_route_knows_passes() -> None:
    given = [("limit", "10"), ("amount", "-1.50"), ("name", "1_000"), ("count", "true")]
    check_native_query(given, KNOWN)
