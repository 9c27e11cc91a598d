"""What goes on by itself, as the console shows it: schedules, and order's jobs."""

import re
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from gateway.ops.texts import text
from order.jobs.start_job import Kind
from testkit.databases import ServiceDatabase
from tests.gateway.gate import Gate, open_gate
from tests.gateway.ops_browser import Browser, PlayedService, readable, words_of
from tests.gateway.test_ops_sign_in import with_operator
from voucher.watch.overview import DEEDS
from wire.permissions import OPS_CONSOLE_ITEM

pytestmark = pytest.mark.postgres

JOB: dict[str, Any] = {
    "job_id": "j1", "partner_id": "p1", "kind": "renew", "status": "running", "total": 10_000,
    "succeeded": 7_000, "failed": 2, "waiting": 2_998, "as_of": "2026-11-23T02:00:00Z",
    "started_at": "2026-11-23T01:00:00Z", "ended_at": None,
}  # fmt: skip
FAILED = {
    "position": 17, "state": "failed", "order_id": None, "code": "CBC.99003016",
    "message": "It is closed.", "ended_at": "2026-11-23T01:30:00Z",
}  # fmt: skip
JOBS: dict[str, tuple[int, dict[str, Any]]] = {
    "/api/order-jobs": (
        200,
        {"jobs": [JOB, JOB | {"job_id": "j0", "status": "done"}], "next": "n"},
    ),
    "/api/order-jobs/j1": (200, JOB),
    "/api/order-jobs/j1/items": (200, {"items": [FAILED], "next": "m"}),
    "/api/order-jobs/j1/stop": (200, JOB | {"status": "stopped"}),
    "/api/order-jobs/j0": (200, JOB | {"job_id": "j0", "status": "done"}),
    "/api/order-jobs/j0/items": (200, {"items": [], "next": None}),
    "/api/order-jobs/j0/stop": (409, {"code": "CHB.0409", "detail": "all items are done"}),
}
OVERVIEW: dict[str, Any] = {
    "as_of": "2026-11-23T02:00:00Z", "hours": 24, "quotas_low": 1,
    "deeds": [{"deed": "issued", "count": 1200, "currency": "CNY", "amount": "3400.00"}],
    "refused": [{"code": "CBC.0155", "message": "Not reclaimable.", "count": 3}],
    "oldest_hold": {
        "attempt_id": "a1", "order_id": "CS1", "since": "2026-11-23T01:00:00Z", "seconds": 3600,
    },
    "lowest": [
        {"quota_id": "q1", "partner_id": "p1", "currency": "CNY", "quota_value": "100.00",
         "balance": "9.99"},
    ],
    "proof": {"at": "2026-11-23T01:30:00Z", "balanced": False, "differences": 2},
}  # fmt: skip
JOBS["/api/vouchers/overview"] = (200, OVERVIEW)


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    async with open_gate(gateway_store, gateway_ops_url="http://127.0.0.1:1") as opened:
        opened.echo.answer = PlayedService(others=JOBS)
        yield opened


@pytest.fixture
async def browser(gate: Gate) -> Browser:
    signed_in = Browser(gate)
    await signed_in.sign_in()
    return signed_in


def rows(page: str) -> list[list[str]]:
    """The cells of each row of the page's table."""
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [words_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
    ]


async def test_schedules_say_when_they_ran_and_how_far_behind_they_are(
    gate: Gate, browser: Browser
) -> None:
    """Break: sort them by their names, or read the gauges as counters."""
    page = (await browser.get("/ops/schedules")).raw.decode()
    shown = rows(page)
    assert [row[:2] for row in shown[:2]] == [
        ["renew resources", "billing"], ["renew resources", "customer-sync"],
    ]  # fmt: skip
    name, service, ran, _, behind, failures = shown[0]
    assert (name, service, ran, behind, failures) == (
        "renew resources", "billing", "2026-11-20 13:20:00", "20 min", "3",
    )  # fmt: skip
    assert shown[-1][:3] == ["seal audit", "voucher", "not yet"]
    assert "No answer from gateway" in words_of(page)
    chinese = await Browser(gate, "zh", dict(browser.cookies)).text("/ops/schedules")
    assert "20 分钟" in chinese
    assert 'href="/ops/schedules"' in (await browser.get("/ops")).raw.decode()


async def test_jobs_are_listed_with_their_progress(gate: Gate, browser: Browser) -> None:
    page = (await browser.get("/ops/jobs")).raw.decode()
    first, second = rows(page)
    assert first[:8] == ["j1", "renewals", "running", "p1", "10,000", "7,000", "2", "2,998"]
    assert second[2] == "done"
    assert 'href="/ops/jobs?after=n"' in page
    asked = gate.echo.seen[-1]
    assert (asked["path"], asked["query"]) == ("/api/order-jobs", "limit=20")
    assert gate.echo.principal(gate.app.parts.settings).kind == "administrator"
    await browser.get("/ops/jobs?after=n")
    assert gate.echo.seen[-1]["query"] == "limit=20&after=n"
    chinese = await Browser(gate, "zh", dict(browser.cookies)).text("/ops/jobs")
    assert "续订 执行中" in chinese


async def test_a_job_shows_what_failed_of_it(gate: Gate, browser: Browser) -> None:
    page = (await browser.get("/ops/jobs/j1")).raw.decode()
    assert rows(page) == [
        ["17", "CBC.99003016", "It is closed.", "–", "2026-11-23 09:30:00"]
    ]  # fmt: skip
    assert "7000 succeeded, 2 failed, 2998 waiting, of 10000" in words_of(page)
    assert gate.echo.seen[-1]["query"] == "state=failed&limit=100"
    assert 'href="/ops/jobs/j1?after=m"' in page
    missing = await browser.get("/ops/jobs/none")
    assert (missing.status, "That was refused" in readable(missing)) == (404, True)


async def test_who_may_decide_stops_a_job_and_nobody_else(gate: Gate, browser: Browser) -> None:
    """Break: take `CurrentVisitor` for `DecidingVisitor`."""
    await browser.get("/ops/jobs/j1")
    answer = await browser.post("/ops/jobs/j1/stop")
    assert (answer.status, answer.headers["location"]) == (303, "/ops/jobs/j1")
    stopped = gate.echo.seen[-1]
    assert (stopped["method"], stopped["path"]) == ("POST", "/api/order-jobs/j1/stop")
    assert "Stop the job" not in await browser.text("/ops/jobs/j0")
    late = await browser.post("/ops/jobs/j0/stop")
    assert (late.status, "all items are done" in readable(late)) == (409, True)
    forged = await browser.post("/ops/jobs/j1/stop", csrf="0" * 64)
    assert forged.status == 403

    onlooker = Browser(gate)
    await onlooker.sign_in(**await with_operator(gate, OPS_CONSOLE_ITEM))
    asked = len(gate.echo.seen)
    assert "Stop the job" not in await onlooker.text("/ops/jobs/j1")
    assert (await onlooker.post("/ops/jobs/j1/stop")).status == 403
    assert all(one["method"] == "GET" for one in gate.echo.seen[asked:])


def test_every_kind_of_job_has_words() -> None:
    """Break: take a kind out of the console's texts."""
    for kind in get_args(Kind):
        assert text("en", f"job_{kind}") != text("zh", f"job_{kind}")


async def test_vouchers_are_shown_with_what_is_wrong(gate: Gate, browser: Browser) -> None:
    """Break: say of any proof that it balances; leave a deed without words."""
    raw = (await browser.get("/ops/vouchers")).raw.decode()
    page = words_of(raw)
    assert rows(raw) == [["issued", "1,200", "3400.00", "CNY"]]
    for words in (
        "The ledger does not balance: 2 differences. Last proved: 2026-11-23 09:30:00",
        "The oldest hold has lasted 1 h: order CS1, attempt a1.",
        "CBC.0155 3 Not reclaimable.", "Quotas below a tenth: 1", "q1 p1 100.00 9.99 CNY",
    ):  # fmt: skip
        assert words in page, words
    assert raw.count('class="notice bad"') == 2
    asked = gate.echo.seen[-1]
    assert (asked["path"], asked["query"]) == ("/api/vouchers/overview", "hours=24")
    assert 'href="/ops/vouchers"' in (await browser.get("/ops")).raw.decode()
    chinese = await Browser(gate, "zh", dict(browser.cookies)).text("/ops/vouchers")
    assert "账实不符：2 处差异" in chinese
    calm = {"deeds": [], "refused": [], "lowest": [], "quotas_low": 0, "oldest_hold": None}
    gate.echo.answer = PlayedService(
        others={"/api/vouchers/overview": (200, OVERVIEW | calm | {"proof": None})}
    )
    quiet = await browser.text("/ops/vouchers")
    assert "The ledger has not been proved yet." in quiet
    assert "No payment holds a coupon." in quiet


def test_every_deed_with_coupons_has_words() -> None:
    """Break: take a deed out of the console's texts."""
    for deed in DEEDS:
        assert text("en", f"deed_{deed}") != text("zh", f"deed_{deed}")
