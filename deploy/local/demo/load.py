"""Load the demo portfolio by the system's own commands; the same again for whom it was cut off."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from local.demo.bar import Bar
from local.demo.commands import Commands
from local.demo.gateway import CommandRefusedError, Gateway, Key
from local.demo.journal import Journal
from local.demo.plan import ABROAD, DISTRIBUTOR, FULL, PROVIDER, Plan, Size, make_plan
from local.demo.purchases import Product
from local.demo.showcase import CUSTOMERS_MADE
from local.demo.tokens import with_token
from local.demo_file import write_demo
from local.stack import Stack

SEED = 1
# More would make services open connections beyond their pools, for one request each.
AT_ONCE = 6
AT_ONCE_ON_ONE_ACCOUNT = 2  # transfers wait for each other at the partner's account
AT_ONCE_BATCHES = 3
AT_ONCE_WAITING = 10  # for what they bought, most of the time
KEYS_SHOWN = 20
ARRIVAL_SECONDS = 60.0
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Job:
    """One command or a few that belong together, for so many things of the portfolio."""

    do: Callable[[], Awaitable[None]]
    things: int = 1


@dataclass(frozen=True)
class Lane:
    """Jobs of which so many may be under way at once."""

    jobs: list[Job]
    at_once: int = AT_ONCE


@dataclass(frozen=True)
class Phase:
    """Lanes that run side by side; phases come one after the other."""

    title: str
    lanes: list[Lane]


def load(stack: Stack, size: Size = FULL) -> str:
    """Load it and write `.run/demo.json`; what there is now, in words.

    Raises:
        CommandRefusedError: the system refused a command; run it again when that is mended.
        KeyboardInterrupt: what was under way is done; the next run goes on from there.

    """
    return asyncio.run(_load(stack, size))


async def _load(stack: Stack, size: Size) -> str:
    journal = Journal(stack.layout.journal)
    async with Gateway(stack.gateway_url, stack.admin_token) as gateway:
        with journal:
            plan = await _prepare(gateway, journal, size)
            commands = Commands(plan, gateway, journal, stack.admin_token)
            commands.codes = stack.layout.codes
            phases = _phases(plan, commands)
            things = sum(job.things for p in phases for lane in p.lanes for job in lane.jobs)
            with Bar(things) as bar:
                await _run(phases, bar)
                await _arrived(gateway, plan, commands)
            for partner in plan.partners:
                if partner.above is None:
                    await commands.slow_down(partner)
            write_demo(stack, await _portfolio(plan, commands, gateway, stack.admin_token))
        return _in_words(plan, gateway.requests)


def _in_words(plan: Plan, requests: int) -> str:
    usage = sum(len(batch) for batch in plan.usage_batches)
    coupons = sum(len(batch.customers) for batch in plan.coupon_batches)
    return (
        f"{len(plan.customers):,} customers, {len(plan.orders):,} orders, {coupons:,} coupons,"
        f" {usage:,} usage records loaded by {requests:,} requests"
    )


async def _prepare(gateway: Gateway, journal: Journal, size: Size) -> Plan:
    """The plan, begun again unless the journal is of this system and seed."""
    if journal.header.get("seed") != SEED or not await _is_of(gateway, journal):
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        journal.begin({"seed": SEED, "at": now.isoformat()})
    rows = (await gateway.call("catalogue", "GET", "/api/products"))["products"]
    products = [Product.of_row(row) for row in rows if not row["is_marketplace"]]
    return make_plan(SEED, products, datetime.fromisoformat(journal.header["at"]), size)


async def _is_of(gateway: Gateway, journal: Journal) -> bool:
    """Whether the partner that the journal knows is here: databases may have been made again."""
    step = f"partner {PROVIDER}"
    if step not in journal:
        return len(journal) == 0
    try:
        await gateway.call("look-up", "GET", f"/api/partners/{journal[step]}")
    except CommandRefusedError as refusal:
        if refusal.code == "CHB.0404":
            return False
        raise
    return True


def _phases(plan: Plan, do: Commands) -> list[Phase]:
    """Side by side runs what different services do, so that all cores have something to do."""
    above = [partner for partner in plan.partners if partner.above is None]
    below = [partner for partner in plan.partners if partner.above is not None]
    authorizing = [customer for customer in plan.customers if customer.authorizes]
    followed = [order for order in plan.orders if order.is_followed]
    recalls = [(batch, number) for batch in plan.coupon_batches for number in batch.recalled]
    shows = (*do.stories(), *do.shows(), *do.vouchers(), do.settle_last_month)
    return [
        Phase("partners", [Lane(_each(do.register, above))]),
        Phase("resellers", [Lane(_each(do.register, below)), Lane(_each(do.speed_up, above))]),
        Phase("quotas", [Lane(_each(do.grant_quota, plan.quotas))]),
        Phase("customers", [Lane(_batches(do.bring, plan.customer_batches), AT_ONCE_BATCHES)]),
        Phase("names", [Lane(_batches(do.verify, plan.name_batches), AT_ONCE_BATCHES)]),
        Phase("authorizations, transfers", [
            Lane(_each(do.authorize, authorizing)),
            Lane(_each(do.transfer, plan.transfers), AT_ONCE_ON_ONE_ACCOUNT),
        ]),
        Phase("coupons, last month", [
            Lane(_each(do.issue, plan.coupon_batches), AT_ONCE_BATCHES),
            Lane([Job(do.use_last_month)]),
        ]),
        # Before payments: these are captured customer by customer, crosswise to a batch of usage.
        Phase("orders, usage", [
            Lane(_batches(do.order, plan.order_batches), AT_ONCE_BATCHES),
            Lane(_batches(do.use, plan.usage_batches), AT_ONCE_BATCHES),
        ]),
        Phase("payments and decisions", [Lane(_each(do.follow, followed))]),
        Phase("recalls and unlinkings", [
            Lane(_each(do.recall, recalls)), Lane(_each(do.unlink, plan.unlinked)),
        ]),
        Phase("lives of resources, abroad", [
            Lane([Job(show) for show in shows], AT_ONCE_WAITING),
        ]),
    ]  # fmt: skip


def _each(do: Callable[[Any], Awaitable[None]], things: Iterable[Any]) -> list[Job]:
    return [Job(partial(do, thing)) for thing in things]


def _batches(do: Callable[[Any], Awaitable[None]], batches: Iterable[Sequence[Any]]) -> list[Job]:
    return [Job(partial(do, batch), len(batch)) for batch in batches]


async def _run(phases: Iterable[Phase], bar: Bar) -> None:
    """Phase after phase. Ctrl-C lets what is under way come to its end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    try:
        for phase in phases:
            shown = bar.phase(phase.title)
            workers = [
                _work(waiting, shown.advance, stop)
                for lane in phase.lanes
                for waiting in [iter(lane.jobs)] * lane.at_once
            ]
            for ended in await asyncio.gather(*workers, return_exceptions=True):
                if isinstance(ended, BaseException):
                    raise ended
            if stop.is_set():
                raise KeyboardInterrupt
            shown.end()
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _work(
    waiting: Iterator[Job], advance: Callable[[int], None], stop: asyncio.Event
) -> None:
    """One of the workers of a phase; a failure stops them all after what they are at."""
    try:
        for job in waiting:
            if stop.is_set():
                return
            await job.do()
            advance(job.things)
    except Exception:
        stop.set()
        raise


async def _arrived(gateway: Gateway, plan: Plan, do: Commands) -> None:
    """Wait until the read model knows everything: from here on, searches find it.

    Raises:
        RuntimeError: it does not get there; an event may be parked.

    """
    deadline = time.monotonic() + ARRIVAL_SECONDS
    for path, is_there in _awaited(plan, do):
        while not is_there(seen := await gateway.call("arrival", "GET", path)):
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"after {ARRIVAL_SECONDS:.0f} s the read model does not know all of {path}"
                    f" (parked events are shown at /ops): {seen}"
                )
            await asyncio.sleep(POLL_SECONDS)


def _awaited(plan: Plan, do: Commands) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    for partner in plan.partners:
        associated = sum(c.owner == partner.key for c in plan.customers)
        if partner.key == PROVIDER:
            associated += CUSTOMERS_MADE - len(plan.unlinked)
        path = f"/api/customers?limit=1&partner_id={do.partner_id(partner.key)}"
        yield path, partial(_has_customers, associated)
    for number in _shown(plan):
        orders = sum(order.customer == number for order in plan.orders) + do.placed[number]
        yield f"/api/customers/{do.customer_id(number)}", partial(_is_whole, orders)


def _has_customers(associated: int, answer: Any) -> bool:
    return bool(answer["count"] == associated)


def _is_whole(orders: int, answer: Any) -> bool:
    known = sum(row["orders"] for row in answer["orders"])
    # At least: what is given back or converted makes orders of its own.
    return known >= orders and bool(Decimal(answer["consumption_this_month"]))


def _shown(plan: Plan) -> list[int]:
    """The customers whose keys are told: those with orders, coupons and usage."""
    telling = (c.number for c in plan.customers if c.owner == PROVIDER and c.authorizes)
    return list(islice(telling, KEYS_SHOWN))


async def _portfolio(
    plan: Plan, do: Commands, gateway: Gateway, admin_token: str
) -> dict[str, Any]:
    reseller = next(partner.key for partner in plan.partners if partner.above is not None)

    independent, custody = await do.members()

    async def principal(key: str) -> dict[str, str]:
        return await with_token(gateway, {**_told(do.own_key(key)), **do.operator(key)})

    return {
        "partner": await principal(PROVIDER),
        "distributor": await principal(DISTRIBUTOR),
        "reseller": await principal(reseller),
        "abroad": await principal(ABROAD),
        "enterprise": {
            "master": _told(do.master_key()),
            "independent_member_id": independent,
            "custody_member_id": custody,
        },
        "closed_month": do.closed_month,
        "customers": [_told(do.customer_key(number)) for number in _shown(plan)],
        "admin": {"token": admin_token},
    }


def _told(key: Key) -> dict[str, str]:
    return {"domain_id": key.domain_id, "ak": key.access, "sk": key.secret}
