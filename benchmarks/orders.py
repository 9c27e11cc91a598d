"""Orders from payment to renewal, beside their floors: `make bench-orders`.

Payments through the real gateway, order, voucher and billing, each a process of its own, beside the
statements of one payment replayed by asyncpg; lists and details over few and many orders; payment
options; a turn of automatic renewal beside a job that renews as many. All in one run and in turn:
on a shared machine only ratios tell. The bus is off on both sides: `make bench-bus` has it.

Missed so far: a job's renewals (0.8). One has some 60 statements where a payment has 32, most of
them order's, in one process; docs/measured.md tells what the profiles show. Statements made once
halve what one costs SQLAlchemy, and a flush or the loading of a relationship still costs ten times
the driver's time.
"""

import argparse
import resource as process
import statistics
import sys
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp
import uvloop
from sqlalchemy import text

from benchmarks.orders_asking import (
    ASKED,
    Payable,
    ask,
    hold,
    pay,
    pay_by_floor,
    pay_inside,
    reserve,
)
from benchmarks.orders_load import CLIENTS, load_due, load_payable, load_stored
from benchmarks.orders_reads import reads_by_size
from benchmarks.orders_rig import Shop, shop
from benchmarks.serving import Deed, median, rate
from benchmarks.wire import postgres, said
from chassis.database import Database
from order.jobs.run_jobs import run_jobs
from order.jobs.start_job import StartJob, start_job
from order.renewals.renew_due import renew_due
from testkit.databases import Templates

FLOOR_BAR = 0.3  # of the floor's rate
SIZE_BAR = 0.85  # of the rate with few orders
OPTIONS_BAR = 3.0  # times a payment's reservation and hold
TURN_BAR, JOB_BAR = 0.5, 0.8
TOGETHER = 4  # of a job and of a turn of renewals
KB = 1024


async def payments_beside_the_floor(place: Shop, arguments: Any) -> tuple[bool, float]:
    """In turn, round after round; then where the time of one payment goes."""
    ours: list[float] = []
    floors: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as client:
        for number in range(arguments.rounds + 1):  # the first one fills caches
            count = arguments.payments if number else 4 * CLIENTS
            mine = await load_payable(place.stores, place.scene, count, f"A{number}")
            its = await load_payable(place.stores, place.scene, count, f"B{number}")
            ours.append(await rate(mine, lambda one: pay(client, place, one), CLIENTS))
            floors.append(await rate(its, lambda one: pay_by_floor(client, place, one), CLIENTS))
        found, floor = statistics.median(ours[1:]), statistics.median(floors[1:])
        met = found / floor >= FLOOR_BAR
        print(f"\npayments with a coupon each, {CLIENTS} clients")
        print(f"  channelbus {found:>8,.1f}/s")
        print(f"  floor      {floor:>8,.1f}/s   ratio {found / floor:.2f}   bar {FLOOR_BAR}:"
              f" {said(met)}")  # fmt: skip
        await show_shares(client, place)
    return met, found


async def show_shares(client: aiohttp.ClientSession, place: Shop) -> None:
    """One payment at a time: the whole, without the gateway, and each peer alone."""
    whole = await load_payable(place.stores, place.scene, ASKED, "C")
    inside = await load_payable(place.stores, place.scene, ASKED, "D")
    floors = await load_payable(place.stores, place.scene, ASKED, "E")
    alone = await load_payable(place.stores, place.scene, ASKED, "F")
    took = {
        "whole": await median(whole, lambda one: pay(client, place, one)),
        "inside": await median(inside, lambda one: pay_inside(client, place, one)),
        "floor": await median(floors, lambda one: pay_by_floor(client, place, one)),
        "voucher": await median(alone, lambda one: reserve(client, place, one)),
        "billing": await median(alone, lambda one: hold(client, place, one)),
    }
    order = took["inside"] - took["voucher"] - took["billing"]
    print(f"\none payment at a time: {took['whole']:.2f} ms; its floor {took['floor']:.2f} ms")
    for name, part in (
        ("gateway", took["whole"] - took["inside"]), ("order", order),
        ("voucher, asked", took["voucher"]), ("billing, asked", took["billing"]),
    ):  # fmt: skip
        print(f"  {name:<15} {part:6.2f} ms   {part / took['whole']:4.0%}")
    counted: dict[tuple[str, int], int] = {}
    for one in place.scene.recorded:
        key = (one.service, one.transaction)
        counted[key] = counted.get(key, 0) + 1
    said_so = ", ".join(f"{service} {count}" for (service, _), count in counted.items())
    print(f"  statements of each transaction: {said_so}")


async def payments_by_size(small: Shop, large: Shop, arguments: Any) -> bool:
    """The same rounds at both sizes, in turn."""
    found: dict[int, list[float]] = {0: [], 1: []}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as client:
        for number in range(arguments.rounds + 1):
            for which, place in enumerate((small, large)):
                mark = f"S{number}"
                things = await load_payable(place.stores, place.scene, arguments.payments, mark)
                deed: Deed = lambda one, place=place: pay(client, place, one)  # type: ignore[misc] # noqa: E731
                found[which].append(await rate(things, deed, CLIENTS))
    few, many = (statistics.median(found[which][1:]) for which in (0, 1))
    met = many / few >= SIZE_BAR
    print(f"\npayments among {arguments.orders:,} stored orders: {few:,.1f}/s")
    print(f"  among {arguments.large:,}: {many:,.1f}/s   ratio {many / few:.2f}   bar {SIZE_BAR}:"
          f" {said(met)}")  # fmt: skip
    return met


async def payment_options(place: Shop) -> bool:
    """Of an order with 50 coupons and 4 discounts, beside what one payment asks of its peers."""
    who = place.scene.customers[1]
    path = f"/api/orders/{place.scene.many_options}/payment-options"
    things = await load_payable(place.stores, place.scene, ASKED, "O")
    async with aiohttp.ClientSession() as client:

        async def options_of(_: Any) -> None:
            await ask(client, place, "order", path, b"", who, "GET")

        async def reserve_and_hold(one: Payable) -> None:
            await reserve(client, place, one)
            await hold(client, place, one)

        peers = await median(things, reserve_and_hold)
        options = await median(list(range(ASKED)), options_of)
    met = options / peers <= OPTIONS_BAR
    print(f"\npayment options: {options:.1f} ms; reservation and hold of one payment"
          f" {peers:.1f} ms   × {options / peers:.2f}   bar {OPTIONS_BAR:g}:"
          f" {said(met)}")  # fmt: skip
    return met


async def renewals(place: Shop, arguments: Any) -> tuple[bool, float]:
    """A job that renews and pays, then turns of the schedule over as many; in this process."""
    app = place.order_app()
    database, peers = app.parts.database, app.parts.peers
    await app.parts.sideways.start()
    job = await load_due(place.stores, place.scene, arguments.due, "J", automatic=False)
    items = [{"resource_ids": [one], "period_type": 2, "period_num": 1, "is_auto_pay": 1}
             for _, one in job]  # fmt: skip
    who = place.scene.partner

    async def now() -> datetime:
        return datetime.now(UTC)

    for begin in range(0, len(items), 10_000):
        wanted = StartJob.model_validate({"kind": "renew", "items": items[begin : begin + 10_000]})
        async with database.transaction_as(who) as session:
            await start_job(session, who, wanted, await now())
    started = time.perf_counter()
    while await run_jobs(database, peers, now):
        pass
    by_job = len(items) / (time.perf_counter() - started)
    await _all_renewed(database, "J", arguments.due)
    memory: list[int] = []
    await load_due(place.stores, place.scene, arguments.due, "T", automatic=True)
    turn = renew_due(peers)
    started = time.perf_counter()
    for _ in range(arguments.due // 2000 + 2):
        await turn(database, await now())
        memory.append(process.getrusage(process.RUSAGE_SELF).ru_maxrss // KB)
    by_turn = len(items) / (time.perf_counter() - started)
    await _all_renewed(database, "T", arguments.due)
    await app.parts.sideways.close()
    await database.close()
    met = by_turn / by_job >= TURN_BAR
    print(f"\nautomatic renewal of {arguments.due:,} due resources: {by_turn:,.1f}/s")
    print(f"  a job of as many   {by_job:>8,.1f}/s   ratio {by_turn / by_job:.2f}   bar {TURN_BAR}:"
          f" {said(met)}   memory {memory[0]} to {memory[-1]} MB")  # fmt: skip
    return met, by_job


async def _all_renewed(database: Database, mark: str, count: int) -> None:
    """What was not done is not counted."""
    paid = text(
        "SELECT count(*) FROM orders o JOIN order_lines l USING (order_id) WHERE o.status = 3"
        " AND o.order_type = 2 AND l.resource_id IN"
        f" (SELECT md5('due{mark}' || n) FROM generate_series(1, {count}) n)"
    )
    async with database.transaction() as session:
        found = await session.scalar(paid)
    assert found == count, f"{found} of {count} were renewed"


async def job_beside_payments(place: Shop, arguments: Any, by_job: float) -> bool:
    """As many payments at once as a job does items."""
    things = await load_payable(place.stores, place.scene, arguments.payments, "P")
    async with aiohttp.ClientSession() as client:
        payments = await rate(things, lambda one: pay(client, place, one), TOGETHER)
    met = by_job / payments >= JOB_BAR
    print(f"\na job's renewals: {by_job:,.1f}/s; payments, {TOGETHER} at once: {payments:,.1f}/s"
          f"   ratio {by_job / payments:.2f}   bar {JOB_BAR}: {said(met)}")  # fmt: skip
    return met


async def measure(templates: Templates, arguments: Any) -> bool:
    """All figures that are wanted; True when every bar is met."""
    wanted = arguments.figures or ["renewals", "payments", "options", "lists", "sizes"]
    met = []
    async with shop(templates, "bench_few_", floors="payments" in wanted) as small:
        by_job = 0.0
        if "renewals" in wanted:
            ok, by_job = await renewals(small, arguments)
            met += [ok, await job_beside_payments(small, arguments, by_job)]
        if "payments" in wanted:
            met.append((await payments_beside_the_floor(small, arguments))[0])
        if "options" in wanted:
            met.append(await payment_options(small))
        if "lists" in wanted or "sizes" in wanted:
            async with shop(templates, "bench_many_", floors=False) as large:
                for place, count in ((small, arguments.orders), (large, arguments.large)):
                    started = time.perf_counter()
                    await load_stored(place.stores, place.scene, count)
                    took = time.perf_counter() - started
                    print(f"stored {count:,} orders in {took:.0f} s", flush=True)
                if "lists" in wanted:
                    met.append(await reads_by_size(small, large, arguments))
                if "sizes" in wanted:
                    met.append(await payments_by_size(small, large, arguments))
    return all(met)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="*", help="renewals payments options lists sizes; or all")
    parser.add_argument("--orders", type=int, default=10_000, help="stored, the small size")
    parser.add_argument("--large", type=int, default=1_000_000, help="stored, the large size")
    parser.add_argument("--payments", type=int, default=2000, help="of one round")
    parser.add_argument("--due", type=int, default=100_000, help="resources to renew")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with postgres() as server:
        templates = Templates(server)
        met = uvloop.run(measure(templates, arguments))
        templates.close()
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
