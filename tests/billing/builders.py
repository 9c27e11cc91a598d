"""Partners, customers, orders and requests as billing meets them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import httpx
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import BALANCE, Account, Movement
from billing.app import build
from billing.consumers import consumers
from billing.settings import BillingSettings
from chassis.database import Database
from chassis.identity import Principal
from chassis.tables import OutboxRow
from contracts.customer import CustomerEvent, CustomerRegistered
from contracts.event import Event
from contracts.order import CouponUse, OrderLine, OrderPaid, OrderPaymentFailed
from contracts.partner import PartnerJoined
from testkit import bus
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PARTNER, OTHER_PARTNER, DISTRIBUTOR, RESELLER = "partner-1", "partner-2", "distributor", "reseller"
CUSTOMER, OTHER_CUSTOMER, REFERRAL = "customer-1", "customer-2", "customer-referral"
RESELLERS_CUSTOMER = "customer-of-reseller"

E = TypeVar("E", bound=CustomerEvent)


def money(text: str) -> Decimal:
    """An amount."""
    return Decimal(text)


def partner_joined(partner_id: str = PARTNER, **more: Any) -> PartnerJoined:
    """A solution provider, unless told otherwise."""
    values = {
        "occurred_at": NOW,
        "partner_id": partner_id,
        "version": 1,
        "name": partner_id,
        "account_name": partner_id,
        "kind": "solution_provider",
        "site": "china",
        "currency": "CNY",
        "status": "active",
        "joined_on": NOW,
        **more,
    }
    return PartnerJoined(**values)


def customer(
    contract: type[E] = CustomerRegistered,  # type: ignore[assignment]
    customer_id: str = CUSTOMER,
    **more: Any,
) -> E:
    """A resale customer of PARTNER, unless told otherwise."""
    values = {
        "occurred_at": NOW,
        "partner_id": PARTNER,
        "version": 1,
        "customer_id": customer_id,
        "account_name": f"{customer_id}-login",
        "customer_name": f"{customer_id} Ltd",
        "site": "china",
        "currency": "CNY",
        "association_type": "2",
        "association_status": "associated",
        "account_manager_id": "manager-1",
        "registered_at": NOW,
        **more,
    }
    return contract(**values)


def order_line(line_id: str, payable: str, official: str | None = None, **more: Any) -> OrderLine:
    """A month of a small server at that price."""
    official_amount = money(official or payable)
    values = {
        "line_id": line_id,
        "product_id": "OFFI-ECS-S6SMALL-L",
        "service_type_code": "hws.service.type.ec2",
        "service_type_name": "弹性云服务器",
        "resource_type_code": "hws.resource.type.vm",
        "resource_type_name": "云主机",
        "resource_spec_code": "s6.small.1.linux",
        "region_code": "cn-north-4",
        "charging_mode": 1,
        "period_type": 2,
        "period_num": 1,
        "official_amount": official_amount,
        "discount_amount": official_amount - money(payable),
        "amount_after_discount": money(payable),
        **more,
    }
    return OrderLine(**values)


def _order(attempt_id: str, lines: list[OrderLine], **more: Any) -> dict[str, Any]:
    payable = sum((line.amount_after_discount for line in lines), money("0.00"))
    official = sum((line.official_amount for line in lines), money("0.00"))
    return {
        "occurred_at": NOW,
        "partner_id": PARTNER,
        "version": 2,
        "attempt_id": attempt_id,
        "order_id": f"order-of-{attempt_id}",
        "customer_id": CUSTOMER,
        "order_type": 1,
        "status": 3,
        "source_type": 2,
        "currency": "CNY",
        "service_type_code": "hws.service.type.ec2",
        "official_amount": official,
        "discount_amount": official - payable,
        "amount_after_discount": payable,
        "coupon_amount": money("0.00"),
        "flexipurchase_coupon_amount": money("0.00"),
        "lines": lines,
        "created_at": NOW,
        **more,
    }


def order_paid(
    attempt_id: str,
    lines: list[OrderLine],
    cash: str = "0.00",
    credit: str = "0.00",
    coupons: list[tuple[int, str]] | None = None,
    **more: Any,
) -> OrderPaid:
    """An order whose attempt succeeded; coupons as (type, amount)."""
    uses = [
        CouponUse(coupon_id=f"CP{index}", coupon_type=kind, amount=money(amount))
        for index, (kind, amount) in enumerate(coupons or [])
    ]
    return OrderPaid(
        **_order(
            attempt_id,
            lines,
            coupons=uses,
            cash_amount=money(cash),
            credit_amount=money(credit),
            paid_at=NOW,
            **more,
        )
    )


def payment_failed(attempt_id: str, **more: Any) -> OrderPaymentFailed:
    """An order whose attempt failed."""
    lines = [order_line("l1", "10.00")]
    return OrderPaymentFailed(
        **_order(attempt_id, lines, status=6, reason_code="CBC.99003112", **more)
    )


async def hear(database: Database, *events: Event) -> None:
    """Deliver events to billing, in one batch."""
    await bus.hear(database, consumers, *events)


def as_partner(partner_id: str = PARTNER, kind: str = "solution_provider") -> Principal:
    """A partner's own credential."""
    return Principal(id=partner_id, kind=kind, partner_id=partner_id)


def as_customer(customer_id: str = CUSTOMER, partner_id: str = PARTNER) -> Principal:
    """A customer's own credential."""
    return Principal(id=customer_id, kind="customer", partner_id=partner_id)


class BillingDoor(Door):
    """Billing's door, and what its tests do most."""

    async def top_up(self, owner_id: str, amount: str, designated: str | None = None) -> None:
        """Give an owner money from outside."""
        body = {"amount": amount} | ({"designated_amount": designated} if designated else {})
        answer = await self.post(f"/api/accounts/{owner_id}/top-ups", body)
        assert answer.status_code == 201, answer.text

    async def transfer(
        self, amount: Any, customer_id: str = CUSTOMER, who: Principal | None = None, **more: Any
    ) -> httpx.Response:
        """A transfer by PARTNER to CUSTOMER, unless told otherwise."""
        body = {"customer_id": customer_id, "amount": amount, **more}
        path = "/v2/accounts/partner-accounts/adjust-amount"
        return await self.post(path, body, who or as_partner())

    async def hold(
        self, attempt_id: str, amount: str, customer_id: str = CUSTOMER
    ) -> httpx.Response:
        """Hold money for an attempt."""
        body = {
            "attempt_id": attempt_id,
            "order_id": f"order-of-{attempt_id}",
            "customer_id": customer_id,
            "amount": amount,
        }
        return await self.post("/internal/holds", body, as_customer(customer_id))


@asynccontextmanager
async def running(settings: BillingSettings, now: datetime = NOW) -> AsyncIterator[BillingDoor]:
    """The service in this process, its clock standing still."""
    app = build(settings, StandingClock(now))
    async with app.router.lifespan_context(app), BillingDoor.of(app) as door:
        yield door


async def balance_of(database: Database, owner_id: str, account_type: int = BALANCE) -> Account:
    """An account as it stands."""
    async with database.transaction() as session:
        return await account_in(session, owner_id, account_type)


async def account_in(session: AsyncSession, owner_id: str, account_type: int) -> Account:
    """An account, in a session."""
    found = await session.scalars(
        select(Account).where(Account.owner_id == owner_id, Account.account_type == account_type)
    )
    return found.one()


async def prove(door: BillingDoor) -> dict[str, Any]:
    """The ledger's own proof."""
    answer = await door.get("/api/ledger/proof", ADMINISTRATOR)
    assert answer.status_code == 200, answer.text
    proof: dict[str, Any] = answer.json()
    return proof


async def untouched(database: Database) -> tuple[int, int]:
    """How many movements and stated events there are: a refusal adds to neither."""
    async with database.transaction() as session:
        movements = await session.scalar(select(func.count()).select_from(Movement))
        events = await session.scalar(select(func.count()).select_from(OutboxRow))
        return movements or 0, events or 0
