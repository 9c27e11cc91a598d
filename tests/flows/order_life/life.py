"""One life: a scene, deeds one after another, and after each one the model beside the services."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from httpx import Response
from hypothesis.stateful import RuleBasedStateMachine

from chassis.identity import Principal
from order.orders.models import Order
from tests.flows.order_life.invariants import (
    COMPLETED,
    PAYABLE,
    PROCESSING,
    breaches,
)
from tests.flows.order_life.model import (
    CANCELLED,
    CASH_COUPON,
    FLEXI_COUPON,
    HELD,
    PAID,
    PENDING,
    KnownCoupon,
    KnownOrder,
    Model,
    Payment,
    Purse,
)
from tests.flows.order_life.state import BALANCE, CREDIT, State, read_state
from tests.flows.order_life.world import VOUCHER, World

T = TypeVar("T")
BY_SYSTEM = 8  # source type
CONTRACT, ADJUSTMENT = 1, 609  # discount types that nobody chooses
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
STATUSES = {PENDING: {PAYABLE}, PAID: {PROCESSING, COMPLETED}, CANCELLED: {4}, HELD: {2}}
COUPONS = "/v2/promotions/benefits/partner-coupons"


class Life(RuleBasedStateMachine):
    """What every deed needs; the deeds themselves are the rules of whoever extends it."""

    world: ClassVar[World]
    runner: ClassVar[asyncio.Runner]
    steps: ClassVar[int] = 0
    lives: ClassVar[int] = 0
    seen: ClassVar[Counter[str]] = Counter()  # what came about in all lives, to know how deep

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.partners: list[Principal] = []
        self.customers: list[Principal] = []  # the last one is the master's member
        self.master: Principal
        self.quotas: dict[tuple[str, int], str] = {}
        self.requests: dict[str, str] = {}  # by order: the open request to the partner
        self.state: State

    def do(self, deed: Coroutine[Any, Any, T]) -> T:
        """Do it, then compare; hypothesis knows nothing of loops."""
        done = self.runner.run(self._step(deed))
        type(self).steps += 1
        return done

    async def _step(self, deed: Coroutine[Any, Any, T]) -> T:
        done = await deed
        await self.world.run_due()
        await self.look()
        return done

    async def begin(self, site: str, now: datetime) -> None:
        """Two partners, two customers, a master and its member; money, coupons, discounts."""
        type(self).lives += 1
        world = self.world
        await world.empty(site, now)
        self.partners = [await world.partner(name, "9000.00") for name in ("one", "two")]
        first = self.partners[0]
        funds = (("4000.00", "500.00"), ("300.00", "0"), ("900.00", "200.00"), ("0", "0"))
        made = [await world.customer(first, *each) for each in funds]
        self.master = made.pop(2)
        self.customers = made
        await world.make_member(self.master, made[-1])
        for partner in self.partners:
            for quota_type in (0, 1):
                self.quotas[partner.id, quota_type] = await world.quota(partner, quota_type)
        for who, (cash, credit) in zip((*made[:2], self.master, made[2]), funds, strict=True):
            self.model.purses[who.id] = Purse(Decimal(cash), Decimal(credit))
            self.model.partners[who.id] = first.id
        for partner in self.partners:
            self.model.purses[partner.id] = Purse(Decimal("9000.00"))
        for who, face, kind, days in (
            (made[0], "50.00", CASH_COUPON, 20), (made[0], "35.50", FLEXI_COUPON, 400),
            (self.master, "30.00", CASH_COUPON, 400),
        ):  # fmt: skip
            await self.issue(who, face, kind, timedelta(days=days))
        self.state = await read_state(world.system, world.now)

    async def issue(self, who: Principal, face: str, kind: int, lasts: timedelta) -> None:
        """A coupon of the holder's partner, for so long."""
        partner = next(one for one in self.partners if one.id == self.model.partners[who.id])
        ends = self.world.now.replace(microsecond=0) + lasts
        told = {
            "quota_id": self.quotas[partner.id, 0 if kind == CASH_COUPON else 1],
            "customer_ids": [who.id], "face_value": face,
            "expire_time": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }  # fmt: skip
        made = await self.world.done(VOUCHER, "POST", COUPONS, told, partner)
        assert made["coupon_infos"], made
        coupon_id = made["coupon_infos"][0]["coupon_id"]
        self.model.coupons[coupon_id] = KnownCoupon(
            coupon_id, who.id, partner.id, kind, Decimal(face), ends
        )

    def teardown(self) -> None:
        """Note what this life has come to."""
        if hasattr(self, "state"):
            self.seen.update(_deeds(self.state))

    async def look(self) -> None:
        """Read everything, have the model take in what the system did by itself, compare."""
        state = await read_state(self.world.system, self.world.now)
        self.model.reach(state.now)
        self._take_in(state)
        self.state = state
        found = [*breaches(state), *self._differences(state)]
        assert not found, "\n".join(found)

    def _take_in(self, state: State) -> None:
        paid_by_system = []
        for order in sorted(state.orders.values(), key=_place_of):
            known = self.model.orders.get(order.order_id)
            if known is None:
                known = self._meet(order, state)
            if known.status == PENDING and order.status in STATUSES[PAID]:
                paid_by_system.append((known, order))
            if known.status == PENDING and order.status == 4 and order.source_type == BY_SYSTEM:
                known.status = CANCELLED  # the money went elsewhere: it gives its own order up
            if known.status == HELD and order.status == COMPLETED:
                self._goes_back(known, state)
        alone = len(paid_by_system) == 1
        for known, order in paid_by_system:
            self._was_paid(known, order, state, alone=alone)

    def _meet(self, order: Order, state: State) -> KnownOrder:
        """A new order: what is given back goes to where it came from, or waits for an approval."""
        until = order.pay_until or NEVER
        known = KnownOrder(order.order_id, order.customer_id, until, pay_before=order.pay_before)
        self.model.orders[order.order_id] = known
        if not state.gives_back(order):
            return known
        if order.status in STATUSES[HELD]:
            known.status = HELD
        else:
            self._goes_back(known, state)
        return known

    def _goes_back(self, known: KnownOrder, state: State) -> None:
        known.status = PAID
        for one in state.refunds_of(known.order_id):
            payer = one.payer_id or one.customer_id
            self.model.give_back(payer, one.cash_amount, one.credit_amount)
            for use in one.coupons:
                self.model.restore(use["coupon_id"], Decimal(use["amount"]), state.now)

    def _was_paid(self, known: KnownOrder, order: Order, state: State, *, alone: bool) -> None:
        """By the system (H.4): with the best discount, the largest cash coupon, cash, credit."""
        payer = order.payer_id or order.customer_id
        attempt = state.paid_by(order.order_id)
        assert attempt is not None, f"{order.order_id} was paid by no attempt"
        uses = {use["coupon_id"]: Decimal(use["amount"]) for use in attempt.coupons}
        if order.discount_type != ADJUSTMENT:
            best = min((_price(order, one.lines) for one in self.choices(order, state)),
                       default=order.amount_after_discount)  # fmt: skip
            assert order.amount_after_discount <= best, f"{order.order_id}: {best} was offered"
        if alone:
            usable = [
                one for one in self.model.coupons.values()
                if one.owner == payer and one.kind == CASH_COUPON and one.usable(state.now)
                and one.partner == self.model.partners[payer]
            ]  # fmt: skip
            usable.sort(key=lambda one: (-one.balance, one.ends, one.coupon_id))
            must = self.model.split(payer, order.amount_after_discount, usable[:1], state.now)
            has = Payment(uses, order.cash_amount, order.credit_amount)
            assert must == has, f"{order.order_id} was paid by {has}, not {must}"
        self.model.pay(known, payer, Payment(uses, order.cash_amount, order.credit_amount))

    def choices(self, order: Order, state: State) -> Sequence[Any]:
        """The discounts that may be chosen for the order."""
        return [
            one for one in state.offers
            if one.order_id == order.order_id and one.discount_type not in (CONTRACT, ADJUSTMENT)
        ]  # fmt: skip

    def _differences(self, state: State) -> list[str]:
        """Between the model and what the services hold."""
        found = []
        for owner, purse in self.model.purses.items():
            has = [state.accounts[owner, kind].balance for kind in (BALANCE, CREDIT)]
            if has != [purse.cash, purse.credit]:
                found.append(f"{owner} has {has}, must have {purse}")
        for coupon_id, coupon in self.model.coupons.items():
            left = state.coupons[coupon_id].balance
            if left != coupon.balance:
                found.append(f"coupon {coupon_id} has {left}, must have {coupon}")
        for order_id, known in self.model.orders.items():
            status = state.orders[order_id].status
            if status not in STATUSES[known.status]:
                found.append(f"{order_id} is in {status}, must be {known}")
        return found


def _deeds(state: State) -> Iterator[str]:
    for order in state.orders.values():
        by = " by the system" if order.source_type == BY_SYSTEM else ""
        back = " back" if state.gives_back(order) else ""
        yield f"type {order.order_type}{back} in {order.status}{by}"
    yield from (f"refund by {one.rule}" for one in state.refunds)
    yield from (f"resource in {one.charging_mode}/{one.status}" for one in state.resources.values())
    yield from (f"package in {one.status}" for one in state.packages.values())
    yield from ("cycle of a package used" for _ in state.cycles)


def _place_of(order: Order) -> tuple[Any, ...]:
    """The same when the life is repeated, though ids are drawn by lot."""
    first = order.lines[0]
    return order.created_at, first.product_id, order.official_amount, order.order_id


def _price(order: Order, off: Sequence[dict[str, str]]) -> Decimal:
    """What the order costs with a discount in place of the one that it carries."""
    base = sum(
        (x.amount_after_discount + x.granted_discount_amount for x in order.lines), Decimal()
    )
    return base - sum((Decimal(one["discount_amount"]) for one in off), Decimal())


def code_of(answer: Response) -> str:
    """The code of a refusal; "" for what was done."""
    if answer.is_success:
        return ""
    told = answer.json()
    return str(told.get("error_code") or told.get("code"))
