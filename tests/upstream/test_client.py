"""The client signs by the official SDK, tries again where that may help, reads without belief."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.upstream.builders import Script
from upstream import Upstream, UpstreamRefusedError, UpstreamUnavailableError

CUSTOMER = {
    "customer": "华夏科技",
    "account_name": "acme",
    "customer_id": "c1",
    "associated_on": "2026-11-23T03:00:00Z",
    "association_type": "2",
    "telephone": "13900001111",
    "customer_type": 1,
    "account_managers": [{"account_name": "李雷"}],
}


class Pace:
    """Counts who came in and how many were in at once."""

    def __init__(self) -> None:
        self.entered = self.inside = self.inside_max = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        """As the service's own pace."""
        self.entered += 1
        self.inside += 1
        self.inside_max = max(self.inside_max, self.inside)
        try:
            yield
        finally:
            self.inside -= 1


@pytest.fixture
def script() -> Iterator[Script]:
    """The upstream."""
    script = Script()
    yield script
    script.close()


@pytest.fixture
def pace() -> Pace:
    """The quota."""
    return Pace()


@pytest.fixture
def pauses() -> list[float]:
    """The pauses between attempts, in seconds; none is really made."""
    return []


@pytest.fixture
async def upstream(script: Script, pace: Pace, pauses: list[float]) -> AsyncIterator[Upstream]:
    """The client under test."""

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    client = Upstream(
        script.url, "AKEXAMPLE", "SKEXAMPLE", "d1", pace, timeout_seconds=30, pause=pause
    )
    yield client
    await client.close()


async def test_a_page_is_asked_for_as_the_official_sdk_does_and_read(
    upstream: Upstream, script: Script
) -> None:
    script.answers = [(200, {"count": 7, "customer_infos": [CUSTOMER]})]
    page = await upstream.list_sub_customers(offset=5, limit=50, indirect_partner_id="r1")
    _, path, body, headers = script.asked[0]
    assert path == "/v2/partners/sub-customers/query"
    assert body == {"offset": 5, "limit": 50, "indirect_partner_id": "r1"}
    assert headers["authorization"].startswith("SDK-HMAC-SHA256 Access=AKEXAMPLE, ")
    assert headers["x-domain-id"] == "d1"
    assert (page.count, page.records) == (7, 1)
    one = page.customers[0]
    assert (one.customer_id, one.customer_name, one.account_manager_name) == (
        "c1", "华夏科技", "李雷",
    )  # fmt: skip
    assert one.associated_on == datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert (one.telephone, one.customer_type, one.label) == ("13900001111", 1, None)


@pytest.mark.parametrize("failure", [(500, {}), (503, b"busy"), (429, {}), (0, b""), (200, b"{")])
async def test_what_may_pass_is_tried_again_each_time_under_the_quota(
    upstream: Upstream, script: Script, pace: Pace, pauses: list[float], failure: Any
) -> None:
    script.answers = [failure, failure, (200, {"count": 0, "customer_infos": []})]
    assert (await upstream.list_sub_customers()).count == 0
    assert (pace.entered, pace.inside_max) == (3, 1)
    assert upstream.requests_made == len(script.asked) == 3
    assert len(pauses) == 2
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0


async def test_after_four_attempts_it_is_unavailable(upstream: Upstream, script: Script) -> None:
    script.answers = [(502, {"error_code": "APIGW.0201", "error_msg": "backend"})]
    with pytest.raises(UpstreamUnavailableError, match=r"502 APIGW.0201"):
        await upstream.list_sub_customers()
    assert len(script.asked) == 4


async def test_a_refusal_is_final_and_keeps_its_code(upstream: Upstream, script: Script) -> None:
    script.answers = [(403, {"error_code": "CBC.0151", "error_msg": "access denied"})]
    with pytest.raises(UpstreamRefusedError) as refused:
        await upstream.list_sub_customers()
    assert (refused.value.code, refused.value.status) == ("CBC.0151", 403)
    assert len(script.asked) == 1


async def test_a_redirect_or_an_array_is_no_answer(upstream: Upstream, script: Script) -> None:
    answers: list[tuple[int, Any]] = [(302, {}), (200, [CUSTOMER])]
    for answer in answers:
        script.answers = [answer]
        with pytest.raises(UpstreamUnavailableError):
            await upstream.list_sub_customers()


async def test_nobody_there_is_unavailable(script: Script, pace: Pace) -> None:
    async def no_pause(_: float) -> None:
        pass

    client = Upstream("http://127.0.0.1:1", "a", "s", "d", pace, timeout_seconds=30, pause=no_pause)
    with pytest.raises(UpstreamUnavailableError):
        await client.list_sub_customers()
    await client.close()
    assert script.asked == []


@pytest.mark.parametrize(
    ("told", "field", "kept"),
    [
        ({"association_type": "77"}, "association_type", "77"),
        ({"association_type": 2}, "association_type", "2"),
        ({"customer_type": 42}, "customer_type", 42),
        ({"customer_type": "1"}, "customer_type", 1),
        ({"customer_type": ""}, "customer_type", None),
        ({"is_frozen": "frozen"}, "is_frozen", None),
        ({"is_frozen": True}, "is_frozen", None),
        ({"label": "\0a"}, "label", "a"),
        ({"label": "\ud800"}, "label", "?"),
        ({"label": {"a": 1}}, "label", None),
        ({"associated_on": "yesterday"}, "associated_on", None),
        ({"account_managers": "none"}, "account_manager_name", None),
        ({"account_managers": [None]}, "account_manager_name", None),
    ],
)
async def test_odd_values_are_kept_or_left_out_and_never_fail(
    upstream: Upstream, script: Script, told: dict[str, Any], field: str, kept: Any
) -> None:
    script.answers = [(200, {"count": "1", "customer_infos": [CUSTOMER | told, {}, "x"]})]
    page = await upstream.list_sub_customers()
    assert (page.count, page.records, len(page.customers)) == (1, 3, 1)
    assert getattr(page.customers[0], field) == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("associated_on", "0001-01-01T00:00:00+08:00"),
        ("associated_on", "9999-12-31T23:59:59.999999-23:59"),
        ("customer_type", 10**400),
        ("customer_type", "9" * 400),
        ("is_frozen", -(2**31) - 1),
        ("telephone", "1" * 513),
        ("account_managers", [{"account_name": "长" * 513}]),
    ],
)
async def test_a_value_beyond_all_bounds_makes_its_record_alone_unreadable(
    upstream: Upstream, script: Script, field: str, value: Any
) -> None:
    odd = CUSTOMER | {"customer_id": "odd", field: value}
    body = {"count": 10**30, "customer_infos": [odd, CUSTOMER]}
    script.answers = [(200, body)]
    page = await upstream.list_sub_customers()
    assert (page.count, page.records) == (None, 2)
    assert [one.customer_id for one in page.customers] == ["c1"]
    (unreadable,) = page.unreadable
    assert unreadable.customer_id == "odd"
    assert len(unreadable.value) <= 100
    assert page.customer_ids == ["c1", "odd"]


async def test_resellers_are_listed_by_their_ids(upstream: Upstream, script: Script) -> None:
    script.answers = [(200, {"count": 1, "indirect_partners": [{"indirect_partner_id": "r1"}]})]
    assert await upstream.list_resellers(offset=3) == ["r1"]
    assert script.asked[0][1] == "/v2/partners/indirect-partners/query"
    assert script.asked[0][2] == {"offset": 3, "limit": 100}


def test_the_heavy_sdk_is_not_imported_before_a_client_is_made() -> None:
    look = "import sys, upstream; print('huaweicloudsdkcore' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
