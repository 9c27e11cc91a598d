"""64 clients at once: applications for one cap, settlements of one id, a campaign among payments.

As `test_races`, by the same checker of histories.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from httpx import Response

from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import code_of
from testkit.histories import Call, History, check_history
from tests.voucher.builders import VoucherDoor, failed, hear, joined, settle_in
from tests.voucher.settlement_builders import granted, kept, line, settle, voucher_mode
from tests.voucher.test_applications import APPLICATIONS, decide, solution, submit
from tests.voucher.test_races import CLIENTS, NOT_RECLAIMABLE, About, Held, coupon, together, told
from tests.voucher.test_recall_campaigns import begin, campaigns, lines_of, plan, shown

pytestmark = pytest.mark.postgres

CAP, WANTED = Decimal(20000), Decimal(9000)
CONFLICT, OVER_CAP = "CHB.0409", "CHB.1003"
TURNS_MAX = 20


def refusal(answer: Response) -> str | None:
    return code_of(answer)[1] if answer.is_error else None


# Applications for test coupons of one solution


@dataclass(frozen=True)
class Cap:
    """What was approved of a solution's cap, and the application that waits."""

    taken: Decimal = Decimal(0)
    open: str | None = None


@dataclass(frozen=True)
class Step:
    """ "submit", "approve" or "withdraw"; `client` names the application."""

    kind: str
    client: str


def cap(state: Cap, wanted: Step) -> tuple[Cap, str | None]:
    if wanted.kind == "submit":
        if state.open is not None:
            return state, CONFLICT
        return replace(state, open=wanted.client), None
    if state.open != wanted.client:
        return state, CONFLICT
    if wanted.kind == "withdraw":
        return replace(state, open=None), None
    if state.taken + WANTED > CAP:
        return state, OVER_CAP
    return Cap(state.taken + WANTED), None


async def test_applications_never_take_more_than_the_rest_of_one_cap(door: VoucherDoor) -> None:
    """Two fit. Break: take the lock out of `_lock_partner`."""
    await hear(door.database, joined("sp"), solution())
    history: History[Step] = History()
    clients: dict[str, str] = {}  # application → client

    async def apply(client: str) -> None:
        work = submit(door, f"{WANTED}")
        answer = await history.ask(f"{client} submit", Step("submit", client), work, refusal)
        if answer.is_error:
            return
        application = answer.json()["application_id"]
        clients[application] = client
        withdrawn = door.post(f"{APPLICATIONS}/{application}/withdrawal")
        asks: list[Awaitable[Any]] = [
            history.ask(f"{client} approve{n}", Step("approve", client), work, refusal)
            for n, work in enumerate([decide(door, application) for _ in range(3)])
        ]
        await asyncio.gather(*asks)
        await history.ask(f"{client} withdraw", Step("withdraw", client), withdrawn, refusal)

    async def keep_on(number: int) -> None:
        """Until somebody hears that nothing is left."""
        for turn in range(TURNS_MAX):
            await apply(f"c{number}-{turn}")
            if any(call.code == OVER_CAP for call in history.calls):
                return

    await together([partial(keep_on, number) for number in range(CLIENTS)])
    facts = await outbox.stated(door.database)
    ours = [fact for kind, fact in facts if kind.startswith("voucher.application")]
    done = [call for call in history.calls if call.code is None]
    approved = {call.request.client: call.name for call in done if call.request.kind == "approve"}
    names = {"pending": "{} submit", "withdrawn": "{} withdraw"}
    order = [
        approved[clients[fact["application_id"]]]
        if fact["status"] == "issued"
        else names[fact["status"]].format(clients[fact["application_id"]])
        for fact in ours
    ]
    checked = check_history(Cap(), history.calls, order, cap)
    assert checked.breaches == []
    assert (checked.final.taken, len(approved)) == (Decimal(18000), 2)
    assert {call.code for call in history.calls} == {None, CONFLICT, OVER_CAP}
    issued = await outbox.bodies(door.database, "voucher.issued")
    assert sum(Decimal(one["face_value"]) for one in issued) == 18000
    assert await door.is_balanced()


# Settlements


@dataclass(frozen=True)
class Bill:
    """A settlement of one line of 10.00."""

    settlement_id: str
    line_id: str


@dataclass(frozen=True)
class Settled:
    """By id the line that it settled; what the voucher has left."""

    by_id: tuple[Bill, ...] = ()
    left: Decimal = Decimal(145)


def settled(state: Settled, wanted: Bill) -> tuple[Settled, str | None]:
    if wanted in state.by_id:
        return state, None
    for one in state.by_id:
        if wanted.settlement_id == one.settlement_id or wanted.line_id == one.line_id:
            return state, CONFLICT
    left = max(state.left - 10, Decimal(0))
    return Settled((*state.by_id, wanted), left), None


async def test_settlements_of_one_id_are_carried_out_once(door: VoucherDoor) -> None:
    """16 ids by four clients each, of whom one names another line, which another id has, too.

    Break: answer whoever names a settled id, whatever its lines (`claim_settlement`).
    """
    await voucher_mode(door)
    voucher_id = await granted(door, "145.00")
    history: History[Bill] = History()
    bodies: dict[Bill, list[Any]] = {}

    async def one(client: str, bill: Bill) -> None:
        work = settle(door, bill.settlement_id, line(bill.line_id, "10.00"))
        answer = await history.ask(client, bill, work, refusal)
        if not answer.is_error:
            bodies.setdefault(bill, []).append(answer.json())

    asks: list[Callable[[], Awaitable[None]]] = []
    for client in range(CLIENTS):
        number, turn = client % 16, client // 16
        bill = Bill(f"s{number}", f"l{(number + (turn == 2)) % 16}")
        asks.append(partial(one, f"c{client}", bill))
    await together(asks)

    assert all(body == same[0] for same in bodies.values() for body in same)
    used = await outbox.bodies(door.database, "voucher.partner_voucher_used")
    order = [Bill(fact["settlement_id"], fact["line_id"]) for fact in used]
    order += sorted(set(bodies) - set(order), key=lambda bill: _first(history, bill).answered)
    effects = [_first(history, bill) for bill in order]
    refused = [call for call in history.calls if call.code is not None]
    names = [call.name for call in effects]
    checked = check_history(Settled(), [*effects, *refused], names, settled)
    assert checked.breaches == []
    paid = sum(Decimal(fact["amount"]) for fact in used)
    assert (await kept(door, voucher_id)).balance == checked.final.left == 145 - paid
    dues = sum(Decimal(same[0]["due"]) for same in bodies.values())
    assert dues + paid == 10 * len(bodies)
    assert {call.code for call in history.calls} == {None, CONFLICT}
    assert await door.is_balanced()


def _first(history: History[Bill], bill: Bill) -> Call[Bill]:
    """Between whose question and answer it was done: who asks again hears what was done."""
    same = [call for call in history.calls if call.request == bill and call.code is None]
    asked, answered = min(call.asked for call in same), min(call.answered for call in same)
    return replace(same[0], asked=asked, answered=answered)


# A campaign among payments


async def test_a_campaign_among_payments_takes_each_coupon_or_none_of_it(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """32 coupons, each wanted by two orders. Break: recall what an order holds."""
    await settle_in(door)
    quota = await door.grant("1000.00")
    ids = [await door.coupon(quota, "c1", 10) for _ in range(CLIENTS // 2)]
    campaign = await plan(door, quota_id=quota)
    histories: dict[str, History[About]] = {one: History() for one in ids}

    async def reserve(coupon_id: str, order: str) -> None:
        """And let go at once, every other time."""
        asked = histories[coupon_id].ask
        work = door.reserve(f"a-{order}", [coupon_id], "10.00", order)
        answer = await asked(order, About("reserve", order), work, told)
        if answer.status_code == 200 and order.endswith("0"):
            end = hear(door.database, failed(f"a-{order}", order))
            await asked(f"-{order}", About("release", order), end, lambda _: None)

    begun = time.perf_counter()
    asks: list[Callable[[], Awaitable[Any]]] = [
        partial(reserve, coupon_id, f"CS{n}0{turn}")
        for turn in range(2)
        for n, coupon_id in enumerate(ids)
    ]
    run = campaigns(door, clock).run
    assert (await begin(door, campaign)).status_code == 202
    await together([*asks[:16], run, *asks[16:]])
    await run()
    lines = {one["coupon_id"]: one for one in await lines_of(door, campaign)}
    ended = time.perf_counter()
    facts = await outbox.stated(door.database)
    names = {"voucher.reserved": "{}", "voucher.released": "-{}"}
    for coupon_id, history in histories.items():
        item = lines[coupon_id]
        calls = [*history.calls, Call("back", About("reclaim"), begun, ended, item["code"])]
        mine = [(kind, body) for kind, body in facts if body.get("coupon_id") == coupon_id]
        mine.sort(key=lambda fact: fact[1]["version"])
        order = [
            "back" if kind == "voucher.recalled" else names[kind].format(body["order_id"])
            for kind, body in mine
            if kind != "voucher.issued"
        ]
        checked = check_history(Held(), calls, order, coupon)
        assert checked.breaches == []
        row = await door.held(coupon_id)
        assert (row.status == 5, row.lock_order_id) == (
            checked.final.reclaimed, checked.final.order,
        )  # fmt: skip
    done = await shown(door, campaign)
    recalled = [one for one in lines.values() if one["code"] is None]
    assert {one["code"] for one in lines.values()} == {None, NOT_RECLAIMABLE}
    assert Decimal(done["recalled_amount"]) == 10 * len(recalled)
    assert await door.balances(quota) == [f"{1000 - 10 * (len(ids) - len(recalled))}.00"]
    assert await door.is_balanced()


def test_the_models_refuse_as_the_rules_say() -> None:
    """What the checks above rest on."""
    waiting = Cap(Decimal(18000), "a")
    assert cap(waiting, Step("submit", "b"))[1] == CONFLICT
    assert cap(waiting, Step("approve", "a"))[1] == OVER_CAP
    first = settled(Settled(), Bill("s1", "l1"))[0]
    assert settled(first, Bill("s1", "l1")) == (first, None)
    assert settled(first, Bill("s1", "l2"))[1] == settled(first, Bill("s2", "l1"))[1] == CONFLICT
