"""What a careless or hostile client sends in a field, by what the table says of the field."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tests.wire.requests import body_of, target_of
from wire.check import check
from wire.json import read
from wire.operations import Field, Operation

LONG = "x" * 5000
HUGE = 10**400
DEEP = b'{"a":' * 500 + b"1" + b"}" * 500
_WRONG: dict[str, tuple[Any, ...]] = {
    "str": (12345, True, ["x"], {"a": 1}, "\0", "\ud800", LONG),
    "int": ("abc", 1.5, True, [1], {"a": 1}, HUGE, -HUGE, -1, 2**63, float("nan"), ""),
    "decimal": ("abc", True, [1], -1, 0, HUGE, "1e400", "NaN", float("nan"), float("inf"), "0.001"),
    "bool": ("yes", 1, [True], {"a": 1}),
    "object": ("x", 1, [1], LONG),
}
# What `wire.json.read` takes from nobody, whatever the operation.
NO_JSON = (
    b"{", b"NaN", b"\xff\xfe", b'{"a": "\xc3\x28"}', b"{}}", b"[" * 3_000, DEEP,
    b'{"x": NaN}', b'{"x": -Infinity}', b'{"x": 1, "x": 1}', b'{"x": [{"y": 1, "\\u0079": 2}]}',
    b'{"x": 1e99999}', b'{"x": %s}' % (b"9" * 2000), b"\xef\xbb\xbf{}", b'{"x": "\t"}',
    '{"x": "\0"}'.encode("utf-16"), '{"x": "\0"}'.encode("utf-16-le"), '{"x": 1}'.encode("utf-32"),
)  # fmt: skip
_BODIES = (*NO_JSON, b"[]", b"[1]", b'"x"', b"1")


@dataclass(frozen=True)
class Request:
    """One request and the fields that are wrong in it, by the table; none if it is in order."""

    what: str
    target: str
    body: bytes
    wrong: frozenset[tuple[str, str]]  # (code, field)


def requests(one: Operation, good: dict[str, Any]) -> Iterator[Request]:
    """The good request with one thing made bad; commands only where the table sees a breach."""
    for made in _all(one, good):
        if made.wrong or not one.command:
            yield made


def _all(one: Operation, good: dict[str, Any]) -> Iterator[Request]:
    for field in one.body or ():
        for value in _bad(field):
            yield _with_body(one, good, field.name, value)
        if field.required:
            less = {name: value for name, value in good.items() if name != field.name}
            yield _with_body(one, less, field.name, None)
    for field in one.query:
        for text in _bad_texts(field):
            yield _with_query(one, good, field.name, text)
    if one.body is not None:
        whole = frozenset({("CBC.0100", "body")})
        for body in _BODIES:
            yield Request(f"body {body[:20]!r}", target_of(one, good), body, whole)


def _bad(field: Field) -> Iterator[Any]:
    if field.many:
        yield from ("x", 1, {"a": 1}, [None], [[]], [{}] * ((field.items_max or 500) + 1))
        yield from ([value] for value in _WRONG[field.type])
    else:
        yield from _WRONG[field.type]
    if field.max_length is not None and not field.many:
        yield "x" * (field.max_length + 1)
    if field.max is not None and field.type == "int":
        yield int(field.max) + 1


def _bad_texts(field: Field) -> Iterator[list[str] | bytes]:
    yield from ([LONG], ["\0"], b"%FF", b"%C3%28", ["1", "2"])
    if field.type in ("int", "bool", "decimal"):
        yield from (["abc"], ["1.5"], ["9" * 400], ["-1"], ["0x10"], ["１"], ["NaN"], ["1e3"])
    if field.max is not None:
        yield [str(int(field.max) + 1)]


def _with_body(one: Operation, good: dict[str, Any], name: str, value: Any) -> Request:
    content = {**(body_of(one, good) or {}), name: value}
    body = json.dumps(content).encode()
    try:
        found = check(one, _query(one, good), read(body), _path(one, good))
        wrong = frozenset((breach.code, breach.field) for breach in found)
    except ValueError:  # NaN and infinities are no JSON
        wrong = frozenset({("CBC.0100", "body")})
    return Request(f"{name} = {value!r:.60}", target_of(one, good), body, wrong)


def _with_query(
    one: Operation, good: dict[str, Any], name: str, text: list[str] | bytes
) -> Request:
    others = {**_query(one, good)}
    others.pop(name, None)
    if isinstance(text, bytes):
        added, sent = f"{name}={text.decode()}", ["\ud800"]  # bytes that are no UTF-8
    else:
        added, sent = "&".join(f"{name}={quote(part)}" for part in text), text
    query = "&".join(filter(None, [urlencode(others, doseq=True), added]))
    found = check(one, {**others, name: sent}, body_of(one, good), _path(one, good))
    wrong = frozenset((breach.code, breach.field) for breach in found)
    path = target_of(one, good).partition("?")[0]
    body = b"" if one.body is None else json.dumps(body_of(one, good)).encode()
    return Request(f"{name}={text!r:.60}", f"{path}?{query}", body, wrong)


def _query(one: Operation, good: dict[str, Any]) -> dict[str, list[str]]:
    given = {field.name: good[field.name] for field in one.query if field.name in good}
    return {
        name: [str(part) for part in (value if isinstance(value, list) else [value])]
        for name, value in given.items()
    }


def _path(one: Operation, good: dict[str, Any]) -> dict[str, str]:
    return {field.name: str(good[field.name]) for field in one.path_fields}
