"""What happens to orders until they are paid, and around them: money, coupons, freezes, time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from chassis.identity import Principal
from order.orders.models import Order
from tests.flows.order_life.invariants import CHARGED_TYPES
from tests.flows.order_life.life import ADJUSTMENT, Life, code_of
from tests.flows.order_life.model import (
    CASH_COUPON,
    FLEXI_COUPON,
    NO_DISCOUNT,
    NO_MONEY,
    NOT_ALLOWED,
    NOT_CANCELLABLE,
    PENDING,
    KnownCoupon,
    KnownOrder,
    Payment,
    cut,
)
from tests.flows.order_life.world import BILLING, CUSTOMERS, ORDER, PAY, VOUCHER
from tests.order.builders import CANCEL, line, payment
from tests.order.resource_builders import DISK, EBS, HOURLY

PICK = st.integers(0, 11)  # which of those that there are
OLD = st.sampled_from([False, False, False, True])
FEW = st.lists(PICK, max_size=2, unique=True)
PAYMENT_TYPE = {CASH_COUPON: 301, FLEXI_COUPON: 302}
RATIOS = {3: Decimal("0.9"), 2: Decimal("0.83")}  # of the discounts that everybody has
REHEARSED = "CBC.99006093"
PACKAGE = {"resource_type_code": "hws.resource.type.pkg.vm"}
VM, VM_TWICE, DISK_OF_40 = line(), line(quantity=2), line(EBS, measure_size=40, **DISK)
GOODS: list[list[dict[str, Any]]] = [
    [VM],
    [line(quantity=3)],
    [VM, line(EBS, measure_size=40, attach_to=1, **DISK)],
    [VM_TWICE, line(EBS, measure_size=50, attach_to=1, quantity=4, **DISK)],
    [VM, DISK_OF_40],  # two services: a combined order
    [line(resource_spec_code="c7.large.2.linux", period_num=2), VM],
    [line(period_type=3, period_num=1)],
    [line(period_type=3, period_num=2)],
    [line(**HOURLY)],
    [VM, line(**HOURLY)],
    [line(resource_spec_code="pkg.ecs.s6.750h", **PACKAGE)],
    [line(resource_spec_code="pkg.ecs.mix.1000h", **PACKAGE), VM],
    [line(resource_spec_code="pkg.ecs.s6.100h.next", quantity=2, **PACKAGE)],
]
BEGINS = [
    datetime(2026, 11, 23, 4, 0, tzinfo=UTC),
    datetime(2027, 1, 31, 2, 30, 17, 250_000, tzinfo=UTC),
    datetime(2027, 12, 30, 15, 59, 58, tzinfo=UTC),
    datetime(2028, 2, 28, 16, 0, 1, tzinfo=UTC),
]
FIRST_GOODS = [GOODS[2], GOODS[1], GOODS[5]]  # what the customers begin with
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPANS = [timedelta(seconds=2), timedelta(minutes=50), 7 * HOUR, 5 * DAY - HOUR, 8 * DAY, 24 * DAY]


class Purchases(Life):
    """Orders until they are paid, or not."""

    @initialize(site=st.sampled_from(["china", "international"]), now=st.sampled_from(BEGINS))
    def set_the_scene(self, site: str, now: datetime) -> None:
        """Once, at the beginning."""
        self.runner.run(self.begin(site, now))
        for which, goods in enumerate(FIRST_GOODS):
            self.buy(which, goods, [0, 1], 0)
        self.settle_in()

    def settle_in(self) -> None:
        """What else is so from the beginning."""

    def someone(self, which: int) -> Principal:
        """One of the customers."""
        return self.customers[which % len(self.customers)]

    def itself(self, customer_id: str) -> Principal:
        """The customer, or the master."""
        return next(one for one in (*self.customers, self.master) if one.id == customer_id)

    def partner_of(self, customer_id: str) -> Principal:
        """Whose customer it is now."""
        return next(x for x in self.partners if x.id == self.model.partners[customer_id])

    def an_order(self, which: int, *, old: bool) -> tuple[KnownOrder, Order] | None:
        """One that waits for payment, or any that was ever to be paid; under its partner of now."""
        known = [
            (one, order)
            for one in self.model.orders.values()
            for order in [self.state.orders[one.order_id]]
            if order.order_type in CHARGED_TYPES
            and (old or one.status == PENDING)
            and order.partner_id == self.model.partners[one.owner]
        ]
        return known[which % len(known)] if known else None

    @rule(
        which=PICK, goods=st.sampled_from(GOODS), coupons=FEW, discount=st.sampled_from([0, 2, 3])
    )
    def buy(
        self, which: int, goods: list[dict[str, Any]], coupons: list[int], discount: int
    ) -> None:
        """Place, pay and have it provisioned, if nothing is in the way."""
        before = set(self.model.orders)
        self.place(which, goods)
        for order_id in set(self.model.orders) - before:
            known, order = self.model.orders[order_id], self.state.orders[order_id]
            self.do(self._pay(known, order, coupons, discount, fails=False))
            self.let_time_pass(SPANS[0])

    @rule(which=PICK, goods=st.sampled_from(GOODS))
    def place(self, which: int, goods: list[dict[str, Any]]) -> None:
        self.do(self._place(self.someone(which), goods))

    async def _place(self, customer: Principal, goods: list[dict[str, Any]]) -> None:
        told = {"customer_id": customer.id, "lines": goods}
        partner = self.partner_of(customer.id)
        answer = await self.world.ask(ORDER, "POST", "/api/orders", told, partner)
        must = NOT_ALLOWED if self.model.frozen.get(customer.id) else ""
        assert code_of(answer) == must, answer.text

    @rule(which=PICK, coupons=FEW, discount=st.sampled_from([0, 0, 2, 3]), old=OLD,
          fails=st.sampled_from([False, False, False, True]))  # fmt: skip
    def pay(self, which: int, coupons: list[int], discount: int, old: bool, fails: bool) -> None:
        if (found := self.an_order(which, old=old)) is not None:
            self.do(self._pay(*found, coupons, discount, fails=fails))

    async def _pay(
        self, known: KnownOrder, order: Order, picks: list[int], kind: int, *, fails: bool
    ) -> None:
        payer = self.itself(order.customer_id)
        body = payment(order.order_id)
        refusal = self.model.refusal_of(known)
        if payer is self.customers[-1]:  # its master pays, and is asked by the member's payment
            asked = await self.world.ask(ORDER, "POST", PAY, body, payer)
            assert code_of(asked) == (refusal or NOT_ALLOWED), asked.text
            if refusal and self.state.orders[order.order_id].paying_agent_id is None:
                return
            payer = self.master
        mine = [one for one in self.model.coupons.values() if one.owner == payer.id]
        coupons = list(
            {x.coupon_id: x for n in picks if mine for x in [mine[n % len(mine)]]}.values()
        )
        if coupons:
            infos = [{"id": x.coupon_id, "type": PAYMENT_TYPE[x.kind]} for x in coupons]
            body |= {"use_coupon": "YES", "coupon_infos": infos}
        offer = next((x for x in self.choices(order, self.state) if x.discount_type == kind), None)
        if offer is not None:
            infos = [{"id": offer.discount_id, "type": kind}]
            body |= {"use_discount": "YES", "discount_infos": infos}
        if fails and refusal is None:
            told = {"order_id": order.order_id, "at": "payment", "outcome": "fail",
                    "code": REHEARSED, "times": 1}  # fmt: skip
            await self.world.done(ORDER, "POST", "/api/sandbox/provisioning-rules", told)
            refusal = REHEARSED
        must = refusal or self._must_pay(order, payer, coupons, kind if offer else 0)
        answer = await self.world.ask(ORDER, "POST", PAY, body, payer)
        assert code_of(answer) == (must if isinstance(must, str) else ""), (answer.text, must)
        if isinstance(must, Payment):
            self.model.pay(known, payer.id, must)

    def _must_pay(
        self, order: Order, payer: Principal, coupons: list[KnownCoupon], kind: int
    ) -> Payment | str:
        if self.model.frozen.get(payer.id):
            return NOT_ALLOWED
        payable = order.amount_after_discount
        if kind and order.discount_type == ADJUSTMENT:
            return NO_DISCOUNT
        if kind:
            bases = [x.amount_after_discount + x.granted_discount_amount for x in order.lines]
            payable = sum((cut(base * RATIOS[kind]) for base in bases), Decimal("0.00"))
        return self.model.split(payer.id, payable, coupons, self.world.now)

    @rule(which=PICK, ends=st.sampled_from(["pay", "pay", "reject", "withdraw", "wait"]))
    def ask_partner_to_pay(self, which: int, ends: str) -> None:
        found = self.an_order(which, old=False)
        if found is not None and found[1].customer_id != self.customers[-1].id:
            self.do(self._ask_partner(*found, ends))

    async def _ask_partner(self, known: KnownOrder, order: Order, ends: str) -> None:
        customer, partner = self.itself(order.customer_id), self.partner_of(order.customer_id)
        path = f"/api/orders/{order.order_id}/payment-request"
        request_id = order.payment_request_id
        frozen = self.model.refusal_of(known)
        if request_id is None:
            asked = await self.world.ask(ORDER, "POST", path, {}, customer)
            assert code_of(asked) == (frozen or ""), asked.text
            if frozen:
                return
            request_id = asked.json()["request_id"]
        if ends == "withdraw":
            await self.world.done(ORDER, "DELETE", path, None, customer)
        if ends == "reject":
            path = f"/api/payment-requests/{request_id}/reject"
            await self.world.done(ORDER, "POST", path, {"reason": "no"}, partner)
        if ends == "pay":
            path = f"/api/payment-requests/{request_id}/pay"
            answer = await self.world.ask(ORDER, "POST", path, {}, partner)
            amount = order.amount_after_discount
            enough = self.model.purses[partner.id].cash >= amount
            must = frozen or ("" if enough else NO_MONEY)
            assert code_of(answer) == must, answer.text
            if not must:
                self.model.pay(known, partner.id, Payment({}, amount, Decimal("0.00")))

    @rule(which=PICK, old=OLD)
    def cancel(self, which: int, old: bool) -> None:
        if (found := self.an_order(which, old=old)) is not None:
            self.do(self._cancel(*found))

    async def _cancel(self, known: KnownOrder, order: Order) -> None:
        told, who = {"order_id": order.order_id}, self.itself(order.customer_id)
        answer = await self.world.ask(ORDER, "PUT", CANCEL, told, who)
        must = "" if known.status == PENDING else NOT_CANCELLABLE
        assert code_of(answer) == must, answer.text
        if not must:
            known.status = "cancelled"

    @rule(which=PICK, part=st.sampled_from(["0", "0.37", "0.999"]))
    def adjust_price(self, which: int, part: str) -> None:
        found = self.an_order(which, old=False)
        if found is not None and found[1].payment_request_id is None:
            self.do(self._adjust(found[1], cut(found[1].amount_after_discount * Decimal(part))))

    async def _adjust(self, order: Order, amount: Decimal) -> None:
        told = {"amount_after_discount": str(amount), "reason": "agreed"}
        path = f"/api/orders/{order.order_id}/price-adjustment"
        adjusted = await self.world.done(
            ORDER, "POST", path, told, self.partner_of(order.customer_id)
        )
        assert Decimal(adjusted["amount_after_discount"]) == amount

    @rule(which=PICK, amount=st.sampled_from(["0.01", "129.35", "2500.00"]))
    def transfer(self, which: int, amount: str) -> None:
        """The partner gives its customer money, if it has so much."""
        self.do(self._transfer(self.someone(which), amount))

    async def _transfer(self, customer: Principal, amount: str) -> None:
        partner = self.partner_of(customer.id)
        giver, taker = self.model.purses[partner.id], self.model.purses[customer.id]
        path = "/v2/accounts/partner-accounts/adjust-amount"
        told = {"customer_id": customer.id, "amount": amount}
        answer = await self.world.ask(BILLING, "POST", path, told, partner)
        enough = giver.cash >= Decimal(amount)
        assert answer.is_success == enough, answer.text
        if enough:
            giver.cash -= Decimal(amount)
            taker.cash += Decimal(amount)

    @rule(
        which=PICK,
        face=st.sampled_from(["7.77", "500.00"]),
        kind=st.sampled_from([CASH_COUPON, FLEXI_COUPON]),
        days=st.sampled_from([1, 9, 300]),
    )
    def issue_coupon(self, which: int, face: str, kind: int, days: int) -> None:
        who = [*self.customers[:-1], self.master][which % len(self.customers)]
        self.do(self.issue(who, face, kind, days * DAY))

    @rule(which=PICK)
    def reclaim_coupon(self, which: int) -> None:
        """What is left of it goes back."""
        usable = [x for x in self.model.coupons.values() if x.usable(self.world.now)]
        if usable:
            self.do(self._reclaim(usable[which % len(usable)]))

    async def _reclaim(self, coupon: KnownCoupon) -> None:
        partner = next(one for one in self.partners if one.id == coupon.partner)
        path = "/v2/promotions/benefits/partner-coupons/reclaim"
        await self.world.done(VOUCHER, "POST", path, {"coupon_id": coupon.coupon_id}, partner)
        coupon.end()

    @rule(which=PICK, level=st.sampled_from([0, 0, 1, 2]))
    def freeze(self, which: int, level: int) -> None:
        """On the international site: the account, or its resources, too; or let it go."""
        if self.world.site == "international":
            self.do(self._freeze(self.someone(which), level))

    async def _freeze(self, customer: Principal, level: int) -> None:
        was = self.model.frozen.get(customer.id, 0)
        if bool(level) == bool(was):
            return
        way = "freeze" if level else "unfreeze"
        told = {"customer_ids": [customer.id], "reason": "Arrears",
                f"{way}_type": ("ACCOUNT", "ACCOUNT_AND_RESOURCE")[(level or was) - 1]}  # fmt: skip
        path = f"/v2/partners/sub-customers/{way}"
        await self.world.done(CUSTOMERS, "POST", path, told, self.partner_of(customer.id))
        self.model.frozen[customer.id] = level

    @rule(which=st.integers(0, 5))
    def change_partner(self, which: int) -> None:
        """Cash and coupons go back, what is open ends, what is used follows; seldom."""
        if which > 1:
            return
        customer = self.customers[which]
        new = next(one for one in self.partners if one.id != customer.partner_id)
        if not self.model.frozen.get(customer.id):
            self.do(self._change_partner(which, customer, new))

    async def _change_partner(self, which: int, customer: Principal, new: Principal) -> None:
        self.customers[which] = await self.world.move(customer, new)
        self.model.leave(customer.id)
        self.model.partners[customer.id] = new.id

    @rule(span=st.sampled_from(SPANS))
    def let_time_pass(self, span: timedelta) -> None:
        """Every stop on the way is looked at."""
        self.runner.run(self._let_time_pass(self.world.now + span))

    @rule(short=st.sampled_from([timedelta(seconds=1), timedelta(microseconds=1), timedelta()]))
    def go_to_what_is_due(self, short: timedelta) -> None:
        """To the next instant at which something happens, or just before it."""
        self.runner.run(self._go_to_what_is_due(short))

    async def _go_to_what_is_due(self, short: timedelta) -> None:
        due = await self.world.next_due()
        if due is not None:
            await self._let_time_pass(due - short)

    async def _let_time_pass(self, until: datetime) -> None:
        async for _ in self.world.stops_until(until):
            await self.look()
        type(self).steps += 1
