"""The five services that orders need, on databases of their own, and the deeds at their doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from httpx import Response
from sqlalchemy import text

from chassis import outbox
from chassis.clock_stops import business_schedules, due_instants, run_due
from chassis.identity import Principal
from chassis.move_clock import stand_at
from contracts.customer import CustomerAssociated, CustomerUpdated
from customer_sync.association.unlink_customer import unlink_customer
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import Customer
from gateway.forwarding.destinations import Service
from testkit.clock import StandingClock
from testkit.databases import Templates
from testkit.door import ADMINISTRATOR
from tests.flows.in_process import BUILDS, InProcess, databases, in_process

ORDER, BILLING, VOUCHER = Service.ORDER, Service.BILLING, Service.VOUCHER
CUSTOMERS, PARTNERS = Service.CUSTOMER_SYNC, Service.PARTNER
SERVICES = tuple(one for one in BUILDS if one is not Service.GATEWAY)
SCHEDULED = (ORDER, VOUCHER)  # who does something when time comes
TURNS_MAX = 200  # of one stop, until nothing is due any more
LONG = timedelta(days=3000)

PAY = "/v3/orders/customer-orders/pay"
RESOURCES = "/v2/orders/subscriptions/resources"


class NotSettlingError(AssertionError):
    """A stop does not end: something is due again and again."""


class World:
    """A sandbox in which time stands, until it is moved; emptied before each life."""

    def __init__(self, system: InProcess, wall: StandingClock):
        self.system, self.wall = system, wall
        self.now = wall.now
        self.site = "china"
        self._kept: dict[Service, set[str]] = {}

    async def empty(self, site: str, now: datetime) -> None:
        """Nobody is there and nothing was ever ordered."""
        for service in SERVICES:
            async with self.system.database(service).transaction() as session:
                named = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                tables = set(await session.scalars(named))
                if service not in self._kept:  # what a migration has put there stays
                    self._kept[service] = {
                        name for name in tables
                        if await session.scalar(text(f'SELECT 1 FROM "{name}" LIMIT 1'))
                    }  # fmt: skip
                gone = ", ".join(f'"{one}"' for one in sorted(tables - self._kept[service]))
                await session.execute(text(f"TRUNCATE {gone} CASCADE"))
        self.site, self.now, self.wall.now = site, now, now
        self.system.stated.clear()
        await self._stand(now)

    async def ask(
        self, service: Service, method: str, path: str, body: Any = None,
        by: Principal = ADMINISTRATOR,
    ) -> Response:  # fmt: skip
        """Ask, and let everybody hear of what came of it."""
        answer = await self.system.doors[service].send(method, path, body, by)
        await self.system.settle()
        return answer

    async def done(self, service: Service, method: str, path: str, *more: Any) -> dict[str, Any]:
        """What sets the scene must succeed."""
        answer = await self.ask(service, method, path, *more)
        assert answer.is_success, (path, answer.text)
        return dict(answer.json()) if answer.content else {}

    async def partner(self, name: str, funds: str) -> Principal:
        """A solution provider with money."""
        told = {"account_name": name, "name": name, "kind": "solution_provider", "site": self.site}
        joined = await self.done(PARTNERS, "POST", "/api/partners", told)
        partner_id = joined["partner_id"]
        path = f"/api/accounts/{partner_id}/top-ups"
        await self.done(BILLING, "POST", path, {"amount": funds})
        return Principal(partner_id, "solution_provider", partner_id, site=self.site)

    async def customer(self, partner: Principal, funds: str, credit: str) -> Principal:
        """A resale customer that lets its partner order for it, with discounts of two kinds."""
        made = {"xaccount_id": uuid4().hex, "xaccount_type": "PLATFORM"}
        made |= {"domain_area": "SG"} if self.site == "international" else {}
        path = "/v2/partners/sub-customers"
        created = await self.done(CUSTOMERS, "POST", path, made, partner)
        customer = Principal(created["domain_id"], "customer", partner.id, site=self.site)
        await self.authorize(customer)
        for amount, way in ((funds, "top-ups"), (credit, "credit-line")):
            path = f"/api/accounts/{customer.id}/{way}"
            if amount != "0":
                method = "POST" if way == "top-ups" else "PUT"
                await self.done(BILLING, method, path, {"amount": amount})
        for kind, ratio, by in ((3, "0.9", partner), (2, "0.83", ADMINISTRATOR)):
            told = {"customer_id": customer.id, "discount_type": kind, "discount_mode": 0,
                    "discount_value": ratio, "name": "agreed"}  # fmt: skip
            await self.done(BILLING, "POST", "/api/discounts", told, by)
        return customer

    async def authorize(self, customer: Principal) -> None:
        """The customer lets its partner act for it."""
        partner = Principal(customer.partner_id, "solution_provider", customer.partner_id,
                            site=self.site)  # fmt: skip
        path = f"/api/customers/{customer.id}/authorizations"
        asked = await self.done(CUSTOMERS, "POST", path, {}, partner)
        path = f"/api/authorizations/{asked['authorization_id']}/grant"
        await self.done(CUSTOMERS, "POST", path, {}, customer)

    async def make_member(self, master: Principal, member: Principal) -> None:
        """The master pays what the member orders, as if both had agreed by phone."""
        async with self.system.database(CUSTOMERS).transaction() as session:
            above = await session.get_one(Customer, master.id)
            below = await session.get_one(Customer, member.id)
            above.is_enterprise_master = True
            below.enterprise_master_id, below.financial_custody = master.id, True
            for one in (above, below):
                outbox.publish(session, customer_fact(CustomerUpdated, one, self.now))
        await self.system.settle()

    async def move(self, customer: Principal, partner: Principal) -> Principal:
        """The vendor's side gives the customer to another partner; as it calls itself then."""
        async with self.system.database(CUSTOMERS).transaction() as session:
            one = await session.get_one(Customer, customer.id)
            await unlink_customer(session, one, self.now)
        await self.system.settle()
        async with self.system.database(CUSTOMERS).transaction() as session:
            one = await session.get_one(Customer, customer.id)
            one.partner_id = partner.id
            one.associate(self.now)
            outbox.publish(session, customer_fact(CustomerAssociated, one, self.now))
        await self.system.settle()
        moved = replace(customer, partner_id=partner.id)
        await self.authorize(moved)
        return moved

    async def quota(self, partner: Principal, quota_type: int) -> str:
        """Of cash (0) or flexi (1) coupons, for long; they pay orders of periods, no use."""
        told = {
            "partner_id": partner.id, "quota_type": quota_type, "quota_value": "9000.00",
            "currency": "CNY" if self.site == "china" else "USD",
            "effective_at": _instant(self.now - timedelta(days=1)),
            "expire_at": _instant(self.now + LONG), "limits": {"charge_scenes": [0]},
        }  # fmt: skip
        made = await self.done(VOUCHER, "POST", "/api/quotas", told)
        return str(made["quota_id"])

    async def next_due(self) -> datetime | None:
        """When time has something to do next."""
        found = []
        for service in SCHEDULED:
            running = self.system.apps[service].running
            due = await due_instants(running.bus_database, business_schedules(running))
            found += [at for at in due.values() if at is not None and at > self.now]
        return min(found, default=None)

    async def stops_until(self, at: datetime) -> AsyncIterator[datetime]:
        """Move time on, and stand at each instant at which there was something to do."""
        while self.now < at:
            due = await self.next_due()
            self.now = min(at, due or at)
            await self._stand(self.now)
            await self.run_due()
            yield self.now

    async def _stand(self, at: datetime) -> None:
        for service in SERVICES:
            async with self.system.database(service).transaction() as session:
                await stand_at(session, at, self.wall.now)

    async def run_due(self) -> None:
        """Until nothing is due and nothing is under way."""
        for _ in range(TURNS_MAX):
            await self.system.settle()
            ran = []
            for service in SCHEDULED:
                running = self.system.apps[service].running
                by_time = [one for one in business_schedules(running) if one.next_due]
                ran += await run_due(running.bus_database, by_time, self.now)
            if not ran and not self.system.stated:
                return
        raise NotSettlingError(f"at {self.now}: {ran} again and again")


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@asynccontextmanager
async def world(
    templates: Templates, *, refund_approval_from: str | None = None
) -> AsyncIterator[World]:
    """One for many lives, for its databases take longer to make than a life."""
    settings = {ORDER: {"refund_approval_from": refund_approval_from}}
    wall = StandingClock()
    with databases(templates, SERVICES) as stores:
        async with in_process(stores, wall, settings=settings) as system:
            yield World(system, wall)
