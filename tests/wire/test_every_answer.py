"""Whatever is answered, and by whom, it names its request and speaks the language asked for."""

from collections.abc import Callable

import httpx
import pytest

from gateway.not_yet import NOT_YET
from tests.flows.cast import NO_CERTIFICATES, Caller
from tests.wire.scene import CUSTOMERS, TRANSFERS, Scene
from wire.codes import code
from wire.operations import operations

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

Ask = Callable[[Scene, dict[str, str]], httpx.Response]


def by(who: Callable[[Scene], Caller], method: str, path: str, content: object = None) -> Ask:
    return lambda scene, headers: who(scene).call(method, path, content, **headers)


def bare(method: str, path: str) -> Ask:
    return lambda scene, headers: httpx.request(
        method,
        scene.stage.gateway + path,
        headers=headers,
        timeout=30,
        verify=NO_CERTIFICATES,
    )


def probe(path: str) -> Ask:
    return lambda scene, headers: httpx.get(
        scene.stage.system.ops_url("gateway") + path, headers=headers, timeout=30
    )


def ours(scene: Scene) -> Caller:
    return scene.ours.partner


def customer(scene: Scene) -> Caller:
    return scene.ours.customer.caller


def unlinked(scene: Scene, headers: dict[str, str]) -> httpx.Response:
    """Refused by billing, for what the request is about."""
    told = {"customer_id": scene.ours.unlinked.id, "amount": "1.00"}
    return ours(scene).call("POST", TRANSFERS, told, **headers)


NOTHING = "/v2/orders/customer-orders/details/CS00000000000000000000"
REFUSED: dict[str, tuple[Ask, str]] = {
    "nobody": (bare("GET", NOTHING), "APIGW.0301"),
    "an unknown path": (bare("GET", "/v9/nothing"), "APIGW.0101"),
    "another kind of caller": (by(customer, "POST", f"{CUSTOMERS}/query", {}), "CBC.0151"),
    "malformed": (by(ours, "POST", f"{CUSTOMERS}/query", {"limit": 0}), "CBC.0100"),
    "an own code": (by(ours, "POST", f"{CUSTOMERS}/users/check-identity",
                       {"search_type": "colour", "search_value": "x"}), "CBC.0101"),
    "somebody unlinked": (unlinked, "CBC.99000035"),
    "a native object": (by(ours, "GET", "/api/orders/CS0"), "CHB.0404"),
    "a native field": (by(ours, "GET", "/api/customers?limit=0"), "CBC.0100"),
    "a native nobody": (bare("GET", "/api/customers"), "APIGW.0301"),
}  # fmt: skip
for one in operations().values():
    if one.method_name in NOT_YET and one.auth == "P" and not one.path_fields:
        REFUSED["not there yet"] = (by(ours, one.http_method, one.path), "CHB.0003")
ANSWERED: dict[str, Ask] = {
    "a list": by(ours, "POST", f"{CUSTOMERS}/query", {}),
    "a native list": by(ours, "GET", "/api/customers"),
    "a native head": by(ours, "HEAD", "/api/customers"),
    "health": probe("/livez"),
    "readiness": probe("/readyz"),
    "metrics": probe("/metrics"),
    "what is published": bare("GET", "/openapi.json"),
    "the console": bare("GET", "/ops"),
}


@pytest.mark.parametrize("what", [*REFUSED, *ANSWERED])
def test_every_answer_names_its_request_as_the_caller_did_or_by_a_name_of_its_own(
    scene: Scene, what: str
) -> None:
    ask = REFUSED[what][0] if what in REFUSED else ANSWERED[what]
    assert ask(scene, {"X-Request-Id": "of-the-caller"}).headers["x-request-id"] == "of-the-caller"
    own = [ask(scene, {}).headers["x-request-id"] for _ in range(2)]
    assert own[0] != own[1]
    assert all(len(one) == 32 for one in own)


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_speaks_the_language_asked_for_or_that_of_the_site(
    scene: Scene, what: str
) -> None:
    """Who is not known, and whoever asks on our own paths, is answered in English otherwise."""
    ask, name = REFUSED[what]
    is_english = what in ("nobody", "an unknown path") or what.startswith("a native")
    unasked = code(name).en if is_english else code(name).zh
    for header, text in [
        ({"X-Language": "zh_CN"}, code(name).zh),
        ({"X-Language": "ZH_cn"}, code(name).zh),
        ({"X-Language": "zh-cn"}, code(name).zh),
        ({"X-Language": "en_US"}, code(name).en),
        ({"X-Language": "fr_FR"}, unasked),
        ({}, unasked),
    ]:
        said = ask(scene, header).json()
        assert said.get("error_code", said.get("code")) == name
        assert said.get("error_msg", said.get("detail")).startswith(text)
