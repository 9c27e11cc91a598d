"""64 clients at once: no double spend, no lost cent, and each refusal right at some instant.

The ledger's numbers and the versions of coupons say in which order things happened; a plain model
says what is refused when (`testkit.histories`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text

from testkit import outbox
from testkit.door import code_of
from testkit.histories import Call, History, check_history
from tests.voucher.builders import (
    DISTRIBUTOR,
    NOW,
    RESERVE,
    VoucherDoor,
    associated,
    customer,
    failed,
    hear,
    paid,
    reservation,
    settle_in,
    settle_in_below,
    wire,
)
from voucher.coupons.expire_coupons import expire_coupons

pytestmark = pytest.mark.postgres

CLIENTS = 64
BELOW: dict[str, Any] = {"partner_id": "r1", "distributor_id": "dist"}
TOO_LITTLE, BUSY, WRONG_STATUS = "CBC.99000013", "CBC.50000045", "CBC.99000012"
NOT_USABLE, NOT_RECLAIMABLE = "CBC.99003112", "CBC.0155"


async def numbers(door: VoucherDoor, account_id: str) -> list[Any]:
    """The movements of an account in the order of its postings: kind, coupon, quota."""
    async with door.database.transaction() as session:
        rows = await session.execute(
            text("""
                SELECT m.kind, m.coupon_id, m.quota_id FROM postings p
                JOIN movements m ON m.id = p.movement_id
                WHERE p.account_id = :account ORDER BY p.id
            """),
            {"account": account_id},
        )
        return list(rows)


def told(answer: Response) -> str | None:
    """The code of the whole request, or of its only customer."""
    if answer.is_error:
        return code_of(answer)[1]
    errors = answer.json().get("error_details") if answer.content else None
    return errors[0]["error_code"] if errors else None


async def together(asks: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """All at once."""
    return await asyncio.gather(*(ask() for ask in asks))


# Issues and hand-outs of one quota


@dataclass(frozen=True)
class Part:
    """Something that leaves a quota, as one piece."""

    kind: str
    amount: Decimal


def quota(balance: Decimal, wanted: Part) -> tuple[Decimal, str | None]:
    if wanted.amount > balance:
        return balance, TOO_LITTLE
    return balance - wanted.amount, None


async def test_issues_and_hand_outs_of_an_almost_empty_quota(door: VoucherDoor) -> None:
    """Break: take the balance from a row that is not locked, in the issue or in the hand-out."""
    await settle_in_below(door)
    names = [f"d{number}" for number in range(CLIENTS)]
    await hear(door.database, *(associated(name, partner_id="dist") for name in names))
    parent = await door.grant("100.00", partner_id="dist")
    history: History[Part] = History()
    effects: dict[str, str] = {}  # what a call made → its name

    async def issue(name: str, amount: str) -> None:
        work = door.issue(parent, [name], amount, by=DISTRIBUTOR)
        answer = await history.ask(name, Part("issue", Decimal(amount)), work, told)
        effects.update({one["coupon_id"]: name for one in answer.json().get("coupon_infos", [])})

    async def hand_out(name: str, amount: str) -> None:
        work = door.hand_out(parent, ["r1", "r2"], amount)
        answer = await history.ask(name, Part("hand", 2 * Decimal(amount)), work, told)
        infos = answer.json().get("simple_quota_infos", [])
        effects.update({one["quota_id"]: name for one in infos})

    await together(
        [
            partial(issue, name, "2.50") if place % 4 else partial(hand_out, name, "3.00")
            for place, name in enumerate(names)
        ]
    )
    moved = await numbers(door, parent)
    order = [effects[row.coupon_id or row.quota_id] for row in moved if row.kind != "granted"]
    excuses = {BUSY: lambda _, other: other.request.kind == "hand"}
    checked = check_history(Decimal(100), history.calls, list(dict.fromkeys(order)), quota, excuses)
    assert checked.breaches == []
    assert (await door.quota(parent)).balance == checked.final
    assert {call.code for call in history.calls} >= {None, TOO_LITTLE}
    proof = await door.proof()
    assert proof["balanced"], proof["differences"]


# A child that its distributor takes back while it is issued from


@dataclass(frozen=True)
class Child:
    """A child quota of the model."""

    balance: Decimal
    reclaimed: bool = False


def child_quota(state: Child, wanted: Part) -> tuple[Child, str | None]:
    if state.reclaimed:
        return state, WRONG_STATUS
    if wanted.kind == "reclaim":
        return Child(Decimal(0), reclaimed=True), None
    if wanted.amount > state.balance:
        return state, TOO_LITTLE
    return replace(state, balance=state.balance - wanted.amount), None


async def test_a_child_is_taken_back_while_its_reseller_issues_and_customers_pay(
    door: VoucherDoor,
) -> None:
    """Break: reclaim the child without its lock."""
    await settle_in_below(door)
    names = [f"k{number}" for number in range(CLIENTS)]
    await hear(door.database, *(associated(name, **BELOW) for name in names))
    parent = await door.grant("1000.00", partner_id="dist")
    child = await door.child(parent, amount=200)
    history: History[Part] = History()
    effects: dict[str, str] = {}
    spent: list[Decimal] = []

    async def issue_and_pay(name: str) -> None:
        work = door.issue(child, [name], "5.00", by=DISTRIBUTOR, indirect_partner_id="r1")
        answer = await history.ask(name, Part("issue", Decimal(5)), work, told)
        for info in answer.json().get("coupon_infos", []):
            effects[info["coupon_id"]] = name
            body = reservation(f"a-{name}", [info["coupon_id"]], "2.00", f"CS-{name}")
            body["customer_id"] = name
            reserved = await door.post(RESERVE, body, customer(name, "r1"))
            assert reserved.status_code == 200, reserved.text
            event = paid(f"a-{name}", {info["coupon_id"]: "2.00"}, f"CS-{name}")
            await hear(door.database, event.model_copy(update={"customer_id": name}))
            spent.append(Decimal(2))

    async def take_back() -> None:
        answer = await history.ask(
            "back", Part("reclaim", Decimal(0)), door.take_back([child]), told
        )
        assert answer.status_code == 200

    asks: list[Callable[[], Awaitable[Any]]] = [partial(issue_and_pay, name) for name in names]
    asks.insert(CLIENTS // 4, take_back)  # clients get connections in their order
    await together(asks)
    order = [
        effects[row.coupon_id] if row.kind == "issued" else "back"
        for row in await numbers(door, child)
        if row.kind in ("issued", "reclaimed")
    ]
    if "back" not in order:  # nothing was left to move
        order.append("back")
    checked = check_history(Child(Decimal(200)), history.calls, order, child_quota)
    assert checked.breaches == []
    rows = [await door.quota(one) for one in (parent, child)]
    issued = sum(1 for call in history.calls if call.code is None) - 1
    assert (rows[1].quota_status, str(rows[1].balance)) == (6, "0.00")
    assert rows[0].balance == Decimal(1000) - 5 * issued
    assert len(spent) == issued
    proof = await door.proof()
    assert proof["balanced"], proof["differences"]


# Orders and their issuer after the same coupons


@dataclass(frozen=True)
class Held:
    """A coupon of the model: which order holds it, and whether it is taken back."""

    order: str | None = None
    reclaimed: bool = False


@dataclass(frozen=True)
class About:
    """What is asked of a coupon: "reserve" by an order, "release" of it, or "reclaim"."""

    kind: str
    order: str = ""


def coupon(state: Held, wanted: About) -> tuple[Held, str | None]:
    if wanted.kind == "release":
        return replace(state, order=None), None
    if state.reclaimed or state.order is not None:
        return state, NOT_USABLE if wanted.kind == "reserve" else NOT_RECLAIMABLE
    if wanted.kind == "reserve":
        return replace(state, order=wanted.order), None
    return replace(state, reclaimed=True), None


async def test_orders_and_their_issuer_after_the_same_coupons(door: VoucherDoor) -> None:
    """Eight coupons, each wanted by six orders and taken back by two. Break: lock no coupon."""
    await settle_in(door)
    grant = await door.grant("1000.00")
    coupons = [await door.coupon(grant) for _ in range(CLIENTS // 8)]
    histories: dict[str, History[About]] = {one: History() for one in coupons}

    async def reserve(coupon_id: str, order: str) -> None:
        """And let go at once: the next one may have it."""
        asked = histories[coupon_id].ask
        work = door.reserve(f"a-{order}", [coupon_id], "10.00", order)
        answer = await asked(order, About("reserve", order), work, told)
        if answer.status_code == 200:
            end = hear(door.database, failed(f"a-{order}", order))
            await asked(f"-{order}", About("release", order), end, lambda _: None)

    async def reclaim(coupon_id: str, name: str) -> None:
        work = door.reclaim(coupon_id)
        await histories[coupon_id].ask(name, About("reclaim"), work, told)

    asks: list[Callable[[], Awaitable[Any]]] = []
    for number, coupon_id in enumerate(coupons):
        orders = [f"CS{number}{place}" for place in range(6)]
        asks += [partial(reserve, coupon_id, order) for order in orders]
        asks += [partial(reclaim, coupon_id, f"back{n}") for n in range(2)]
    await together(asks[::2] + asks[1::2])

    facts = await outbox.stated(door.database)
    for coupon_id, history in histories.items():
        mine = [(kind, body) for kind, body in facts if body.get("coupon_id") == coupon_id]
        mine.sort(key=lambda fact: fact[1]["version"])
        backs = [call.name for call in history.calls if call.name[0] == "b" and call.code is None]
        names = {"voucher.reserved": "{}", "voucher.released": "-{}"}
        order = [
            backs[0] if kind == "voucher.recalled" else names[kind].format(body["order_id"])
            for kind, body in mine
            if kind != "voucher.issued"
        ]
        checked = check_history(Held(), history.calls, order, coupon)
        assert checked.breaches == []
        row = await door.held(coupon_id)
        assert (row.status == 5, row.lock_order_id) == (checked.final.reclaimed, None)
    proof = await door.proof()
    assert proof["balanced"], proof["differences"]


async def test_coupons_end_while_orders_that_hold_them_are_paid_or_fail(door: VoucherDoor) -> None:
    """What is held outlives its end. Break: expire coupons that an order holds."""
    await settle_in(door)
    grant = await door.grant("10000.00")
    end = NOW + timedelta(hours=1)
    coupons = [
        await door.coupon(grant, face=10 + n, expire_time=wire(end)) for n in range(CLIENTS // 2)
    ]
    held = coupons[::2]
    for coupon_id in held:
        answer = await door.reserve(f"a-{coupon_id}", [coupon_id], "4.00", f"CS{coupon_id}")
        assert answer.status_code == 200
    outcomes: dict[str, bool] = {one: place % 2 == 0 for place, one in enumerate(held)}

    async def outcome(coupon_id: str) -> None:
        order = f"CS{coupon_id}"
        event: Any = failed(f"a-{coupon_id}", order)
        if outcomes[coupon_id]:
            event = paid(f"a-{coupon_id}", {coupon_id: "4.00"}, order)
        await hear(door.database, event)

    async def expire() -> None:
        await expire_coupons(door.database, end)

    await together([*(partial(outcome, one) for one in held), *[expire] * 16])
    await expire()
    back = Decimal(0)
    for coupon_id in coupons:
        row = await door.held(coupon_id)
        left = row.face_value - (4 if outcomes.get(coupon_id) else 0)
        assert (row.status, row.returned_amount) == (4, left)
        back += left
    assert (await door.quota(grant)).balance == 10000 - sum(range(10, 42)) + back
    expired = await outbox.bodies(door.database, "voucher.expired")
    assert len(expired) == len(coupons)
    proof = await door.proof()
    assert proof["balanced"], proof["differences"]


def test_the_models_refuse_as_the_rules_say() -> None:
    """What the checks above rest on."""
    assert quota(Decimal(5), Part("issue", Decimal(6)))[1] == TOO_LITTLE
    assert child_quota(Child(Decimal(5), True), Part("issue", Decimal(1)))[1] == WRONG_STATUS
    assert coupon(Held("CS1"), About("reserve", "CS2"))[1] == NOT_USABLE
    calls = [
        Call("a", About("reserve", "CS1"), 0, 1), Call("b", About("reserve", "CS2"), 2, 3),
    ]  # fmt: skip
    assert check_history(Held(), calls, ["a", "b"], coupon).breaches != []
