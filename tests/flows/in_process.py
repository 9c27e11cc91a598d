"""All six services in this process, one bus between them that is emptied when it is told to.

For what takes too many steps for real processes: time travel, and random lives of orders. The wall
stands still.
"""

import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

from httpx import Response
from sqlalchemy import delete, select

from billing.app import build as build_billing
from billing.settings import BillingSettings
from chassis.database import Database
from chassis.errors import OutsideError
from chassis.identity import Principal
from chassis.messages import Message
from chassis.parts import ServiceApp
from chassis.settings import ServiceSettings
from chassis.tables import OutboxRow
from customer_sync.app import build as build_customer_sync
from customer_sync.settings import CustomerSyncSettings
from gateway.app import build as build_gateway
from gateway.forwarding.destinations import Service
from gateway.settings import GatewaySettings
from order.app import build as build_order
from order.settings import OrderSettings
from partner.app import build as build_partner
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, Templates, unique_prefix
from testkit.door import Door
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS
from tests.gateway.gate import listening
from voucher.app import build as build_voucher
from voucher.settings import VoucherSettings

BUILDS: dict[Service, tuple[Any, Any]] = {
    Service.PARTNER: (build_partner, ServiceSettings),
    Service.CUSTOMER_SYNC: (build_customer_sync, CustomerSyncSettings),
    Service.VOUCHER: (build_voucher, VoucherSettings),
    Service.BILLING: (build_billing, BillingSettings),
    Service.ORDER: (build_order, OrderSettings),
    Service.GATEWAY: (build_gateway, GatewaySettings),
}
EVENTS_MAX = 500  # of one service's outbox at a time


class InProcess:
    """The services' doors, and the way by which the gateway asks the others' clocks."""

    def __init__(self, wall: StandingClock):
        self.wall = wall
        self.apps: dict[Service, ServiceApp[Any]] = {}
        self.doors: dict[Service, Door] = {}
        self.inside: dict[Service, Door] = {}  # where nobody from outside comes in
        self.stated: set[Service] = set()  # who has something in its outbox
        self.away: Service | None = None  # who does not answer the gateway

    async def clock(self, body: Any = None, key: str | None = None) -> Response:
        """Ask the gateway for its clock, or move it, as the administrator does."""
        headers = {"X-Auth-Token": ADMIN_TOKEN} | ({"Idempotency-Key": key} if key else {})
        method = "GET" if body is None else "POST"
        door = self.doors[Service.GATEWAY]
        return await door.send_unsigned(method, "/api/sandbox/clock", body, headers=headers)

    def database(self, service: Service) -> Database:
        """Of one service."""
        found: Database = self.apps[service].parts.database
        return found

    async def settle(self) -> int:
        """Deliver what was stated, and what follows from it; how many events that were."""
        heard = 0
        while self.stated:
            heard += await self._deliver(self.stated.pop())
        return heard

    async def _deliver(self, service: Service) -> int:
        oldest = select(OutboxRow).order_by(OutboxRow.id).limit(EVENTS_MAX)
        async with self.database(service).transaction() as session:
            rows = (await session.scalars(oldest)).all()
            if len(rows) == EVENTS_MAX:
                self.stated.add(service)
            await session.execute(delete(OutboxRow).where(OutboxRow.id.in_([r.id for r in rows])))
        messages = [_message(row) for row in rows]
        for app in self.apps.values() if messages else ():
            for group in app.running.consumers.values():
                events = [e for one in messages if (e := one.read(group.contracts)) is not None]
                async with app.parts.database.transaction() as session:
                    await group.handle(events, session)
        return len(rows)

    async def ask(
        self, service: Service, principal: Principal, path: str, *, seconds_max: float
    ) -> dict[str, Any]:
        """As the gateway's peers do; the relay and the consumers have run until then."""
        assert seconds_max
        self._reach(service)
        await self.settle()
        return _content(await self.inside[service].get(path, principal))

    async def command(
        self, service: Service, principal: Principal, path: str, content: dict[str, Any]
    ) -> dict[str, Any]:
        """As the gateway's peers do."""
        self._reach(service)
        return _content(await self.inside[service].post(path, content, principal))

    def _reach(self, service: Service) -> None:
        if service == self.away:
            raise OutsideError(f"{service} is away")


def _message(row: OutboxRow) -> Message:
    headers = json.loads(row.attributes)
    return Message(row.stream, 0, row.id, row.key, headers, row.body, 0.0)


def _content(answer: Response) -> dict[str, Any]:
    if answer.is_error:
        raise OutsideError(answer.text)
    return dict(answer.json())


@contextmanager
def databases(
    templates: Templates, services: Collection[Service] = tuple(BUILDS)
) -> Iterator[dict[Service, ServiceDatabase]]:
    """A fresh one for each of the services."""
    prefix = unique_prefix()
    made = {one: templates.copy(one.replace("-", "_"), prefix) for one in services}
    yield made
    templates.drop(*made.values())


@asynccontextmanager
async def in_process(
    stores: dict[Service, ServiceDatabase],
    wall: StandingClock,
    *,
    sandbox: bool = True,
    settings: Mapping[Service, Mapping[str, Any]] | None = None,
) -> AsyncIterator[InProcess]:
    """The system on these databases, mostly a sandbox; to be left and entered again like a restart.

    A service without a database is not there, such as the gateway, whose copies nobody may need.
    `settings` are those of a service that differ from what is usual.
    """
    system = InProcess(wall)
    urls: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for service in stores:
            build, kind = BUILDS[service]
            told: dict[str, Any] = {"sandbox": sandbox, **urls, **(settings or {}).get(service, {})}
            if service is Service.GATEWAY:
                told |= {"admin_token": ADMIN_TOKEN, "encryption_keys": ENCRYPTION_KEYS}
            app = build(stores[service].settings(kind, **told), wall)
            url = await stack.enter_async_context(listening(app))
            urls[f"{service.replace('-', '_')}_url"] = url
            app.running.bus_database.on_stated = partial(system.stated.add, service)
            system.apps[service] = app
            system.doors[service] = await stack.enter_async_context(Door.of(app))
            inside = app.ops if service is Service.GATEWAY else app
            system.inside[service] = await stack.enter_async_context(Door.of(inside))
        yield system
