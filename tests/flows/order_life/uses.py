"""What customers do with what they use: renew it, give it back, have it charged otherwise."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import rule

from chassis.identity import Principal
from order.resources.models import Resource, ResourcePeriod
from tests.flows.order_life.invariants import (
    CHANGED,
    CLOSED,
    FROZEN,
    IN_USE,
    ON_DEMAND,
    PAYABLE,
    PROCESSING,
)
from tests.flows.order_life.life import code_of
from tests.flows.order_life.machine import PICK, Purchases
from tests.flows.order_life.model import SECOND, Back, Gone, all_of, rest_of
from tests.flows.order_life.state import read_state
from tests.flows.order_life.world import ORDER, RESOURCES

BEIJING = ZoneInfo("Asia/Shanghai")
FIVE_DAYS, FIVE_DAYS_MAX = timedelta(days=5), 10
RULES = "/api/sandbox/provisioning-rules"
MANY = st.lists(PICK, min_size=1, max_size=3, unique=True)
RATES: dict[int, tuple[str, ...]] = {0: ("0.10",), 1: ("0.10",), 2: ("0.15", "0.10")}
NO_FEE = Decimal(0)


class Uses(Purchases):
    """Renewals, and what ends something."""

    def settle_in(self) -> None:
        """Two of the customers have something renewed automatically."""
        for which in (0, 2):
            self.renew_automatically(which, 0, 2 if which else 0, on=True)

    def used_by(self, customer: Principal, picks: Sequence[int]) -> list[Resource]:
        """Some of what the customer ever had, each once."""
        mine = [x for x in self.state.resources.values() if x.customer_id == customer.id]
        mine.sort(
            key=self._place_of
        )  # the same one when the life is repeated: ids are drawn by lot
        return [mine[n] for n in sorted({n % len(mine) for n in picks})] if mine else []

    def _place_of(self, one: Resource) -> tuple[Any, ...]:
        order = list(self.model.orders).index(one.order_id)
        cents = [
            -period.cash_amount for period in one.periods[:1]
        ]  # the earlier of a line has more
        return one.status == CLOSED, order, one.line_id[-6:], cents, one.resource_id

    def group_of(self, main: Resource) -> list[Resource]:
        """The main one and what is attached to it and charged as it is."""
        return [main, *(
            one for one in self.state.resources.values()
            if one.main_resource_id == main.resource_id and one.charging_mode == main.charging_mode
        )]  # fmt: skip

    def gone_of(self, period: ResourcePeriod) -> list[Gone]:
        """What changes have given back of it."""
        rows = [
            x for x in self.state.refunds if (x.period_id, x.rule) == (period.period_id, CHANGED)
        ]
        return [
            Gone(x.at, x.flexipurchase_coupon_amount, x.cash_amount, x.credit_amount)
            for x in sorted(rows, key=lambda x: x.at)
        ]

    def under_way(self, resource_ids: set[str]) -> bool:
        """Whether an order that waits or is carried out names one of them."""
        return any(
            line.resource_id in resource_ids
            for order in self.state.orders.values()
            if order.status in (PAYABLE, PROCESSING)
            for line in order.lines
        )

    @rule(which=PICK, picks=MANY, num=st.integers(1, 2), years=st.booleans(), pays=st.booleans(),
          by_partner=st.booleans())  # fmt: skip
    def renew(
        self, which: int, picks: list[int], num: int, years: bool, pays: bool, by_partner: bool
    ) -> None:
        customer = self.someone(which)
        if found := self.used_by(customer, picks):
            told: dict[str, Any] = {
                "resource_ids": [one.resource_id for one in found],
                "period_type": 3 if years else 2, "period_num": num,
            }  # fmt: skip
            if by_partner:
                told |= {"customer_id": customer.id, "order_type": 2}
            else:
                told["is_auto_pay"] = int(pays)
            self.do(self._renew(customer, found, told, by_partner=by_partner))

    async def _renew(
        self, customer: Principal, found: list[Resource], told: dict[str, Any], *, by_partner: bool
    ) -> None:
        groups = [one for main in found for one in self.group_of(main)]
        may = not self.model.frozen.get(customer.id) and not self.under_way(
            {one.resource_id for one in groups}
        )
        may = may and all(
            one.main_resource_id is None and one.charging_mode != ON_DEMAND and one.status != CLOSED
            for one in found
        )
        if by_partner:
            partner = self.partner_of(customer.id)
            answer = await self.world.ask(ORDER, "POST", "/api/orders", told, partner)
        else:
            answer = await self.world.ask(ORDER, "POST", f"{RESOURCES}/renew", told, customer)
        placed = answer.is_success or code_of(answer) == "CBC.30050006"
        too_far = code_of(answer) == "CBC.99003154"
        assert placed == may or (may and too_far), (answer.text, may)

    @rule(which=PICK, pick=PICK, times=st.sampled_from([0, 1, 2, None]), on=st.booleans())
    def renew_automatically(self, which: int, pick: int, times: int | None, on: bool) -> None:
        """From now on, or not any more."""
        customer = self.someone(which)
        for one in self.used_by(customer, [pick]):
            told = {} if times is None else {"auto_renew_times": times}
            path = f"{RESOURCES}/autorenew/{one.resource_id}"
            self.do(self._set(customer, "POST" if on else "DELETE", path, told if on else None))

    async def _set(self, who: Principal, method: str, path: str, told: Any) -> None:
        """A wish, granted or not: what comes of it is looked at by the invariants."""
        await self.world.ask(ORDER, method, path, told, who)

    @rule(which=PICK, name=st.sampled_from(["DEDUCTION_DATE", "EXPIRE_DATE"]),
          value=st.sampled_from(["2", "5", "7", "28", "-1"]))  # fmt: skip
    def configure_renewals(self, which: int, name: str, value: str) -> None:
        told = {"config_name": name, "config_value": value}
        self.do(self._set(self.someone(which), "POST", f"{RESOURCES}/renew/config", told))

    @rule(which=PICK, picks=MANY, kind=st.sampled_from([1, 1, 2]))
    def unsubscribe(self, which: int, picks: list[int], kind: int) -> None:
        customer = self.someone(which)
        if found := self.used_by(customer, picks):
            self.do(self._unsubscribe(customer, found, kind))

    async def _unsubscribe(self, customer: Principal, found: list[Resource], kind: int) -> None:
        must = self._must_go_back(customer, found, kind)
        told = {"resource_ids": [one.resource_id for one in found], "unsubscribe_type": kind}
        answer = await self.world.ask(ORDER, "POST", f"{RESOURCES}/unsubscribe", told, customer)
        assert answer.is_success == (must is not None), (answer.text, must)
        if must is not None:
            await self._check_refund(answer.json()["order_ids"][0], must)

    async def _check_refund(self, order_id: str, must: dict[str, Back]) -> None:
        """The rows say what the model says, before it hears of them."""
        state = await read_state(self.world.system, self.world.now)
        has = {
            one.period_id: Back(
                one.coupon_amount, one.flexipurchase_coupon_amount, one.cash_amount,
                one.credit_amount, one.consumed_amount, one.commission_amount,
            )
            for one in state.refunds_of(order_id)
        }  # fmt: skip
        assert has == must, f"{order_id} gives back {has}, must give {must}"

    def _must_go_back(
        self, customer: Principal, found: list[Resource], kind: int
    ) -> dict[str, Back] | None:
        """By period; None: it is refused as a whole."""
        now = self.world.now
        named = {one.resource_id for one in found}
        if self.model.frozen.get(customer.id):
            return None
        mains = [one for one in found if one.main_resource_id is None]
        if any(one.charging_mode == ON_DEMAND for one in found):
            return None
        if any(x.main_resource_id not in named for x in found if x.main_resource_id is not None):
            return None
        if any(one.status != IN_USE or (one.expire_at or now) < now for one in mains):
            return None
        groups = {one.resource_id: self.group_of(one) for one in mains}
        everything = [one for group in groups.values() for one in group]
        if any(one.status == FROZEN for one in everything):
            return None
        if self.under_way({one.resource_id for one in everything}):
            return None
        left = FIVE_DAYS_MAX - self._counted(customer, now)
        must: dict[str, Back] = {}
        for main in mains:
            bought = any(period.order_id == main.order_id for period in main.paid_periods)
            new = bought and kind == 1 and left > 0 and now < main.effective_at + FIVE_DAYS
            left -= new
            group = [one for one in groups[main.resource_id] if one.status == IN_USE]
            back = {
                period.period_id: self._given(one, period, now, new=new)
                for one in group
                for period in one.paid_periods
                if (period.begin_at > now if kind == 2 else (period.end_at or now) >= now)
            }
            if not back:
                return None
            must |= back
        return must

    def _counted(self, customer: Principal, now: datetime) -> int:
        year = now.astimezone(BEIJING).year
        return sum(
            one.counts and one.at.astimezone(BEIJING).year == year
            for one in self.state.refunds if one.customer_id == customer.id
        )  # fmt: skip

    def _given(
        self, one: Resource, period: ResourcePeriod, now: datetime, *, new: bool = False,
        rate: Decimal | None = None,
    ) -> Back:  # fmt: skip
        """A change goes back as the period does that it was paid on top of."""
        flexi, cash, credit = (
            period.flexipurchase_coupon_amount, period.cash_amount, period.credit_amount,
        )  # fmt: skip
        gone = self.gone_of(period)
        base = next((x for x in one.paid_periods if x.period_id == period.base_period_id), period)
        if period.begin_at > now or (new and base.order_id == one.order_id):
            for back in gone:
                flexi, cash, credit = flexi - back.flexi, cash - back.cash, credit - back.credit
            return all_of(period.coupon_amount, flexi, cash, credit)
        begin, end = period.begin_at, period.end_at
        assert end is not None
        rate = _rate(base.begin_at, end, now) if rate is None else rate
        return rest_of(flexi, cash, credit, begin, end, now, rate, gone)

    @rule(which=PICK, picks=MANY)
    def convert_now(self, which: int, picks: list[int]) -> None:
        customer = self.someone(which)
        if found := self.used_by(customer, picks):
            self.do(self._convert(customer, found))

    async def _convert(self, customer: Principal, found: list[Resource]) -> None:
        told = {"resource_ids": [one.resource_id for one in found]}
        path = f"{RESOURCES}/to-on-demand/instantly"
        answer = await self.world.done(ORDER, "POST", path, told, customer)
        must: dict[str, Back] = {}
        order_id = None
        for one, result in zip(found, answer["to_ondemand_service_results"], strict=True):
            may = self._may_convert(customer, one)
            assert (result["result"] == "SUCCESS") == may, (result, may)
            order_id = result.get("order_id") or order_id
            if may:
                must |= {
                    period.period_id: self._given(each, period, self.world.now, rate=NO_FEE)
                    for each in self.group_of(one)
                    for period in each.paid_periods
                    if (period.end_at or self.world.now) + SECOND > self.world.now
                }
        if order_id is not None:
            await self._check_refund(order_id, must)

    def _may_convert(self, customer: Principal, one: Resource) -> bool:
        group = self.group_of(one)
        return (
            not self.model.frozen.get(customer.id)
            and one.main_resource_id is None
            and one.charging_mode != ON_DEMAND
            and one.status != CLOSED
            and one.expire_at is not None
            and self.world.now < one.expire_at + SECOND
            and all(x.status != FROZEN for x in group)
            and not self.under_way({x.resource_id for x in group})
        )

    @rule(which=PICK, pick=PICK, operation=st.sampled_from(["SET_UP", "SET_UP", "CANCEL"]))
    def set_the_end(self, which: int, pick: int, operation: str) -> None:
        """To be charged on demand from its end on, or not any more."""
        customer = self.someone(which)
        for one in self.used_by(customer, [pick]):
            told = {"operation": operation, "resource_ids": [one.resource_id]}
            self.do(self._set(customer, "POST", f"{RESOURCES}/to-on-demand", told))

    @rule(which=PICK, pick=PICK)
    def close_on_demand(self, which: int, pick: int) -> None:
        customer = self.someone(which)
        used = [x for x in self.used_by(customer, range(12)) if x.charging_mode == ON_DEMAND]
        if used:
            path = f"/api/resources/{used[pick % len(used)].resource_id}/closing"
            self.do(self._set(customer, "POST", path, {}))

    @rule(which=PICK, outcome=st.sampled_from(["fail", "fail", "hang"]), times=st.integers(1, 3))
    def let_provisioning_fail(self, which: int, outcome: str, times: int) -> None:
        """So many pieces of the customer, from now on; or it answers late."""
        told: dict[str, Any] = {
            "customer_id": self.someone(which).id, "outcome": outcome, "times": times,
        }  # fmt: skip
        told |= {"code": "CBC.0999"} if outcome == "fail" else {"delay_seconds": 500}
        self.do(self.world.done(ORDER, "POST", RULES, told))


def _rate(begin_at: datetime, end_at: datetime, now: datetime) -> Decimal:
    """By the whole years of the period, and by that of them which `now` is in."""
    begin, end = begin_at.astimezone(BEIJING), end_at.astimezone(BEIJING)
    years = max(n for n in RATES if _years_on(begin, n) <= end)
    begun = sum(_years_on(begin, n) <= now for n in range(1, len(RATES[years])))
    return Decimal(RATES[years][begun])


def _years_on(begin: datetime, years: int) -> datetime:
    try:
        return begin.replace(year=begin.year + years)
    except ValueError:  # 29 February
        return begin.replace(year=begin.year + years, day=28)
