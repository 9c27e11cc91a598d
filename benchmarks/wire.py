"""A partner's list of customers through the wire, beside its floors: `make bench-wire`.

Signed `list_sub_customers` through the real gateway and customer-sync, each a process of its own,
over 10 k and 1 M customers; beside a bare FastAPI route that answers the same bytes, and beside the
floor of this shape: a route that verifies the signature and forwards by aiohttp to a route that
reads the same rows by asyncpg. All in one run and in turn: on a shared machine only ratios tell.

Tried and not kept:
- the page through SQLAlchemy's Core in a session: 0.18 of the floor; customer-sync alone spent five
  times the floor's machine time on it;
- matches of a frequent text read by the index of pairs: 46,000 of a million took 130 ms, most of it
  spent on 36,000 pages of the table.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from benchmarks.wire_load import FILTERS, PARTNER, load_customers
from benchmarks.wire_rig import Place, wire_rig
from chassis.identity import HEADER, Principal, sign_identity
from testkit.servers import PostgresServer
from wire.json import dumps
from wire.signature import sign_request

PATH = "/v2/partners/sub-customers/query"
FLOOR_BAR = 0.4  # of the floor's rate
GROWTH_BAR = 1.3  # the page's median at the large size over the small one
FILTER_BAR_MS = 50.0
CONNECTIONS = 16
ASKED = 40  # requests of one figure of latency, in turn
PAGE = b"{}"


@dataclass(frozen=True)
class Target:
    """Where to send which bytes."""

    url: str
    headers: dict[str, str]
    body: bytes = PAGE


def signed(place: Place, body: bytes = PAGE) -> Target:
    """Through the gateway; one signature serves for 15 minutes, as for any read."""
    made = sign_request(
        "POST", place.gateway + PATH, access=place.access, secret=place.secret,
        now=datetime.now(UTC), body=body,
    )  # fmt: skip
    return Target(made.url, made.headers, body)


def inside(place: Place) -> Target:
    """Past the gateway, under the header that it would send; good for a minute."""
    who = Principal(id=PARTNER, kind="solution_provider", partner_id=PARTNER)
    header = sign_identity(place.keys, who, "POST", PATH, PAGE)
    return Target(place.service + PATH, {HEADER: header, "Content-Type": "application/json"})


async def once(client: aiohttp.ClientSession, target: Target) -> float:
    """Milliseconds of one request."""
    started = time.perf_counter()
    async with client.post(target.url, data=target.body, headers=target.headers) as answer:
        raw = await answer.read()
        assert answer.status == 200, raw
    return (time.perf_counter() - started) * 1000


async def rate(client: aiohttp.ClientSession, target: Target, seconds: float) -> float:
    """Requests a second over all connections."""
    until, done = time.perf_counter() + seconds, 0

    async def one_connection() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await once(client, target)
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return done / (time.perf_counter() - started)


async def rates(
    client: aiohttp.ClientSession, targets: dict[str, Target], rounds: int, seconds: float
) -> dict[str, float]:
    """Medians over the rounds, measured in turn."""
    found: dict[str, list[float]] = {name: [] for name in targets}
    for _ in range(rounds):
        for name, target in targets.items():
            found[name].append(await rate(client, target, seconds))
    return {name: statistics.median(each) for name, each in found.items()}


async def latencies(
    client: aiohttp.ClientSession, targets: dict[str, Target], count: int = ASKED
) -> dict[str, float]:
    """Median milliseconds of one request at a time, asked in turn."""
    found: dict[str, list[float]] = {name: [] for name in targets}
    for turn in range(count + 3):
        for name, target in targets.items():
            took = await once(client, target)
            if turn >= 3:  # the first ones fill caches
                found[name].append(took)
    return {name: statistics.median(each) for name, each in found.items()}


async def beside_floors(client: aiohttp.ClientSession, small: Place, arguments: Any) -> bool:
    """Throughput beside the bare route and the floor, then where the time goes."""
    targets = {
        "channelbus": signed(small),
        "floor": small.sign_for_floor(PATH, PAGE, Target),
        "bare": Target(small.bare + PATH, {"Content-Type": "application/json"}),
    }
    found = await rates(client, targets, arguments.rounds, arguments.seconds)
    ours, floor, bare = found["channelbus"], found["floor"], found["bare"]
    print(f"\nlist_sub_customers, {CONNECTIONS} connections, a page of 10 with its count")
    print(f"  channelbus {ours:>8,.0f}/s")
    met = ours / floor >= FLOOR_BAR
    print(
        f"  floor      {floor:>8,.0f}/s   ratio {ours / floor:.2f}   bar {FLOOR_BAR}: {said(met)}"
    )
    print(f"  bare route {bare:>8,.0f}/s   ratio {ours / bare:.3f}; the floor's {floor / bare:.2f}")
    await show_shares(client, small)
    return met


async def show_shares(client: aiohttp.ClientSession, small: Place) -> None:
    """The median of one request at a time, hop by hop."""
    found = await latencies(client, {"whole": signed(small), "service": inside(small)})
    rows = await small.read_milliseconds(ASKED)
    whole, service = found["whole"], found["service"]
    print(f"\none request at a time: {whole:.2f} ms")
    for name, took in (
        ("gateway", whole - service), ("customer-sync", service - rows), ("PostgreSQL", rows),
    ):  # fmt: skip
        print(f"  {name:<14} {took:6.2f} ms   {took / whole:4.0%}")


async def by_size(client: aiohttp.ClientSession, small: Place, large: Place) -> bool:
    """The page at both sizes."""
    found = await latencies(client, {"small": signed(small), "large": signed(large)}, 2 * ASKED)
    growth = found["large"] / found["small"]
    met = growth <= GROWTH_BAR
    print(f"\nthe page over {small.customers:,} customers: {found['small']:.2f} ms")
    print(f"  over {large.customers:,}: {found['large']:.2f} ms")
    print(f"  × {growth:.2f}   bar {GROWTH_BAR}: {said(met)}")
    return met


async def by_filter(client: aiohttp.ClientSession, large: Place) -> bool:
    """Each filter alone, with its count."""
    print(f"\neach filter alone over {large.customers:,} customers, count included")
    every = True
    for name, wanted in FILTERS.items():
        target = signed(large, dumps(wanted))
        took = (await latencies(client, {name: target}, 9))[name]
        async with client.post(target.url, data=target.body, headers=target.headers) as answer:
            count = (await answer.json())["count"]
        met = took <= FILTER_BAR_MS
        every = every and met
        print(f"  {name:<34} {count:>9,} found {took:8.1f} ms   bar {FILTER_BAR_MS:g}: {said(met)}")
    return every


def said(met: bool) -> str:
    return "met" if met else "MISSED"


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL, ended with the run."""
    server = PostgresServer.for_session()
    try:
        yield server
    finally:
        server.close()


async def measure(server: PostgresServer, arguments: Any) -> bool:
    """All figures; True when every bar is met."""
    async with AsyncExitStack() as stack:
        places = []
        for customers in (arguments.small, arguments.large):
            place = await stack.enter_async_context(wire_rig(server, customers))
            started = time.perf_counter()
            await load_customers(place.customer_sync_settings(), customers)
            print(
                f"loaded {customers:,} customers in {time.perf_counter() - started:.0f} s",
                flush=True,
            )
            places.append(place)
        small, large = places
        await small.serve(PATH, PAGE, floors=True)
        await large.serve(PATH, PAGE, floors=False)
        client = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))
        )
        met = [await beside_floors(client, small, arguments)]
        met += [await by_size(client, small, large), await by_filter(client, large)]
        return all(met)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=10_000, help="customers")
    parser.add_argument("--large", type=int, default=1_000_000, help="customers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each throughput figure")
    arguments = parser.parse_args()
    with postgres() as server:
        met = asyncio.run(measure(server, arguments))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
