"""Few may wait or look at once, and nobody takes the seats of others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from urllib.parse import urlsplit

import pytest

from testkit.databases import ServiceDatabase
from tests.gateway.gate import AccessPair, Gate, open_gate
from tests.gateway.identity_builders import customer, operator, partner
from tests.gateway.ops_browser import Browser, looking_at_itself
from tests.gateway.test_ops_sign_in import PASSWORD, with_operator
from wire.permissions import OPS_CONSOLE_ITEM

NOWHERE = "http://127.0.0.1:1"
LIBRARY_LOOKS_SECONDS = 0.7  # sse_starlette looks for a signal each half second
WAIT = "/api/events?after=latest&wait_seconds=30"


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    async with open_gate(gateway_store, gateway_ops_url=NOWHERE) as opened:
        yield opened


# --- long polls


def waiting(gate: Gate, name: str = "all") -> int:
    number: int = gate.app.parts.feed_watch._waiting[name]
    return number


async def until_waiting(gate: Gate, number: int) -> None:
    async with asyncio.timeout(30):
        while waiting(gate) != number:
            await asyncio.sleep(0.01)


async def begin(gate: Gate, key: AccessPair, number: int, until: int) -> list[asyncio.Task[object]]:
    """So many long polls of one account; until so many wait in all."""
    polls = [asyncio.create_task(gate.call(key, "GET", WAIT)) for _ in range(number)]
    await until_waiting(gate, until)
    return polls  # type: ignore[return-value]


async def end(*polls: asyncio.Task[object]) -> None:
    for poll in polls:
        poll.cancel()
    await asyncio.gather(*polls, return_exceptions=True)


async def unhurried(gate: Gate, *ids: str) -> list[AccessPair]:
    for one in ids:
        await gate.admin("PUT", f"/api/principals/{one}/rate-limit", {"requests_per_second": 1000})
    return [await gate.key(one) for one in ids]


async def test_who_waits_is_answered_when_the_process_ends(gate: Gate) -> None:
    await gate.feed(partner("p1"))
    (key,) = await unhurried(gate, "p1")
    polls = [asyncio.create_task(gate.call(key, "GET", WAIT))]
    await until_waiting(gate, 1)
    gate.app.running.end()
    polls.append(asyncio.create_task(gate.call(key, "GET", WAIT)))  # too late to wait
    async with asyncio.timeout(15):
        for poll in polls:
            answer = await poll
            assert (answer.status, answer.content["events"]) == (200, [])
            assert answer.content["next"]


async def test_one_account_waits_ten_times_and_others_wait_too(gate: Gate) -> None:
    await gate.feed(partner("p1"), partner("p2"))
    one, other = await unhurried(gate, "p1", "p2")
    polls = await begin(gate, one, 10, 10)
    async with asyncio.timeout(15):  # at once, not after 30 s
        answer = await gate.call(one, "GET", WAIT)
    assert (answer.status, answer.content["events"]) == (200, [])
    polls += await begin(gate, other, 1, 11)
    await end(*polls)


async def test_a_partner_with_its_customers_leaves_seats_to_others(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.feed.watch_head.READERS_OF_A_TENANT_MAX", 4)
    await gate.feed(partner("p1"), partner("p2"), customer("c1"), customer("c2"), customer("c3"))
    keys = await unhurried(gate, "c1", "c2", "p1", "c3", "p2")
    polls: list[asyncio.Task[object]] = []
    for number, key in enumerate(keys[:2], start=1):
        polls += await begin(gate, key, 2, 2 * number)
    async with asyncio.timeout(15):
        for key in keys[2:4]:
            assert (await gate.call(key, "GET", WAIT)).status == 200
    polls += await begin(gate, keys[4], 1, 5)
    await end(*polls)


async def test_who_goes_gives_its_seat_back_at_once(gate: Gate) -> None:
    await gate.feed(partner("p1"))
    (key,) = await unhurried(gate, "p1")
    polls = await begin(gate, key, 3, 3)
    await end(*polls)
    async with asyncio.timeout(15):  # long before the wait is over
        await until_waiting(gate, 0)
    assert dict(gate.app.parts.feed_watch._waiting) == {}


# --- the console


class DeadReader:
    """A browser that asks for the live page and never reads a byte of it."""

    def __init__(self, browser: Browser):
        self._browser = browser

    async def open(self, stack: AsyncExitStack) -> None:
        url = urlsplit(self._browser.gate.url)
        _, writer = await asyncio.open_connection(url.hostname, url.port, limit=1)
        stack.push_async_callback(_gone, writer)
        cookie = "; ".join(f"{name}={value}" for name, value in self._browser.cookies.items())
        request = f"GET /ops/live HTTP/1.1\r\nHost: {url.netloc}\r\nCookie: {cookie}\r\n\r\n"
        writer.write(request.encode())
        await writer.drain()


async def _gone(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def seats(gate: Gate) -> int:
    return len(gate.app.parts.console.seats)


async def until_seats(gate: Gate, number: int) -> None:
    async with asyncio.timeout(60):
        while seats(gate) != number:
            await asyncio.sleep(0.02)


async def signed_in_operator(gate: Gate) -> Browser:
    fields = await with_operator(gate, OPS_CONSOLE_ITEM)
    browser = Browser(gate)
    assert (await browser.sign_in(**fields)).status == 303
    return browser


async def first_part(browser: Browser) -> str:
    async with browser.live() as parts:
        async for name, _ in parts:
            return name
    raise AssertionError("the page told nothing")


async def test_one_who_never_reads_keeps_nobody_out_nor_itself(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.ops.seats.VIEWERS_OF_ONE_MAX", 3)
    monkeypatch.setattr("gateway.ops.seats.VIEWERS_MAX", 4)
    administrator, other = Browser(gate), await signed_in_operator(gate)
    await administrator.sign_in()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(looking_at_itself(gate))
        for number in range(1, 7):
            await DeadReader(administrator).open(stack)
            await until_seats(gate, min(number, 3))
        assert await first_part(other)
        assert await first_part(administrator)
    await until_seats(gate, 0)


async def test_a_dead_reader_is_let_go_after_its_time(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.ops.console.VIEW_SECONDS_MAX", 0.5)
    browser = Browser(gate)
    await browser.sign_in()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(looking_at_itself(gate))
        await DeadReader(browser).open(stack)
        await until_seats(gate, 1)
        await until_seats(gate, 0)


async def test_an_operators_sessions_are_one_persons(gate: Gate) -> None:
    one = await signed_in_operator(gate)
    again = Browser(gate)
    fields = {"account": "p1-account", "operator": "op1-name", "password": PASSWORD}
    await again.sign_in(way="operator", **fields)
    await gate.feed(operator("op2", "p1", permissions=[OPS_CONSOLE_ITEM]))
    sessions = gate.app.parts.console.sessions
    ids = [browser.cookies["channelbus_ops"] for browser in (one, again)]
    visitors = [await sessions.visitor(one_id, gate.now()) for one_id in ids]
    assert {visitor and visitor.who for visitor in visitors} == {"op1"}


async def test_a_live_page_ends_whole_when_the_process_does(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its browser connects again and meets another replica.

    Break: leave `seats.end` out, or the grace: the stream's library hears of the signal as well.
    """
    browser, late = Browser(gate), await signed_in_operator(gate)
    await browser.sign_in()
    async with looking_at_itself(gate), browser.live() as parts:
        assert await anext(parts)
        monkeypatch.setattr("sse_starlette.sse.AppStatus.should_exit", True)
        await asyncio.sleep(LIBRARY_LOOKS_SECONDS)
        gate.app.parts.console.seats.end()
        async with asyncio.timeout(30):
            async for _ in parts:  # a connection that breaks off would raise here
                pass
        assert (await late.get("/ops/live")).status == 503
    await until_seats(gate, 0)
