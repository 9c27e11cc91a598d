"""A mirror beside an upstream: the upstream is this same service in standalone mode."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from chassis.database import Database
from chassis.identity import Principal
from chassis.tables import OutboxRow
from customer_sync.customers.models import Customer
from customer_sync.settings import CustomerSyncSettings
from customer_sync.sweep.models import Sweep
from customer_sync.sweep.run_sweep import Sweeper
from testkit.clock import StandingClock
from tests.customer_sync.builders import LIST, SELLER, CustomerDoor
from upstream import CustomerPage, UpstreamRefusedError
from upstream.customers import read_page

PAGE, OVERLAP = 10, 3  # customers

Interruption = Callable[[int], Awaitable[None]]


class DoorSource:
    """Asks a standalone service's door as one of its partners, as the SDK would over HTTP.

    `before` runs before each page, with the page's number from 1; `rewrite` may change an answer.
    """

    def __init__(self, door: CustomerDoor, principal: Principal = SELLER):
        self.requests_made = 0
        self.asked: list[dict[str, Any]] = []
        self.before: Interruption | None = None
        self.rewrite: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer
        self.resellers: list[str] = []
        self._door, self._principal = door, principal

    async def list_sub_customers(
        self,
        *,
        offset: int = 0,
        limit: int = 100,
        customer_id: str | None = None,
        indirect_partner_id: str | None = None,
    ) -> CustomerPage:
        """As `upstream.Upstream` does."""
        self.requests_made += 1
        wanted = {
            "offset": offset,
            "limit": limit,
            "customer_id": customer_id,
            "indirect_partner_id": indirect_partner_id,
        }
        self.asked.append(wanted)
        if self.before and customer_id is None:
            await self.before(self.requests_made)
        answer = await self._door.post(LIST, wanted, self._principal)
        if answer.status_code != 200:
            refusal = answer.json()
            raise UpstreamRefusedError(
                refusal["error_code"], refusal["error_msg"], answer.status_code
            )
        return read_page(self.rewrite(answer.json()))

    async def list_resellers(self, *, offset: int = 0, limit: int = 100) -> list[str]:
        """As `upstream.Upstream` does."""
        self.requests_made += 1
        return self.resellers[offset : offset + limit]

    @property
    def asked_by_id(self) -> list[str]:
        """The customers that were asked for by id."""
        return [wanted["customer_id"] for wanted in self.asked if wanted["customer_id"]]


class Mirror:
    """A connected service's database and its sweeper."""

    def __init__(
        self,
        database: Database,
        settings: CustomerSyncSettings,
        clock: Callable[[], datetime],
        source: DoorSource,
    ):
        self.database, self.settings, self.clock, self.source = database, settings, clock, source
        self.sweeper = self.another_replica()

    def another_replica(self, source: Any = None) -> Sweeper:
        """A sweeper as another process would have it."""
        sweeper = Sweeper(self.settings, self.clock)
        sweeper.source = source or self.source
        return sweeper

    async def sweep(self) -> Sweep:
        """Run the schedule once; the newest sweep."""
        await self.sweeper.work(self.database, self.clock())
        return await self.newest()

    async def newest(self) -> Sweep:
        """The newest sweep."""
        async with self.database.transaction() as session:
            found = await session.scalar(select(Sweep).order_by(Sweep.number.desc()).limit(1))
        assert found is not None
        return found

    async def customers(self) -> dict[str, Customer]:
        """What the mirror holds, by id."""
        async with self.database.transaction() as session:
            found = await session.scalars(select(Customer))
            return {customer.id: customer for customer in found.all()}

    async def take_stated(self) -> list[tuple[str, dict[str, Any]]]:
        """The events since the last call."""
        async with self.database.transaction() as session:
            rows = (await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()
            stated = [(json.loads(r.attributes)["ce_type"], json.loads(r.body)) for r in rows]
            for row in rows:
                await session.delete(row)
        return stated


async def grow(door: CustomerDoor, clock: StandingClock, customers: int) -> list[str]:
    """Customers of the upstream, each associated a second after the one before."""
    made = []
    for _ in range(customers):
        clock.forward(seconds=1)
        made.append(await door.create())
    return made


async def next_sweep(mirror: Mirror, clock: StandingClock) -> Sweep:
    """The sweep that is due a minute later."""
    clock.forward(seconds=61)
    return await mirror.sweep()


def kinds_of(stated: list[tuple[str, dict[str, Any]]]) -> Counter[str]:
    """How many events of each type."""
    return Counter(kind for kind, _ in stated)
