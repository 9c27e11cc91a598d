"""Time travel equals waiting, and what a kill leaves is gone on with."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from billing.accounts.models import Account
from billing.lines.models import BillLine
from chassis.identity import Principal
from gateway.forwarding.destinations import Service
from gateway.sandbox.ask_clocks import Clocks
from gateway.sandbox.carry_moves import ClockMover
from gateway.sandbox.models import ClockMove
from order.orders.models import Order
from order.resources.models import Resource
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, Templates
from testkit.door import code_of
from tests.flows.in_process import InProcess, databases, in_process
from tests.order.builders import PAY, line, payment
from tests.voucher.builders import ISSUE
from voucher.coupons.models import Coupon
from voucher.quotas.models import Quota

pytestmark = pytest.mark.postgres

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = int(os.environ.get("TRAVEL_DAYS", "10"))  # a year and more: the same, for minutes
SOME_DAYS = 6 * DAY
ORDER, VOUCHER, BILLING = Service.ORDER, Service.VOUCHER, Service.BILLING


@pytest.fixture
def stores(service_templates: Templates) -> Iterator[dict[Service, ServiceDatabase]]:
    with databases(service_templates) as made:
        yield made


@pytest.fixture
def other_stores(service_templates: Templates) -> Iterator[dict[Service, ServiceDatabase]]:
    with databases(service_templates) as made:
        yield made


@pytest.fixture
def wall() -> StandingClock:
    return StandingClock(NOON)


class Portfolio:
    """A partner with a customer, orders with deadlines, and coupons that end on different days."""

    def __init__(self, system: InProcess):
        self.system = system

    async def begin(self) -> None:
        """The scene, as of now."""
        told = {"account_name": "seller", "name": "seller", "kind": "solution_provider",
                "site": "china"}  # fmt: skip
        joined = await self._post(Service.PARTNER, "/api/partners", told)
        self.partner = Principal(joined["partner_id"], "solution_provider", joined["partner_id"])
        await self._post(BILLING, f"/api/accounts/{self.partner.id}/top-ups", {"amount": "9000.00"})
        made = {"xaccount_id": uuid4().hex, "xaccount_type": "PLATFORM"}
        path = "/v2/partners/sub-customers"
        created = await self._post(Service.CUSTOMER_SYNC, path, made, self.partner)
        self.customer = Principal(created["domain_id"], "customer", self.partner.id)
        path = f"/api/customers/{self.customer.id}/authorizations"
        asked = await self._post(Service.CUSTOMER_SYNC, path, {}, self.partner)
        path = f"/api/authorizations/{asked['authorization_id']}/grant"
        await self._post(Service.CUSTOMER_SYNC, path, {}, self.customer)
        money = {"customer_id": self.customer.id, "amount": 5000}
        await self._post(
            BILLING, "/v2/accounts/partner-accounts/adjust-amount", money, self.partner
        )
        coupons = [await self._coupon(face, days) for face, days in ((50, 3), (30, 5), (20, 900))]
        await self.place()
        paid = await self.place()
        pay = payment(paid["order_id"], coupons[0])
        await self._post(ORDER, PAY, pay, self.customer)
        await self.place(quantity=2)

    async def place(self, **more: Any) -> dict[str, Any]:
        """An order that nobody has paid yet."""
        told = {"customer_id": self.customer.id, "lines": [line(**more)]}
        return await self._post(ORDER, "/api/orders", told, self.partner)

    async def _coupon(self, face: int, days: int) -> str:
        now = self.system.wall()
        told = {
            "partner_id": self.partner.id, "quota_type": 0, "quota_value": "500.00",
            "currency": "CNY", "effective_at": instant(now - DAY),
            "expire_at": instant(now + timedelta(days=days)),
        }  # fmt: skip
        quota = await self._post(VOUCHER, "/api/quotas", told)
        told = {"quota_id": quota["quota_id"], "customer_ids": [self.customer.id],
                "face_value": face}  # fmt: skip
        issued = await self._post(VOUCHER, ISSUE, told, self.partner)
        return str(issued["coupon_infos"][0]["coupon_id"])

    async def _post(
        self, service: Service, path: str, body: Any, by: Principal | None = None
    ) -> dict[str, Any]:
        await self.system.settle()
        answer = await self.system.doors[service].post(path, body, by)
        assert answer.is_success, (path, answer.text)
        await self.system.settle()
        return dict(answer.json()) if answer.content else {}


def instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def advance(system: InProcess, span: timedelta) -> dict[str, Any]:
    """Order it at the door, carry it out as the schedule does; the clock afterwards."""
    told = {"advance_seconds": int(span.total_seconds())}
    answer = await system.clock(told)
    assert (answer.status_code, answer.json()["moving"]) == (202, True), answer.text
    await carry(system)
    return await clock_of(system)


async def carry(system: InProcess) -> None:
    mover = ClockMover(Clocks(system), system.wall)
    await mover.work(system.database(Service.GATEWAY), system.wall())


async def clock_of(system: InProcess) -> dict[str, Any]:
    answer = await system.clock()
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def state(system: InProcess) -> dict[str, list[tuple[Any, ...]]]:
    """All that a rule of time touches, without the ids that are drawn by lot."""
    tables: dict[str, tuple[Service, list[Any], Any]] = {
        "orders": (
            ORDER,
            [Order.status, Order.end_reason, Order.amount_after_discount, Order.created_at,
             Order.version, Order.ended_at],
            Order.order_id,
        ),
        "resources": (
            ORDER,
            [Resource.status, Resource.effective_at, Resource.expire_at, Resource.version],
            Resource.expire_at,
        ),
        "coupons": (
            VOUCHER,
            [Coupon.status, Coupon.balance, Coupon.expire_at, Coupon.version],
            Coupon.expire_at,
        ),
        "quotas": (VOUCHER, [Quota.balance, Quota.expire_at, Quota.version], Quota.expire_at),
        "accounts": (
            BILLING,
            [Account.owner_kind, Account.account_type, Account.balance, Account.held],
            Account.owner_kind,
        ),
        "lines": (
            BILLING,
            [BillLine.bill_type, BillLine.payment_amount, BillLine.trade_time, BillLine.bill_cycle],
            BillLine.trade_time,
        ),
    }  # fmt: skip
    found = {}
    for name, (service, columns, order) in tables.items():
        async with system.database(service).transaction() as session:
            rows = await session.execute(select(*columns).order_by(order))
            found[name] = sorted((tuple(row) for row in rows), key=repr)
    return found


async def test_one_jump_and_many_end_in_the_same_state(
    stores: dict[Service, ServiceDatabase],
    other_stores: dict[Service, ServiceDatabase],
    wall: StandingClock,
) -> None:
    """To the cent and the microsecond. Break: step a week at a time, or leave `next_due` out."""
    async with in_process(stores, wall) as jumping, in_process(other_stores, wall) as walking:
        for system in (jumping, walking):
            await Portfolio(system).begin()
        assert await state(jumping) == (at_first := await state(walking))
        once = await advance(jumping, DAYS * DAY)
        for _ in range(DAYS):
            often = await advance(walking, DAY)
        assert (once["now"], once["offset_seconds"]) == (often["now"], often["offset_seconds"])
        after = await state(jumping)
        assert after == await state(walking)
        assert after != at_first
        assert {row[0] for row in after["orders"]} == {4, 5}
        assert [(row[0], f"{row[1]}") for row in after["coupons"]] == [
            (2, "20.00"), (3, "0.00"), (4, "0.00")
        ]  # fmt: skip
        ran = {name for step in once["steps"] for name in step["ran"]}
        assert ran >= {"order: expire orders", "order: complete orders", "voucher: expire coupons"}


class KilledError(BaseException):
    """As if the process were gone: nobody handles it."""


class MortalPeers:
    """The way to the services, for so many commands."""

    def __init__(self, system: InProcess, commands: int):
        self.system, self.commands = system, commands

    async def ask(self, *asked: Any, **more: Any) -> dict[str, Any]:
        return await self.system.ask(*asked, **more)

    async def command(self, *told: Any) -> dict[str, Any]:
        self.commands -= 1
        if self.commands < 0:
            raise KilledError
        return await self.system.command(*told)


async def lease_ends(system: InProcess) -> None:
    async with system.database(Service.GATEWAY).transaction() as session:
        await session.execute(update(ClockMove).values(held_until=func.now() - DAY))


async def test_a_step_that_a_kill_left_is_gone_on_with(
    stores: dict[Service, ServiceDatabase],
    other_stores: dict[Service, ServiceDatabase],
    wall: StandingClock,
) -> None:
    """After whichever command. Break: let a step that was begun be left out by the next mover."""
    async with in_process(stores, wall) as killed, in_process(other_stores, wall) as spared:
        for system in (killed, spared):
            await Portfolio(system).begin()
        await advance(spared, SOME_DAYS)
        told = {"advance_seconds": int(SOME_DAYS.total_seconds())}
        assert (await killed.clock(told)).status_code == 202
        lives = 0
        for commands in cycle(range(13, 30)):
            lives += 1
            mover = ClockMover(Clocks(MortalPeers(killed, commands)), wall)
            try:
                await mover.work(killed.database(Service.GATEWAY), wall())
            except KilledError:
                assert await moves(killed)
                await carry(killed)  # held still by the one that was killed: it does nothing
                await lease_ends(killed)
            else:
                break
        assert lives > 5
        assert not await moves(killed)
        assert await state(killed) == await state(spared)
        assert (await clock_of(killed))["now"] == (await clock_of(spared))["now"]
        assert await events_of(killed) == await events_of(spared)


async def moves(system: InProcess) -> bool:
    return bool((await clock_of(system))["moving"])


async def events_of(system: InProcess) -> Counter[str]:
    """What all steps stated, by type."""
    found: Counter[str] = Counter()
    for step in (await clock_of(system))["steps"]:
        assert step["ended"]
        found.update({one["type"]: one["count"] for one in step["events"]})
    return found


async def test_it_is_never_set_back_and_one_move_is_made_at_a_time(
    stores: dict[Service, ServiceDatabase], wall: StandingClock
) -> None:
    async with in_process(stores, wall) as system:
        for body in (
            {"to": instant(NOON - timedelta(seconds=1))}, {"to": instant(NOON)}, {},
            {"advance_seconds": 0}, {"advance_seconds": -1}, {"to": "2027-01-01T00:00:00"},
            {"to": instant(NOON + DAY), "advance_seconds": 1}, {"to": instant(NOON + 9999 * DAY)},
            {"advance_seconds": 1, "back": True},
        ):  # fmt: skip
            assert code_of(await system.clock(body)) == (400, "CBC.0100"), body
        assert await clock_of(system) == {
            "now": instant(NOON), "offset_seconds": 0.0, "moving": False, "to": None,
            "problem": None, "steps_done": 0, "steps": [],
        }  # fmt: skip
        assert (await system.clock({"advance_seconds": 60}, key="k")).status_code == 202
        assert code_of(await system.clock({"advance_seconds": 60})) == (409, "CHB.0409")
        assert (await system.clock({"advance_seconds": 60}, key="k")).status_code == 202
        await carry(system)
        assert (await clock_of(system))["offset_seconds"] == 60.0
        back = {"to": instant(NOON + timedelta(seconds=59))}
        assert code_of(await system.clock(back)) == (400, "CBC.0100")


async def test_a_service_that_is_away_holds_a_step_up_and_says_why(
    stores: dict[Service, ServiceDatabase], wall: StandingClock
) -> None:
    async with in_process(stores, wall) as system:
        told = {"advance_seconds": 60}
        assert (await system.clock(told)).status_code == 202
        system.away = VOUCHER
        await carry(system)
        assert "voucher is away" in (found := await clock_of(system))["problem"]
        assert (found["moving"], found["offset_seconds"]) == (True, 0.0)
        system.away = None
        await carry(system)
        assert ((found := await clock_of(system))["moving"], found["problem"]) == (False, None)
