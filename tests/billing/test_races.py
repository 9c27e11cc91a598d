"""64 clients on one partner's account: no cent lost, and each refusal right at some instant.

The order in which facts were stated says in which order things happened; a plain model says what
is refused when (`testkit.histories`).
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from httpx import Response

from billing.accounts.models import ARREARS
from chassis.database import Database
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from testkit.histories import History, check_history
from tests.billing.builders import (
    DISTRIBUTOR,
    RESELLER,
    BillingDoor,
    as_partner,
    balance_of,
    customer,
    hear,
    payment_failed,
    prove,
)
from tests.billing.test_record_usage import vm
from tests.billing.test_tier_transfers import GIVE, TAKE

pytestmark = pytest.mark.postgres

CLIENTS = 64
TOO_LITTLE = "CBC.99005003"
BELOW: dict[str, Any] = {"partner_id": RESELLER, "distributor_id": DISTRIBUTOR}
CUSTOMERS = [f"c{number}" for number in range(4)]
ABOVE = as_partner(DISTRIBUTOR, "distributor")
START = Decimal("60.00")


@dataclass(frozen=True)
class Wanted:
    """Something that moves money; "down" and "up" between the tiers, "use" is never refused."""

    kind: str
    amount: Decimal
    place: int = 0  # of the customer


@dataclass(frozen=True)
class State:
    """What may be spent: the distributor's, its reseller's, each customer's; and debts."""

    above: Decimal
    partner: Decimal
    cash: tuple[Decimal, ...]
    debt: tuple[Decimal, ...]

    def of(self, place: int, cash: Decimal, debt: Decimal) -> "State":
        """With that customer's money; it pays what is owed first."""
        paid = min(cash, debt)
        return replace(
            self,
            cash=(*self.cash[:place], cash - paid, *self.cash[place + 1 :]),
            debt=(*self.debt[:place], debt - paid, *self.debt[place + 1 :]),
        )


def model(state: State, wanted: Wanted) -> tuple[State, str | None]:
    amount, place = wanted.amount, wanted.place
    cash, debt = state.cash[place], state.debt[place]
    giver = {"give": state.partner, "hold": state.partner, "up": state.partner,
             "down": state.above, "take": cash}.get(wanted.kind, amount)  # fmt: skip
    if amount > giver:
        return state, TOO_LITTLE
    if wanted.kind in ("give", "take"):
        signed = amount if wanted.kind == "give" else -amount
        left = replace(state, partner=state.partner - signed)
        return left.of(place, cash + signed, debt), None
    if wanted.kind in ("down", "up"):
        signed = amount if wanted.kind == "down" else -amount
        return replace(state, above=state.above - signed, partner=state.partner + signed), None
    if wanted.kind == "use":
        paid = min(amount, cash)
        return state.of(place, cash - paid, debt + amount - paid), None
    signed = amount if wanted.kind == "release" else -amount
    return replace(state, partner=state.partner + signed), None


def told(answer: Response) -> str | None:
    """The code of a refusal; every other answer is an error of the test's."""
    assert answer.status_code in (200, 201, 400), answer.text
    return code_of(answer)[1] if answer.is_error else None


async def test_transfers_reclaims_payments_and_usage_at_once(
    door: BillingDoor, database: Database
) -> None:
    """Break: lock no account, or let a hold see the balance before its lock."""
    await hear(database, *(customer(customer_id=one, **BELOW) for one in CUSTOMERS))
    await door.top_up(DISTRIBUTOR, "20.00")
    await door.top_up(RESELLER, str(START))
    before = len(await outbox.stated(database))
    history: History[Wanted] = History()
    effects: dict[str, str] = {}  # the movement, attempt or line of a call → its name
    nothing = Decimal("0.00")

    async def ask(name: str, wanted: Wanted, work: Awaitable[Response], key: str) -> Response:
        answer = await history.ask(name, wanted, work, told)
        if not answer.is_error:
            effects[str(answer.json()[key])] = name
        return answer

    async def one_client(number: int) -> None:
        kind = ("give", "take", "give", "use", "hold", "give", "down", "up")[number % 8]
        place, name = number // 8 % len(CUSTOMERS), f"{kind}-{number}"
        amount = Decimal(number % 5 + 3)
        wanted, whose = Wanted(kind, amount, place), CUSTOMERS[place]
        tier = {"indirect_partner_id": RESELLER, "amount": str(amount)}
        if kind == "give":
            work = door.transfer(str(amount), whose, ABOVE, indirect_partner_id=RESELLER)
            await ask(name, wanted, work, "transfer_id")
        elif kind == "take":
            path = "/v2/accounts/partner-accounts/reclaim"
            work = door.post(path, {"customer_id": whose, **tier}, ABOVE)
            await ask(name, wanted, work, "trans_id")
        elif kind in ("down", "up"):
            path, key = (GIVE, "transfer_id") if kind == "down" else (TAKE, "trans_id")
            await ask(name, wanted, door.post(path, tier, ABOVE), key)
        elif kind == "use":
            used = vm(name, "100", customer_id=whose)  # 7.00
            work = door.post("/api/usage-records", {"records": [used]}, ADMINISTRATOR)
            wanted = replace(wanted, amount=Decimal("7.00"))
            answer = await history.ask(name, wanted, work, told)
            effects[answer.json()["lines"][0]["line_id"]] = name
        else:
            await hold_and_release(name, wanted, whose)

    async def hold_and_release(name: str, wanted: Wanted, whose: str) -> None:
        """The partner would pay its customer's order, which then fails."""
        told_so = {"attempt_id": name, "order_id": f"order-of-{name}", "customer_id": whose,
                   "payer_partner_id": RESELLER, "amount": str(wanted.amount)}  # fmt: skip
        work = door.post("/internal/holds", told_so, as_partner(RESELLER, "reseller"))
        answer = await history.ask(name, wanted, work, told)
        if not answer.is_error:
            failed = payment_failed(name, customer_id=whose, paying_partner_id=RESELLER, **BELOW)
            back = replace(wanted, kind="release")
            await history.ask(f"-{name}", back, hear(database, failed), lambda _: None)

    await asyncio.gather(*(one_client(number) for number in range(CLIENTS)))
    facts = (await outbox.stated(database))[before:]
    order = [name for kind, body in facts if (name := _effect(kind, body, effects))]
    zeros = (nothing,) * len(CUSTOMERS)
    start = State(Decimal("20.00"), START, zeros, zeros)
    checked = check_history(start, history.calls, list(dict.fromkeys(order)), model)
    assert checked.breaches == []
    assert {call.code for call in history.calls} == {None, TOO_LITTLE}
    final = checked.final
    assert (await balance_of(database, RESELLER)).available == final.partner
    assert (await balance_of(database, DISTRIBUTOR)).available == final.above
    for place, whose in enumerate(CUSTOMERS):
        assert (await balance_of(database, whose)).balance == final.cash[place]
        assert -(await balance_of(database, whose, ARREARS)).balance == final.debt[place]
    assert (await prove(door))["balanced"]


def _effect(kind: str, body: dict[str, Any], effects: dict[str, str]) -> str | None:
    """Which call stated it."""
    if kind == "billing.line_recorded":
        return effects[body["line_id"]]
    if kind != "billing.funds_moved":
        return None
    if body["reason"] in ("HOLD", "RELEASE"):
        return str(body["movement_id"]) if body["reason"] == "HOLD" else f"-{body['movement_id']}"
    return effects.get(body["movement_id"])


def test_the_model_refuses_as_the_rules_say() -> None:
    """What the check above rests on."""
    state = State(Decimal(1), Decimal(5), (Decimal(2),), (Decimal(0),))
    for kind, most in (("give", 5), ("up", 5), ("hold", 5), ("down", 1), ("take", 2)):
        assert model(state, Wanted(kind, Decimal(most)))[1] is None, kind
        assert model(state, Wanted(kind, Decimal(most + 1)))[1] == TOO_LITTLE, kind
    owing = model(state, Wanted("use", Decimal(3)))[0]
    assert (owing.cash, owing.debt) == ((Decimal(0),), (Decimal(1),))
    assert model(owing, Wanted("give", Decimal(3)))[0].cash == (Decimal(2),)
