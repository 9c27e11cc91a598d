"""Whatever is sent: a documented refusal that names the field, and nothing written."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gateway.not_yet import NOT_YET
from testkit.system import System
from tests.flows.cast import Caller
from tests.wire.answered import DEEDS, caller_of
from tests.wire.hostile import Request, requests
from tests.wire.scene import Estate, Scene
from tests.wire.table import ALL, auth_class, least, path_of
from tests.wire.written import Counts, quiet_counts
from wire.codes import codes
from wire.operations import Operation, operations
from wire.signature import sign_headers

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

ANSWERED = sorted(set(operations()) - NOT_YET)


@pytest.fixture(scope="module")
def http(scene: Scene) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=scene.stage.gateway, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def rest() -> Counts:
    """What stood in the databases when the test before was over and all was quiet."""
    return {}


def good(one: Operation, estate: Estate) -> dict[str, Any]:
    """A request in order; a command's would do nothing but for one field."""
    base = least(one.fields)
    if not one.command:
        return {**base, **DEEDS[one.method_name](estate)}
    known = {"customer_id": estate.customer.id, "quota_id": estate.quota_id}
    return {name: known.get(name, value) for name, value in base.items()}


def send(http: httpx.Client, caller: Caller, method: str, made: Request) -> httpx.Response:
    url = caller.gateway + made.target
    headers = {"Content-Type": "application/json", "X-Language": "en_US"}
    now = datetime.now(UTC)
    signed = sign_headers(method, url, headers, made.body, caller.access, caller.secret, now)
    return http.request(method, httpx.URL(url), content=made.body, headers=signed)


def wrong_with(one: Operation, made: Request, answer: httpx.Response) -> str | None:
    """Why the answer is not the documented one."""
    if not made.wrong:
        return None if answer.status_code < 500 else f"{answer.status_code} {answer.text:.200}"
    if answer.status_code != 400:
        return f"{answer.status_code} {answer.text:.200}"
    said = answer.json()
    code, text = said["error_code"], said["error_msg"]
    if code in {code for code, _ in made.wrong}:
        names = {field for _, field in made.wrong}
        # What follows the code's own words; a list may be named whole or by its wrong item.
        named = text.rpartition(". ")[2].partition(":")[0].strip()
        known = names | {field.partition("[")[0] for field in names}
        return None if {named, named.partition("[")[0]} & known else f"no field: {text}"
    documented = one.error_codes.get(400, ())
    return None if code in documented or code in codes() else f"undocumented {code}"


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_malformed_is_refused_by_its_name_and_writes_nothing(
    session_system: System, scene: Scene, http: httpx.Client, rest: Counts, name: str
) -> None:
    one = operations()[name]
    caller = caller_of(scene.ours, auth_class(name), name, scene.distributor)
    after_last = quiet_counts(session_system, rest)
    assert after_last == (rest or after_last), "the test before had an effect, late"
    made = list(requests(one, good(one, scene.ours)))  # what it takes may be made for it
    if one.body or one.query:  # what stands in a path alone is another test's: foreign ids
        assert len(made) >= 5
    # A command's request is made of nothing that is written.
    before = after_last if one.command else quiet_counts(session_system, after_last)
    found = {}
    for each in made:
        problem = wrong_with(one, each, send(http, caller, one.http_method, each))
        if problem:
            found[each.what] = problem
    assert found == {}
    rest.clear()
    rest.update(quiet_counts(session_system, before))
    assert rest == before


def test_what_is_not_there_yet_reads_no_body_and_nothing_follows_late(
    session_system: System, scene: Scene, http: httpx.Client, rest: Counts
) -> None:
    """The truthful 501 is said whatever is sent, and is the only answer of that kind."""
    for name in sorted(NOT_YET & set(operations())):
        one = ALL[name]
        caller = caller_of(scene.ours, auth_class(name), name, scene.distributor)
        made = Request(name, path_of(one), b"\xff{", frozenset())
        answer = send(http, caller, one.http_method, made)
        assert (answer.status_code, answer.json()["error_code"]) == (501, "CHB.0003")
    after = quiet_counts(session_system)
    assert after == (rest or after)
