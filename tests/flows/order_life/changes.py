"""Resources become another product or are paid by the period, and large refunds are approved."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from chassis.identity import Principal
from order.orders.models import Order, OrderLine
from order.resources.models import Resource, ResourcePeriod
from testkit.door import ADMINISTRATOR
from tests.flows.order_life.invariants import IN_USE, ON_DEMAND
from tests.flows.order_life.life import code_of
from tests.flows.order_life.machine import FEW, PICK
from tests.flows.order_life.model import SECOND, whole_cents, worth
from tests.flows.order_life.packages import PackageUses
from tests.flows.order_life.state import HELD
from tests.flows.order_life.uses import MANY
from tests.flows.order_life.world import ORDER

SPECS = st.sampled_from(["s6.small.1.linux", "s6.large.2.linux", "c7.large.2.linux"])
SIZES = st.sampled_from([10, 40, 70])
UNUSABLE = (3, 5, 6)  # statuses of on-demand resources: frozen, being closed, closed
DISCOUNTS = st.sampled_from([0, 2, 3])
ZERO = Decimal("0.00")


class OrderLife(PackageUses):
    """The whole machine."""

    @rule(which=PICK, picks=MANY, spec=SPECS, size=SIZES, coupons=FEW, discount=DISCOUNTS)
    def change(
        self, which: int, picks: list[int], spec: str, size: int, coupons: list[int], discount: int
    ) -> None:
        """Servers by their specification, disks by their size; paid at once if it costs more."""
        customer = self.someone(which)
        found = self.used_by(customer, picks)
        found = [
            x for x in found
            if x.resource_type_code == found[0].resource_type_code
            and not any(self._line_of(period).extra_days for period in self._in_effect(x))
        ]  # fmt: skip
        if found:
            sized = found[0].measure_size is not None
            wanted = {"measure_size": size} if sized else {"resource_spec_code": spec}
            self.do_and_pay(self._change(customer, found, wanted), coupons, discount)

    def do_and_pay(self, deed: Any, coupons: list[int], discount: int) -> None:
        """The order that comes of it, if it is to be paid and is not paid yet."""
        before = set(self.model.orders)
        self.do(deed)
        for order_id in set(self.model.orders) - before:
            known, order = self.model.orders[order_id], self.state.orders[order_id]
            if not self.state.gives_back(order):
                self.do(self._pay(known, order, coupons, discount, fails=False))

    async def _change(
        self, customer: Principal, found: list[Resource], wanted: dict[str, Any]
    ) -> None:
        must = await self._must_cost(customer, found, wanted)
        told = {"order_type": 3, "resource_ids": [one.resource_id for one in found], **wanted}
        answer = await self._order(customer, told)
        assert answer.is_success == (must is not None), (answer.text, must)
        if must is not None:
            order, amount = answer.json(), sum((most for _, most in must), ZERO)
            assert Decimal(order["amount_after_discount"]) == abs(amount), (order, must)
            assert (order["status"] == 6) == (min(must)[0] >= 0), (order, must)

    async def _must_cost(
        self, customer: Principal, found: list[Resource], wanted: dict[str, Any]
    ) -> list[tuple[Decimal, Decimal]] | None:
        """How much more each costs, or less, and what of that is possible; none: it is refused."""
        now = self.world.now
        if self.model.frozen.get(customer.id):
            return None
        if self.under_way({one.resource_id for one in found}):
            return None
        costs = []
        for one in found:
            over = one.expire_at is None or one.expire_at + SECOND <= now
            if one.charging_mode == ON_DEMAND or one.status != IN_USE or over:
                return None
            if not self._in_effect(one):
                return None
            if all(getattr(one, name) == value for name, value in wanted.items()):
                return None
            costs.append(await self._cost(customer, one, wanted))
        if any(one > 0 for one, _ in costs) and any(one < 0 for one, _ in costs):
            return None
        return costs

    async def _cost(
        self, customer: Principal, one: Resource, wanted: dict[str, Any]
    ) -> tuple[Decimal, Decimal]:
        """Of the hours left: the price by the ratio that was paid, less what it is worth now."""
        now = self.world.now
        paid = self._in_effect(one)
        base = next(x for x in paid if x.base_period_id is None)
        assert base.end_at is not None
        line = self._line_of(base)
        whole = line.amount_after_discount + line.granted_discount_amount
        ratio = Fraction(line.amount_after_discount) / Fraction(whole) if whole else Fraction(1)
        price = Fraction(await self._price_of(customer, one, line, wanted)) * ratio
        needed = worth(Decimal(1), base.begin_at, base.end_at, now, []) * price
        values = [
            worth(x.amount_after_discount, x.begin_at, base.end_at, now, self.gone_of(x))
            for x in paid
        ]
        more = whole_cents(needed - sum(values, Fraction(0)))
        least = [
            whole_cents(
                worth(x.amount_after_discount - x.coupon_amount, x.begin_at, base.end_at, now,
                      self.gone_of(x))
            )
            for x in paid
        ]  # fmt: skip
        return more, max(more, -sum(least, ZERO))

    def _in_effect(self, one: Resource) -> list[ResourcePeriod]:
        now = self.world.now
        return [
            x for x in one.paid_periods
            if x.begin_at <= now and x.end_at is not None and now < x.end_at + SECOND
        ]  # fmt: skip

    def _line_of(self, period: ResourcePeriod) -> OrderLine:
        lines = self.state.orders[period.order_id].lines
        return next(x for x in lines if x.line_id == period.line_id)

    async def _price_of(
        self, customer: Principal, one: Resource, line: OrderLine, wanted: dict[str, Any]
    ) -> Decimal:
        """What the new product costs for as long, as the catalogue says to whoever buys it."""
        product = {
            "service_type_code": one.service_type_code,
            "resource_type_code": one.resource_type_code,
            "resource_spec_code": one.resource_spec_code, "region_code": one.region_code,
            "charging_mode": 1, "period_type": line.period_type, "period_num": line.period_num,
        }  # fmt: skip
        told = {"customer_id": customer.id, "lines": [product | wanted]}
        partner = self.partner_of(customer.id)
        quoted = await self.world.done(ORDER, "POST", "/api/orders/quotes", told, partner)
        return Decimal(quoted["amount_after_discount"])

    async def _order(self, customer: Principal, told: dict[str, Any]) -> Any:
        body = {"customer_id": customer.id, **told}
        return await self.world.ask(
            ORDER, "POST", "/api/orders", body, self.partner_of(customer.id)
        )

    @rule(which=PICK, picks=MANY, num=st.integers(1, 2), years=st.booleans(), coupons=FEW,
          discount=DISCOUNTS)  # fmt: skip
    def pay_by_period(
        self, which: int, picks: list[int], num: int, years: bool, coupons: list[int], discount: int
    ) -> None:
        """What is used on demand, and at times something that is not."""
        customer = self.someone(which)
        by_use = [x for x in self.used_by(customer, range(12)) if x.charging_mode == ON_DEMAND]
        found = [by_use[n] for n in sorted({n % len(by_use) for n in picks})] if by_use else []
        if found:
            told = {
                "order_type": 11, "resource_ids": [one.resource_id for one in found],
                "period_type": 3 if years else 2, "period_num": num,
            }  # fmt: skip
            self.do_and_pay(self._pay_by_period(customer, found, told), coupons, discount)

    async def _pay_by_period(
        self, customer: Principal, found: Sequence[Resource], told: dict[str, Any]
    ) -> None:
        groups = [x for main in found for x in self.group_of(main) if x.status not in (5, 6)]
        may = (
            not self.model.frozen.get(customer.id)
            and all(x.main_resource_id is None and x.status not in UNUSABLE for x in found)
            and all(x.status not in UNUSABLE for x in groups)
            and not self.under_way({x.resource_id for x in groups})
        )
        answer = await self._order(customer, told)
        assert answer.is_success == may, (answer.text, may)

    @rule(which=PICK, decision=st.sampled_from(["approve", "approve", "refuse"]))
    def decide_refund(self, which: int, decision: str) -> None:
        """An administrator lets a large refund go; what was released cannot be refused."""
        held = [x for x in self.state.orders.values() if x.status == HELD]
        if held:
            self.do(self._decide_refund(held[which % len(held)], decision))

    async def _decide_refund(self, order: Order, decision: str) -> None:
        path = f"/api/orders/{order.order_id}/review"
        answer = await self.world.ask(ORDER, "POST", path, {"decision": decision}, ADMINISTRATOR)
        assert code_of(answer) == ("" if decision == "approve" else "CHB.0409"), answer.text
