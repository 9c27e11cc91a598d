"""The console's pages can be used by everybody: without a mouse, by ear, in both languages."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from gateway.ops.pages import STATIC
from testkit.databases import ServiceDatabase
from tests.gateway.gate import Gate, open_gate
from tests.gateway.ops_browser import Browser, PlayedService, looking_at_itself
from tests.gateway.portfolio_builders import order
from tests.gateway.test_ops_console import project
from tests.gateway.test_ops_parked import BROKEN, good, park_events
from tests.gateway.test_ops_work import JOBS
from tests.node import node_folder, run_node

pytestmark = pytest.mark.postgres

AXE_SECONDS_MAX = 120


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    async with open_gate(gateway_store, gateway_ops_url="http://127.0.0.1:1") as opened:
        opened.echo.answer = PlayedService(others=JOBS)
        async with looking_at_itself(opened):
            yield opened


@pytest.fixture
async def browser(gate: Gate) -> Browser:
    signed_in = Browser(gate)
    await signed_in.sign_in()
    return signed_in


async def every_page(gate: Gate) -> dict[str, str]:
    """Each kind of page by a name, with something on it."""
    await project(gate, order("o1"))
    parked_id = await park_events(gate, BROKEN, good(2))
    here = f"/ops/parked/gateway/{parked_id}"
    pages: dict[str, str] = {}
    for language in ("en", "zh"):
        visitor = Browser(gate, language=language)
        signing_in = await visitor.get("/ops/sign-in")
        refused = await visitor.post("/ops/sign-in", way="token", token="a guess")
        await visitor.sign_in()
        asked = {
            "sign-in": signing_in,
            "sign-in refused": refused,
            "overview": await visitor.get("/ops?told=replayed&events=2"),
            "parked event": await visitor.get(here),
            "edit refused": await visitor.post(f"{here}/edit", body="{}", reason="a try"),
            "decisions": await visitor.get("/ops/decisions"),
            "replay all": await visitor.get("/ops/replay-all"),
            "positions": await visitor.get("/ops/positions"),
            "schedules": await visitor.get("/ops/schedules"),
            "jobs": await visitor.get("/ops/jobs"),
            "job": await visitor.get("/ops/jobs/j1"),
            "vouchers": await visitor.get("/ops/vouchers"),
            "replay all refused": await visitor.post("/ops/replay-all", reason=""),
            "not there": await visitor.get("/ops/parked/gateway/999"),
        }
        pages |= {f"{name} {language}": answer.raw.decode() for name, answer in asked.items()}
    return pages


async def test_axe_finds_nothing_on_any_page(gate: Gate) -> None:
    pages = await every_page(gate)
    folder = node_folder(Path(__file__).parent / "axe", "check.js")
    found = json.loads(run_node(folder, "check.js", json.dumps(pages), AXE_SECONDS_MAX))
    assert found == {name: [] for name in pages}


async def test_whatever_scrolls_can_be_reached_by_the_keyboard(gate: Gate) -> None:
    css = (STATIC / "console.css").read_text()
    scrolling = re.findall(r"([^{}]+)\{[^{}]*overflow(?:-[xy])?: auto[^{}]*\}", css)
    names = {selector.split()[-1].lstrip(".") for selector in scrolling}
    assert names == {"scroll", "parked", "pre"}  # and none that this test does not know
    for name, page in (await every_page(gate)).items():
        tags = re.findall(r"<pre\b[^>]*>|<\w+ class=\"(?:scroll|parked)\"[^>]*>", page)
        assert [tag for tag in tags if 'tabindex="0"' not in tag] == [], name


def test_whatever_scrolls_holds_what_is_placed_within_it() -> None:
    """What is hidden by its place would else stand below the page, and lengthen it."""
    css = (STATIC / "console.css").read_text()
    for rule in re.findall(r"[^{}]+\{[^{}]*overflow(?:-[xy])?: auto[^{}]*\}", css):
        name = rule.split("{")[0].split()[-1]
        assert re.search(rf"(?:^|\n){re.escape(name)} {{[^}}]*position: relative", css), rule


@pytest.mark.parametrize("page", ["", "/sign-in", "/parked/gateway/999", "/language"])
async def test_a_slash_behind_an_address_changes_nothing(browser: Browser, page: str) -> None:
    plain = await browser.get(f"/ops{page}?to=en")
    slashed = await browser.get(f"/ops{page}/?to=en")
    if page:
        assert (slashed.status, slashed.headers["location"]) == (308, f"/ops{page}?to=en")
    else:
        assert slashed.status == plain.status == 200
    assert (await browser.get("/ops//")).headers["location"] == "/ops"


async def test_a_slash_lets_nobody_in(gate: Gate) -> None:
    answer = await Browser(gate).get("/ops/")
    assert (answer.status, answer.headers.get("location")) == (303, "/ops/sign-in")


def switch_of(page: bytes) -> str:
    """The language switch's address."""
    found = re.search(r'href="(/ops/language[^"]*)"', page.decode())
    assert found
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize(
    "address", ["/ops", "/ops?told=replayed&events=2", "/ops/sign-in", "/ops/parked/gateway/999"]
)
async def test_the_language_switch_stays_on_the_page(browser: Browser, address: str) -> None:
    if address == "/ops/sign-in":
        browser = Browser(browser.gate)
    page = await browser.get(address)
    answer = await browser.get(switch_of(page.raw))
    assert (answer.status, answer.headers.get("location")) == (303, address)
    assert 'lang="zh-CN"' in (await browser.get(address)).raw.decode()


@pytest.mark.parametrize("verb", ["edit", "skip", "replay"])
async def test_what_a_form_answers_switches_to_the_forms_page(
    gate: Gate, browser: Browser, verb: str
) -> None:
    here = f"/ops/parked/gateway/{await park_events(gate, BROKEN)}"
    await browser.get(here)
    refused = await browser.post(f"{here}/{verb}", body="{}", reason="")
    assert refused.status in (400, 409)
    assert unquote(switch_of(refused.raw)).endswith(f"&back={here}")


@pytest.mark.parametrize(
    "back",
    ["https://elsewhere.example", "//elsewhere.example", "/opsx", "/api/customers", "/ops\\x",
     "/ops/language?to=zh", "/ops/live", "/ops?" + "x" * 2000, "/ops/\r\nX: y", ""],
)  # fmt: skip
async def test_the_language_switch_leads_nowhere_else(browser: Browser, back: str) -> None:
    path = f"/ops/language?to=zh&back={quote(back)}"
    answer = await browser.get(path)
    assert (answer.status, answer.headers.get("location")) == (303, "/ops")
