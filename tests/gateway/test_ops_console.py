"""What the console shows, in both languages, as it happens."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.portfolio.project_events import project_events
from testkit.databases import ServiceDatabase
from tests.gateway.gate import Gate, open_gate
from tests.gateway.ops_browser import (
    METRICS,
    Browser,
    PlayedService,
    words_of,
)
from tests.gateway.portfolio_builders import customer, order

pytestmark = pytest.mark.postgres

NOWHERE = "http://127.0.0.1:1"
NOON = datetime(2026, 11, 23, 4, 0, 0, tzinfo=UTC)
PAUSE_SECONDS = 0.2  # in place of the console's own, for which each of these tests would wait


@pytest.fixture
async def gate(
    gateway_store: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gate]:
    monkeypatch.setattr("gateway.ops.watch_services.LOOK_PAUSE_SECONDS", PAUSE_SECONDS)
    async with open_gate(gateway_store, gateway_ops_url=NOWHERE) as opened:
        yield opened


@pytest.fixture
def played(gate: Gate) -> PlayedService:
    service = PlayedService()
    gate.echo.answer = service
    return service


@pytest.fixture
async def browser(gate: Gate) -> Browser:
    signed_in = Browser(gate)
    await signed_in.sign_in()
    return signed_in


async def project(gate: Gate, *events: Any) -> None:
    async with gate.app.parts.database.transaction() as session:
        await project_events(session, events)


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """A table's rows by their first cell."""
    part = page.split(f'id="{heading}-title"')[1].split("</section>")[0]
    found: dict[str, list[str]] = {}
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", part.split("<tbody>")[1], re.DOTALL):
        first, *rest = (words_of(c) for c in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL))
        found[first] = rest
    return found


@pytest.mark.usefixtures("played")
async def test_services_consumers_and_refusals_are_shown(browser: Browser) -> None:
    page = (await browser.get("/ops")).raw.decode()
    services = rows(page, "services")
    assert list(services) == [
        "customer-sync", "order", "voucher", "billing", "partner", "gateway",
    ]  # fmt: skip
    health, _, outbox, oldest, slots, failures, _ = services["voucher"]
    assert (health, outbox, oldest, slots, failures) == ("well", "17", "2 min", "64", "3")
    assert rows(page, "consumers")["voucher"][1:] == ["1,234", "61.5"]
    refusal = rows(page, "refusals")["CBC.99005003"]
    assert refusal[1:] == ["0", "45"]  # five services say nine


@pytest.mark.usefixtures("played")
async def test_rates_need_two_looks(gate: Gate, browser: Browser, played: PlayedService) -> None:
    before = (await browser.get("/ops")).raw.decode()
    assert rows(before, "services")["order"][1] == "–"
    played.metrics = METRICS.replace("1200.0\nchannelbus_relay_f", "1300.0\nchannelbus_relay_f")
    snapshot = await gate.app.parts.console.services.looks.next()
    (one,) = [s for s in snapshot.services if s.name == "order"]
    assert one.events_per_second is not None
    # A hundred, in the pause or more on a slow machine.
    assert 2 < one.events_per_second <= 100 / PAUSE_SECONDS
    played.metrics = METRICS.replace("1200.0\nchannelbus_relay_f", "5.0\nchannelbus_relay_f")
    snapshot = await gate.app.parts.console.services.looks.next()
    (one,) = [s for s in snapshot.services if s.name == "order"]
    assert one.events_per_second == 0  # started again, not backwards


async def test_a_service_that_is_unwell_says_why(browser: Browser, played: PlayedService) -> None:
    played.livez = (503, {"alive": False, "stalled": {"voucher": "order-1: 7 events behind"}})
    page = (await browser.get("/ops")).raw.decode()
    services = rows(page, "services")
    assert services["order"][0] == "stalled voucher: order-1: 7 events behind"
    assert services["gateway"][0].startswith("no answer gateway: Client")
    played.livez = PlayedService().livez
    played.readyz = (503, {"ready": False, "alarms": ["order-2: the topic was made anew"]})
    await asyncio.sleep(2.1 * PAUSE_SECONDS)  # what is older than two looks is not shown
    services = rows((await browser.get("/ops")).raw.decode(), "services")
    assert services["order"][0] == "not ready order-2: the topic was made anew"


@pytest.mark.usefixtures("played")
async def test_nothing_at_all_is_said_in_words(browser: Browser, played: PlayedService) -> None:
    played.metrics = ""
    english = await browser.text()
    for words in (
        "Nothing has happened yet.",
        "Nothing is parked.",
        "Nobody was refused anything.",
        "No service speaks of a consumer yet.",
    ):
        assert words in english


@pytest.mark.parametrize(
    ("accepted", "is_chinese"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("en-GB,en;q=0.9,zh;q=0.8", False),
        ("en;q=0.2, zh-TW;q=0.7", True),
        ("fr,de", False),
        ("zh;q=nonsense", False),
    ],
)
async def test_the_browsers_language_is_spoken(gate: Gate, accepted: str, is_chinese: bool) -> None:
    page = (await Browser(gate, language=accepted).get("/ops/sign-in")).raw.decode()
    assert ('<html lang="zh-CN">' in page) is is_chinese
    assert ("登录" in page) is is_chinese


@pytest.mark.usefixtures("played")
async def test_the_switch_overrules_the_browser(browser: Browser) -> None:
    assert "Event flow" in await browser.text()
    assert (await browser.get("/ops/language?to=zh")).status == 303
    chinese = await browser.text()
    for words in ("运维控制台", "事件流", "滞留事件", "消费者", "待发事件", "退出登录", "正常"):
        assert words in chinese
    assert "Event flow" not in chinese
    assert (await browser.get("/ops/language?to=fr")).status == 404


@pytest.mark.usefixtures("played")
async def test_the_flow_names_ids_and_tells_nothing_personal(gate: Gate) -> None:
    gate.frozen = NOON.replace(minute=2)
    personal: dict[str, Any] = {
        "customer_name": "张三", "mobile": "13800138000", "account_name": "zhang-san",
        "email": "zhang@example.com", "account_manager_name": "李四",
    }  # fmt: skip
    browser = Browser(gate)
    await browser.sign_in()
    await project(gate, customer("c-77", **personal), order("CS2611231200000001", version=1))
    page = (await browser.get("/ops")).raw.decode()
    flow = page.split('id="flow-title"')[1]
    assert [words_of(row) for row in re.findall(r"<tr>.*?</tr>", flow, re.DOTALL)][1:] == [
        "12:00:01 order.created CS261 …00000001 p1 1 min",
        "12:00:00 customer.associated c-77 p1 2 min",
    ]
    time_of = '<time datetime="2026-11-23T04:00:00.000Z" title="2026-11-23T04:00:00.000Z">12:00:00'
    assert time_of in flow
    for value in personal.values():
        assert value not in page


@pytest.mark.usefixtures("played")
async def test_the_flow_is_the_last_fifty_newest_first(gate: Gate, browser: Browser) -> None:
    await project(gate, *[order(f"o{n}") for n in range(60)])
    flow = (await browser.get("/ops")).raw.decode().split('id="flow-title"')[1]
    shown = re.findall(r"<code>(o\d+)</code>", flow)
    assert shown == [f"o{n}" for n in range(59, 9, -1)]


@pytest.mark.usefixtures("played")
async def test_what_happens_shows_at_once(gate: Gate, browser: Browser) -> None:
    await project(gate, order("o-before"))
    async with browser.live() as parts:
        first = {name: html async for name, html in _first(parts, 6)}
        assert {"tiles", "services", "consumers", "parked", "refusals", "flow"} == set(first)
        assert "o-before" in first["flow"]
        assert 'class="new"' not in first["flow"]
        await project(gate, order("o-now"))
        async for name, html in parts:
            if name == "flow" and "o-now" in html:
                break
        new = re.findall(r'<tr class="new">.*?<code>(.*?)</code>', html, re.DOTALL)
        assert new == ["o-now"]


async def _first(
    parts: AsyncIterator[tuple[str, str]], different: int
) -> AsyncIterator[tuple[str, str]]:
    """Parts until so many different ones came."""
    seen: set[str] = set()
    async for name, html in parts:
        yield name, html
        seen.add(name)
        if len(seen) == different:
            return


@pytest.mark.usefixtures("played")
async def test_a_part_that_is_the_same_is_not_sent_again(gate: Gate) -> None:
    gate.frozen = NOON
    browser = Browser(gate)
    await browser.sign_in()
    async with browser.live() as parts:
        async for _ in _first(parts, 6):
            pass
        again: set[str] = set()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(8 * PAUSE_SECONDS):
                async for name, _ in parts:
                    again.add(name)
    assert again.isdisjoint({"flow", "parked", "refusals"})  # rates and answer times do change


def looks(gate: Gate) -> int:
    return sum(seen["path"] == "/metrics" for seen in gate.echo.seen)


@pytest.mark.usefixtures("played")
async def test_all_who_look_share_one_poll_and_nobody_polls_for_nobody(
    gate: Gate, browser: Browser
) -> None:
    async with browser.live() as one, browser.live() as two, browser.live() as three:
        for parts in (one, two, three):
            async for _ in _first(parts, 6):
                pass
        before, begun = looks(gate), time.monotonic()
        async with asyncio.timeout(30):
            while looks(gate) - before < 5:  # five services answer
                await asyncio.sleep(0.05)
        await asyncio.sleep(5 * PAUSE_SECONDS)
        rounds = (time.monotonic() - begun) / PAUSE_SECONDS + 1
        assert looks(gate) - before <= 5 * rounds
    async with asyncio.timeout(30):
        while gate.app.parts.console.seats:
            await asyncio.sleep(0.1)
    await asyncio.sleep(5 * PAUSE_SECONDS)  # a look that is under way may end
    before = looks(gate)
    await asyncio.sleep(5 * PAUSE_SECONDS)
    assert looks(gate) == before
    assert len(gate.app.parts.console.seats) == 0


@pytest.mark.usefixtures("played")
async def test_the_live_page_ends_with_its_session(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.ops.console.SESSION_ASKED_AGAIN_SECONDS", 0.1)
    async with browser.live() as parts:
        async for _ in _first(parts, 6):
            pass
        await browser.get("/ops")
        await browser.post("/ops/sign-out")
        rest = {name: html async for name, html in parts}
    assert "Your session has ended." in words_of(rest["ended"])
    assert "closed" in rest


async def test_more_viewers_than_a_process_can_serve_are_told(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.ops.seats.VIEWERS_MAX", 0)
    assert (await browser.get("/ops/live")).status == 503
