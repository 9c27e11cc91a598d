"""Packages, and what is used on demand: taken from packages first, and charged behind them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from chassis.identity import Principal
from order.packages.models import Package
from tests.flows.order_life.life import code_of
from tests.flows.order_life.machine import PICK
from tests.flows.order_life.model import SECOND, Back
from tests.flows.order_life.state import State
from tests.flows.order_life.uses import BEIJING, FIVE_DAYS, FIVE_DAYS_MAX, Uses
from tests.flows.order_life.world import BILLING, ORDER, RESOURCES

SMALL, LARGE, OTHER = "s6.small.1.linux", "s6.large.2.linux", "c7.large.2.linux"
DEAREST = Decimal("1.00")  # an hour of any of them costs less
USED = {"CBC.99003647", "CBC.30000067"}  # something is taken of it; it is over
NONE = Decimal(0)
# By specification: what of how much, and whether each 1st in Beijing makes it full again.
HELD: dict[str, tuple[list[tuple[set[str], Decimal]], bool]] = {
    "pkg.ecs.s6.750h": ([({SMALL}, Decimal(750))], True),
    "pkg.ecs.mix.1000h": ([({SMALL}, Decimal(1000)), ({OTHER}, Decimal(200))], False),
    "pkg.ecs.s6.100h.next": ([({SMALL, LARGE}, Decimal(100))], True),
}


@dataclass
class KnownPackage:
    """A package, and what was used of each item in each of its cycles."""

    package_id: str
    owner: str
    begins: datetime
    ends: datetime  # its last second
    items: list[tuple[set[str], Decimal]]
    is_full_again: bool
    used: dict[tuple[int, str], Decimal] = field(default_factory=dict)

    def cycle(self, at: datetime) -> str:
        """The name of the cycle of an instant."""
        return f"{at.astimezone(BEIJING):%Y-%m}" if self.is_full_again else ""

    def left(self, number: int, at: datetime) -> Decimal:
        """Of an item in the cycle of an instant."""
        return self.items[number][1] - self.used.get((number, self.cycle(at)), NONE)

    def holds(self, now: datetime) -> bool:
        """From its begin to its last second."""
        return self.begins <= now < self.ends + SECOND

    def status(self, now: datetime) -> int:
        """What time and use have made of it, unless it was given back."""
        if now < self.begins or not self.holds(now):
            return 0 if now < self.begins else 3
        rest = any(self.left(number, now) for number in range(len(self.items)))
        is_last = self.cycle(now) == self.cycle(self.ends)
        return 1 if rest or not is_last else 2


class PackageUses(Uses):
    """What is used of them, and how they are given back."""

    def __init__(self) -> None:
        super().__init__()
        self.packages: dict[str, KnownPackage] = {}
        self.records = count(1)

    def _take_in(self, state: State) -> None:
        super()._take_in(state)
        for one in sorted(state.packages.values(), key=lambda x: (x.effective_at, x.package_id)):
            if one.package_id not in self.packages:
                items, is_full_again = HELD[one.resource_spec_code]
                self.packages[one.package_id] = KnownPackage(
                    one.package_id, one.customer_id, one.effective_at, one.expire_at, items,
                    is_full_again,
                )  # fmt: skip

    def _differences(self, state: State) -> list[str]:
        return [*super()._differences(state), *self._of_packages(state)]

    def _of_packages(self, state: State) -> Iterator[str]:
        """By order and by billing: what is left of each cycle that something was taken from."""
        for known in self.packages.values():
            one = state.packages[known.package_id]
            must = known.status(state.now) if one.refund_order_id is None else 4
            if one.status != must:
                yield f"{one.package_id} is {one.status} at {state.now}, not {must}: {known}"
            for number, item in enumerate(one.items):
                left = known.left(number, one.cycle_begin_at)
                if item.amount != left:
                    yield f"{one.package_id} has {item.amount}, must have {left}: {known}"
                told = {
                    known.cycle(begin): amount
                    for (item_id, begin), amount in state.cycles.items()
                    if item_id == item.item_id
                }
                used = {cycle for place, cycle in known.used if place == number}
                for cycle in used | told.keys():
                    rest = item.original_amount - known.used.get((number, cycle), NONE)
                    if told.get(cycle) != rest:
                        yield f"billing leaves {told.get(cycle)} in {cycle} of {known}"

    @rule(which=PICK, spec=st.sampled_from([SMALL, SMALL, LARGE, OTHER]),
          hours=st.sampled_from([1, 90, 400, 800]))  # fmt: skip
    def use(self, which: int, spec: str, hours: int) -> None:
        """So many hours until now; what would not be paid for is not used."""
        customer = self.someone(which)
        payer = self.master if customer is self.customers[-1] else customer
        purse = self.model.purses[payer.id]
        held = sum((left for _, _, left in self._holding(customer, spec)), NONE)
        charged = max(Decimal(hours) - held, NONE)
        if charged * DEAREST <= purse.cash + purse.credit:
            self.do(self._use(customer, payer, spec, Decimal(hours)))

    def _holding(
        self, customer: Principal, spec: str
    ) -> Iterable[tuple[KnownPackage, int, Decimal]]:
        """Items that hold such use, in the order in which they give: the first to end first."""
        now = self.world.now
        mine = [x for x in self.packages.values() if x.owner == customer.id and x.holds(now)]
        gone = {x.package_id for x in self.state.packages.values() if x.refund_order_id}
        for one in sorted(mine, key=lambda x: (x.ends, x.begins, x.package_id)):
            for number, (specs, _) in enumerate(one.items):
                if spec in specs and one.package_id not in gone:
                    yield one, number, one.left(number, now)

    async def _use(self, customer: Principal, payer: Principal, spec: str, hours: Decimal) -> None:
        now, rest = self.world.now, hours
        for one, number, left in self._holding(customer, spec):
            part = min(left, rest)
            if part:
                key = number, one.cycle(now)
                one.used[key] = one.used.get(key, NONE) + part
            rest -= part
        told = {
            "record_id": f"use {next(self.records)}", "customer_id": customer.id,
            "service_type_code": "hws.service.type.ec2",
            "resource_type_code": "hws.resource.type.vm", "resource_spec_code": spec,
            "region_code": "cn-north-4", "resource_id": "metered", "usage_value": str(hours),
            "used_until": now.isoformat(),
        }  # fmt: skip
        answer = await self.world.done(BILLING, "POST", "/api/usage-records", {"records": [told]})
        [line] = answer["lines"]
        assert Decimal(line["free_resource_usage"] or 0) == hours - rest, line
        paid = [Decimal(line[name]) for name in ("cash_amount", "credit_amount", "debt_amount")]
        purse = self.model.purses[payer.id]
        assert (sum(paid) > 0) == (rest > 0), line
        assert paid[0] == min(purse.cash, Decimal(line["payment_amount"])), line
        assert paid[2] == 0, line
        purse.cash -= paid[0]
        purse.credit -= paid[1]

    @rule(which=PICK, pick=PICK)
    def unsubscribe_package(self, which: int, pick: int) -> None:
        customer = self.someone(which)
        mine = [x for x in self.state.packages.values() if x.customer_id == customer.id]
        mine.sort(key=self._place_of_package)
        if mine:
            self.do(self._unsubscribe_package(customer, mine[pick % len(mine)]))

    def _place_of_package(self, one: Package) -> tuple[Any, ...]:
        order = list(self.model.orders).index(one.order_id)
        return order, one.line_id[-6:], -one.cash_amount, one.package_id

    async def _unsubscribe_package(self, customer: Principal, one: Package) -> None:
        must = self._of_package(customer, one)
        told = {"resource_ids": [one.package_id], "unsubscribe_type": 1}
        answer = await self.world.ask(ORDER, "POST", f"{RESOURCES}/unsubscribe", told, customer)
        assert answer.is_success == (must is not None), (answer.text, must)
        if must is not None:
            await self._check_refund(answer.json()["order_ids"][0], {one.package_id: must})
        elif (
            self.packages[one.package_id].used
            and not self.model.frozen.get(customer.id)
            and one.partner_id == self.model.partners[customer.id]
        ):
            assert code_of(answer) in USED, answer.text

    def _of_package(self, customer: Principal, one: Package) -> Back | None:
        """What goes back of it; None: it is refused."""
        now, known = self.world.now, self.packages[one.package_id]
        is_over = one.refund_order_id is not None or now >= known.ends + SECOND
        is_formers = one.partner_id != self.model.partners[customer.id]  # decision 0104
        if self.model.frozen.get(customer.id) or known.used or is_over or is_formers:
            return None
        left = FIVE_DAYS_MAX - self._counted(customer, now)
        new = left > 0 and now < known.begins + FIVE_DAYS
        package: Any = one  # it is its own period
        return self._given(package, package, now, new=new)
