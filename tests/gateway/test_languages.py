"""One answer speaks one language: the one asked for."""

import re
from typing import Any

import pytest

from tests.gateway.gate import ADMIN, Answer, Gate
from tests.gateway.identity_builders import partner, story
from wire.codes import code

CHINESE = re.compile("[\u4e00-\u9fff]")
PROSE = re.compile(r"[A-Za-z,;:] +[A-Za-z]")
ORDERS = "/v2/orders/customer-orders"
NO_HEADERS: dict[str, str] = {}

REFUSED: dict[str, tuple[str, str, dict[str, str], bytes]] = {
    "nobody": ("GET", ORDERS, NO_HEADERS, b""),
    "a native nobody": ("GET", "/api/customers", NO_HEADERS, b""),
    "a signature": ("GET", ORDERS, {"Authorization": "AWS4 x"}, b""),
    "a malformed signature": ("GET", "/api/orders/x", {"Authorization": "SDK-HMAC-SHA256 x"}, b""),
    "a path": ("GET", "/v9/nothing", NO_HEADERS, b""),
    "a native path": ("GET", "/api/nothing/at/all", ADMIN, b""),
    "another method": ("PUT", "/api/partners", ADMIN, b"{}"),
    "a field": ("GET", "/api/customers?limit=0", ADMIN, b""),
    "an unknown field": ("GET", "/api/customers?colour=red", ADMIN, b""),
    "an empty field": ("GET", "/api/customers?label=", ADMIN, b""),
    "a cursor": ("GET", "/api/events?after=zzz", ADMIN, b""),
    "a type": ("GET", "/api/events?types=no.such", ADMIN, b""),
    "an encoded slash": ("GET", "/api/customers/a%2Fb", ADMIN, b""),
    "no JSON": ("POST", "/v3/auth/tokens", {"Content-Type": "application/json"}, b"{"),
    "a header twice": ("GET", "/api/orders/x", {**ADMIN, "If-Match": "x" * 2000}, b""),
    "somebody": ("GET", "/api/customers/nobody", ADMIN, b""),
    "a principal": ("PUT", "/api/principals/none/rate-limit", ADMIN, b'{"requests_per_second":1}'),
    "expected": ("GET", "/api/customers", {**ADMIN, "Expect": "a miracle"}, b""),
}


async def refused(gate: Gate, what: str, **language: str) -> Answer:
    method, target, headers, body = REFUSED[what]
    named = {name.replace("_", "-"): value for name, value in language.items()}
    answer = await gate.send(method, target, body=body, headers={**headers, **named})
    assert answer.status >= 400
    return answer


def words(answer: Answer) -> list[str]:
    """All that is said in words."""
    said: dict[str, Any] = answer.content
    names = ("error_msg", "title", "detail", "refusal_detail")
    return [said[name] for name in names if said.get(name)]


@pytest.mark.parametrize("what", REFUSED)
async def test_every_word_of_a_refusal_is_of_the_language_asked_for(gate: Gate, what: str) -> None:
    chinese = await refused(gate, what, X_Language="zh_CN")
    english = await refused(gate, what, X_Language="en_US")
    assert chinese.code == english.code
    assert words(chinese)
    for text in words(chinese):
        assert not PROSE.search(text), text
    assert code(chinese.code).zh in " ".join(words(chinese))
    assert not CHINESE.search(" ".join(words(english)))
    assert code(english.code).en in " ".join(words(english))


@pytest.mark.parametrize(
    ("language", "is_chinese"),
    [
        ({"Accept_Language": "zh-CN,zh;q=0.9,en;q=0.8"}, True),
        ({"Accept_Language": "fr, zh;q=0.5"}, True),
        ({"Accept_Language": "en;q=0.8, zh;q=0.3"}, False),
        ({"Accept_Language": "zh;q=0"}, False),
        ({"Accept_Language": "fr"}, False),
        ({"Accept_Language": "zh", "X_Language": "en_US"}, False),
        ({"Accept_Language": "en", "X_Language": "zh_CN"}, True),
        ({"Accept_Language": "zh", "X_Language": "fr_FR"}, True),
        ({"X_Language": "zh-cn"}, True),
        ({}, False),
    ],
)
async def test_our_own_paths_know_accept_language_behind_x_language(
    gate: Gate, language: dict[str, str], is_chinese: bool
) -> None:
    answer = await refused(gate, "a field", **language)
    assert bool(CHINESE.search(answer.content["detail"])) is is_chinese
    assert bool(CHINESE.search(answer.content["title"])) is is_chinese


async def test_the_vendors_paths_know_x_language_alone(gate: Gate) -> None:
    answer = await refused(gate, "nobody", Accept_Language="zh")
    assert not CHINESE.search(answer.content["error_msg"])


async def test_services_hear_the_language_that_was_asked_for(gate: Gate) -> None:
    key = await story(gate)
    for given, native, heard in [
        ({"Accept-Language": "zh-CN"}, True, "zh_CN"),
        ({"Accept-Language": "zh-CN", "X-Language": "en_us"}, True, "en_US"),
        ({"X-Language": "", "Accept-Language": "en"}, False, "zh_CN"),
        ({"X-Language": "fr_FR"}, False, "zh_CN"),
        ({"X-Language": "zh_CN"}, False, "zh_CN"),
        ({"X-Language": "en_US"}, False, "en_US"),
        ({}, True, None),
    ]:
        target = "/api/products" if native else ORDERS
        assert (await gate.call(key, "GET", target, headers=given)).status == 200
        assert gate.echo.seen[-1]["headers"].get("x-language") == heard


async def test_a_throttled_caller_is_told_so_in_its_language(gate: Gate) -> None:
    key = await story(gate)
    gate.frozen = gate.now().replace(microsecond=0)
    for _ in range(10):
        await gate.call(key, "GET", ORDERS)
    for language in ("zh_CN", "en_US"):
        answer = await gate.call(key, "GET", ORDERS, headers={"X-Language": language})
        assert answer.status == 429
        text = answer.content["error_msg"]
        assert bool(CHINESE.search(text)) is (language == "zh_CN")
        assert not (CHINESE.search(text) and PROSE.search(text))


@pytest.mark.parametrize(("site", "is_chinese"), [("china", True), ("international", False)])
async def test_the_vendors_paths_speak_as_the_callers_site_to_whoever_asks_for_no_language(
    gate: Gate, site: str, is_chinese: bool
) -> None:
    """Refused by the gateway itself, and asked of a service."""
    await gate.feed(partner("p9", site=site))
    key, none = await gate.key("p9"), {"X-Language": ""}
    pay = "/v3/orders/customer-orders/pay"  # for customers alone
    answer = await gate.call(key, "POST", pay, {}, headers=none)
    assert answer.code == "CBC.0151"
    assert bool(CHINESE.search(answer.content["error_msg"])) is is_chinese
    await gate.call(key, "GET", ORDERS, headers=none)
    heard = gate.echo.seen[-1]["headers"]["x-language"]
    assert heard == ("zh_CN" if is_chinese else "en_US")
