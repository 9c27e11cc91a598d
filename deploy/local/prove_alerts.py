"""`make prove-alerts`: order is frozen under load; the console shows it, and an alert fires.

It freezes a process of the running system for half a minute, and nothing is lost by it: what waits
is handled afterwards.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from local.demo.gateway import Gateway, Key
from local.demo_file import read_demo
from local.layout import Layout
from local.prometheus import Prometheus, asked_series, check_rules, find_prometheus, running
from local.services import SERVICES, Service
from local.stack import Stack
from local.status import running_stack
from local.supervision import Supervisor

FROZEN = Service("order")
FROZEN_SECONDS = 30.0
TILE_SECONDS_MIN = 25
ALERT = "ConsumerBehind"
CHANGE_PAUSE_SECONDS = 0.2  # of the load: what a customer is labelled with
STARTS_SECONDS_MAX = 60.0
FIRES_SECONDS_MAX = 240.0
ENDS_SECONDS_MAX = 180.0
_LARGEST_LAG = re.compile(r"<dt>Largest lag</dt>\s*<dd><strong>(?P<told>[^<]*)</strong>")
_UNIT_SECONDS = {"s": 1, "min": 60, "h": 3600}


def prove_alerts(layout: Layout, alert: str) -> int:
    """The verb; 0 when the console and a real Prometheus told of it, and of its end.

    Raises:
        RuntimeError: something that is needed is not there, or did not come in its time.

    """
    program = find_prometheus()
    stack = running_stack(layout)
    demo = read_demo(stack) if stack is not None else None
    if stack is None or demo is None or not Supervisor(layout).answers():
        raise RuntimeError("the system with its demo does not run; start it with: make up")
    _tell(check_rules(program))
    asyncio.run(_prove(program, stack, demo, alert))
    return 0


async def _prove(program: Any, stack: Stack, demo: dict[str, Any], alert: str) -> None:
    pid = int(Supervisor(stack.layout).processes()[FROZEN.name]["pid"])
    async with running(program, stack) as prometheus, _console(stack) as console:
        await _until(prometheus.ready, "Prometheus answers", STARTS_SECONDS_MAX)
        every = {service.name for service in SERVICES}

        async def all_scraped() -> bool:
            return await prometheus.up() == every

        await _until(all_scraped, "all six services are scraped", STARTS_SECONDS_MAX)
        await _prove_exported(stack, prometheus)
        group = FROZEN.package

        async def fires() -> bool:
            return await prometheus.firing(alert, group)

        async def is_over() -> bool:
            return not await fires()

        await _until(is_over, f"{alert} does not fire for {group}", ENDS_SECONDS_MAX)
        async with _load(stack, demo):
            os.kill(pid, signal.SIGSTOP)
            _tell(f"{FROZEN.name} (pid {pid}) is frozen; customers change meanwhile")
            try:
                await asyncio.sleep(FROZEN_SECONDS)
                _tell(f"after {FROZEN_SECONDS:.0f} s: {await _seen(console, group)}")
                await _until(fires, f"{alert} fires for {group}", FIRES_SECONDS_MAX)
            finally:
                os.kill(pid, signal.SIGCONT)
            _tell(f"{FROZEN.name} goes on")
        await _until(is_over, f"{alert} has ended", ENDS_SECONDS_MAX)


async def _prove_exported(stack: Stack, prometheus: Prometheus) -> None:
    """Each series of a rule is told by each service, if only by its name and type."""
    for service in SERVICES:
        async with prometheus.http.get(f"{stack.health_url(service)}/metrics") as answer:
            told = set(re.findall(r"^# TYPE (\w+)", await answer.text(), re.MULTILINE))
        if missing := asked_series() - told:
            raise RuntimeError(f"{service.name} does not export {', '.join(sorted(missing))}")
    _tell(f"every service exports the {len(asked_series())} series that the rules look at")


@asynccontextmanager
async def _load(stack: Stack, demo: dict[str, Any]) -> AsyncIterator[None]:
    """Customers change all the while, which order copies."""
    partner = demo["partner"]
    key = Key(partner["domain_id"], partner["ak"], partner["sk"])

    async def change(gateway: Gateway) -> None:
        page = await gateway.call("load", "GET", "/api/customers?limit=20", by=key)
        labels = {one["customer_id"]: one["label"] for one in page["customers"]}
        if not labels:
            raise RuntimeError("the demo's partner has no customers")
        try:
            while True:
                for customer in labels:
                    await _label(gateway, key, customer, f"load {time.monotonic():.1f}")
                    await asyncio.sleep(CHANGE_PAUSE_SECONDS)
        finally:
            for customer, label in labels.items():
                await _label(gateway, key, customer, label)

    async with Gateway(stack.gateway_url, stack.admin_token) as gateway:
        changing = asyncio.create_task(change(gateway))
        try:
            yield
        finally:
            changing.cancel()
            with suppress(asyncio.CancelledError):
                await changing


async def _label(gateway: Gateway, key: Key, customer: str, label: str | None) -> None:
    await gateway.call("load", "PATCH", f"/api/customers/{customer}", {"label": label}, by=key)


@asynccontextmanager
async def _console(stack: Stack) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Signed in as the administrator; reads the page."""
    jar = aiohttp.CookieJar(unsafe=True)  # an address is no name
    headers = {"Accept-Language": "en"}
    async with aiohttp.ClientSession(cookie_jar=jar, headers=headers) as http:
        async with http.get(f"{stack.ops_url}/sign-in") as answer:
            form = dict(re.findall(r'name="(csrf)" value="([^"]*)"', await answer.text()))
        form |= {"way": "token", "token": stack.admin_token}
        async with http.post(f"{stack.ops_url}/sign-in", data=form) as answer:
            if answer.status != 200 or answer.url.path.endswith("/sign-in"):
                raise RuntimeError(f"the console let nobody in: {answer.status}")

        async def page() -> str:
            async with http.get(stack.ops_url) as answer:
                return await answer.text()

        yield page


async def _seen(console: Callable[[], Awaitable[str]], group: str) -> str:
    """What the console shows of it.

    Raises:
        RuntimeError: the tile tells less than it must, or the row has gone.

    """
    page = await console()
    tile = _LARGEST_LAG.search(page)
    told = tile["told"].strip() if tile else ""
    lag = re.search(r"(\d+) (s|min|h)$", told)
    if lag is None or int(lag[1]) * _UNIT_SECONDS[lag[2]] < TILE_SECONDS_MIN:
        raise RuntimeError(f"the tile of the largest lag says {told!r}")
    if f'<th scope="row">{group}</th>' not in page:
        raise RuntimeError(f"the console has no row of {group}")
    return f"the tile says {told!r}, and {group} has its row"


async def _until(look: Callable[[], Awaitable[bool]], what: str, seconds_max: float) -> None:
    began = time.monotonic()
    while not await look():
        if time.monotonic() - began > seconds_max:
            raise RuntimeError(f"not within {seconds_max:.0f} s: {what}")
        await asyncio.sleep(1.0)
    _tell(f"{what} ({time.monotonic() - began:.0f} s)")


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)
