"""Principals, bodies, events and requests of these tests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from chassis.clock import WallClock
from chassis.database import Database
from chassis.identity import Principal
from chassis.tables import AuditEntry, OutboxRow
from contracts.event import Event
from contracts.order import OrderEvent
from contracts.partner import PartnerJoined
from customer_sync.app import build
from customer_sync.consumers import consumers
from customer_sync.customers.models import Customer
from customer_sync.settings import CustomerSyncSettings
from testkit import bus
from testkit.door import Door

NOW = datetime(2026, 11, 23, 3, 0, 0, 123456, tzinfo=UTC)

SELLER = Principal(id="sp1", kind="solution_provider", partner_id="sp1")
OTHER_SELLER = Principal(id="sp2", kind="solution_provider", partner_id="sp2")
DISTRIBUTOR = Principal(id="dist1", kind="distributor", partner_id="dist1")
OTHER_DISTRIBUTOR = Principal(id="dist2", kind="distributor", partner_id="dist2")
RESELLER = Principal(id="res1", kind="reseller", partner_id="res1", distributor_id="dist1")
ABROAD = Principal(
    id="sp9", kind="solution_provider", partner_id="sp9", site="international"
)  # fmt: skip

CREATE = "/v2/partners/sub-customers"
LIST = "/v2/partners/sub-customers/query"
CHECK = "/v2/partners/sub-customers/users/check-identity"
SEND = "/v2/bases/verificationcode/send"
_serial = count(1)


class CustomerDoor(Door):
    """Customer-sync's door, and what its tests do most."""

    async def create(self, by: Principal | None = None, **fields: Any) -> str:
        """Make a customer; its id."""
        answer = await self.post(CREATE, a_customer(**fields), by)
        assert answer.status_code == 200, answer.text
        created: str = answer.json()["domain_id"]
        return created

    async def unlink(self, customer: str, by: Principal | None = None) -> None:
        """The partner applies, the customer agrees."""
        applied = await self.post(f"/api/customers/{customer}/unlinking", None, by)
        assert applied.status_code == 201, applied.text
        told = applied.json()
        itself = customer_itself(customer, told["partner_id"])
        path = f"/api/association-applications/{told['application_id']}/agree"
        agreed = await self.post(path, None, itself)
        assert agreed.status_code == 200, agreed.text

    async def listed(self, by: Principal | None = None, **fields: Any) -> dict[str, Any]:
        """The answer of list_sub_customers."""
        answer = await self.post(LIST, fields, by)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def names(self, by: Principal | None = None, **fields: Any) -> set[str]:
        """The login names that a search finds."""
        page = await self.listed(by, limit=100, **fields)
        names = {row["account_name"] for row in page["customer_infos"]}
        assert page["count"] == len(names)
        return names

    async def code(self, mobile: str, by: Principal | None = None, **fields: Any) -> str:
        """Ask for a verification code and read it from the file it was sent to."""
        body = {"receiver_type": 1, "mobile_phone": mobile, **fields}
        answer = await self.post(SEND, body, by)
        assert answer.status_code == 204, answer.text
        return self.last_code()

    def last_message(self) -> dict[str, Any]:
        """What the file sender wrote last."""
        lines = Path(self.app.parts.settings.verification_file).read_text().splitlines()
        message: dict[str, Any] = json.loads(lines[-1])
        return message

    def last_code(self) -> str:
        """The code in it."""
        return str(self.last_message()["code"])

    async def written(self) -> tuple[int, ...]:
        """How many customers, events and audit entries there are: unchanged by a refusal."""
        async with self.database.transaction() as session:
            numbers = [
                await session.scalar(select(func.count()).select_from(table)) or 0
                for table in (Customer, OutboxRow, AuditEntry)
            ]
        return tuple(numbers)


@asynccontextmanager
async def running(settings: CustomerSyncSettings, clock: WallClock) -> AsyncIterator[CustomerDoor]:
    """The service in this process, with the door that `sp1` goes through."""
    async with CustomerDoor.of(build(settings, clock), SELLER) as door:
        yield door
    await door.database.close()


def a_customer(**fields: Any) -> dict[str, Any]:
    """A body of create_sub_customer; each has its own xaccount_id."""
    return {"xaccount_id": f"crm-{next(_serial)}", "xaccount_type": "platform", **fields}


def customer_itself(customer: str, partner: str = "sp1") -> Principal:
    """The customer with its own credentials."""
    return Principal(id=customer, kind="customer", partner_id=partner)


def partner_joined(partner_id: str, kind: str, **fields: Any) -> PartnerJoined:
    """A partner account as the partner service states it."""
    told: dict[str, Any] = {
        "occurred_at": NOW,
        "partner_id": partner_id,
        "version": 1,
        "name": partner_id,
        "account_name": partner_id,
        "kind": kind,
        "site": "china",
        "currency": "CNY",
        "status": "active",
        "joined_on": NOW,
    }
    return PartnerJoined(**{**told, **fields})


async def know_sp1(database: Database) -> None:
    """The partner in whose name a connected service asks."""
    await hear(database, partner_joined("sp1", "solution_provider"))


async def know_partners(database: Database) -> None:
    """The accounts that the principals above stand for, and some in trouble."""
    below = {"distributor_id": "dist1"}
    joined = [
        partner_joined("sp1", "solution_provider"),
        partner_joined("sp2", "solution_provider"),
        partner_joined("sp9", "solution_provider", site="international", currency="USD"),
        partner_joined("dist1", "distributor"),
        partner_joined("dist2", "distributor"),
        partner_joined("res1", "reseller", **below),
        partner_joined("res2", "reseller", **below),
    ]
    await hear(database, *joined)


async def hear(database: Database, *events: Event) -> None:
    """Deliver events to customer-sync, in one batch."""
    await bus.hear(database, consumers, *events)


def an_order(
    kind: type[OrderEvent], customer: str, order_id: str, version: int = 1, **more: Any
) -> Any:
    """A fact about an order that was placed on the customer's behalf and waits for payment."""
    told: dict[str, Any] = {
        "occurred_at": NOW, "partner_id": "sp1", "version": version, "order_id": order_id,
        "customer_id": customer, "order_type": 1, "status": 6, "source_type": 2,
        "currency": "CNY", "service_type_code": "ecs", "official_amount": Decimal(10),
        "discount_amount": Decimal(0), "amount_after_discount": Decimal(10),
        "coupon_amount": Decimal(0), "flexipurchase_coupon_amount": Decimal(0), "lines": [],
        "created_at": NOW,
    }  # fmt: skip
    return kind(**{**told, **more})
