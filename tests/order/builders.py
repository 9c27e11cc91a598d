"""What tests of order start from."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from chassis.database import Database
from chassis.identity import Principal
from contracts.event import Event
from order.consumers import consumers
from order.copies import Authorization, Customer, Partner
from order.orders.models import PaymentAttempt
from testkit import bus
from testkit.door import Door

MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # ten o'clock in Beijing

PARTNER = Principal(
    id="p1", kind="solution_provider", partner_id="p1", operator_id="op-1",
    login_name="li.na",
)  # fmt: skip
OTHER_PARTNER = Principal(id="p2", kind="solution_provider", partner_id="p2")
DISTRIBUTOR = Principal(id="d1", kind="distributor", partner_id="d1")
RESELLER = Principal(id="r1", kind="reseller", partner_id="r1", distributor_id="d1")

ORDERS = "/v2/orders/customer-orders"
PAY = "/v3/orders/customer-orders/pay"
CANCEL = "/v2/orders/customer-orders/cancel"


def customer_principal(customer_id: str, partner_id: str = "p1", **more: Any) -> Principal:
    """The customer itself, as the gateway names it."""
    return Principal(id=customer_id, kind="customer", partner_id=partner_id, **more)


async def keep_customer(
    database: Database,
    *,
    partner_id: str = "p1",
    distributor_id: str | None = None,
    association_type: str = "2",
    association_status: str = "associated",
    is_frozen: int = 0,
    paying_master_id: str | None = None,
    authorized: bool = True,
) -> str:
    """A customer that order knows; its id."""
    customer_id = uuid4().hex
    owner = {"partner_id": partner_id, "distributor_id": distributor_id, "version": 1}
    async with database.transaction() as session:
        session.add(
            Customer(
                customer_id=customer_id, site="china", currency="CNY",
                association_type=association_type, association_status=association_status,
                is_frozen=is_frozen, paying_master_id=paying_master_id, **owner,
            )
        )  # fmt: skip
        if authorized:
            session.add(
                Authorization(
                    authorization_id=uuid4().hex, customer_id=customer_id, status="active", **owner
                )
            )
    return customer_id


async def keep_partner(
    database: Database, partner_id: str = "p1", kind: str = "solution_provider"
) -> None:
    """A partner account that order knows."""
    async with database.transaction() as session:
        await session.merge(Partner(partner_id=partner_id, kind=kind, version=1))


async def keep_reseller(database: Database, reseller_id: str = "r1", above: str = "d1") -> None:
    """A reseller below a distributor."""
    async with database.transaction() as session:
        session.add(
            Partner(partner_id=reseller_id, distributor_id=above, kind="reseller", version=1)
        )


def line(service: str = "hws.service.type.ec2", **more: Any) -> dict[str, Any]:
    """One piece of something for one month."""
    return {
        "service_type_code": service,
        "resource_type_code": "hws.resource.type.vm",
        "resource_spec_code": "s6.large.2.linux",
        "region_code": "cn-north-4",
        "charging_mode": 1,
        "period_type": 2,
        "period_num": 1,
        "quantity": 1,
        **more,
    }


async def place(
    door: Door,
    customer_id: str,
    lines: Sequence[dict[str, Any]] | None = None,
    principal: Principal = PARTNER,
    **more: Any,
) -> dict[str, Any]:
    """Place an order that must be accepted; the answer."""
    body = {"customer_id": customer_id, "lines": list(lines or [line()]), **more}
    answer = await door.post("/api/orders", body, principal)
    assert answer.status_code == 201, answer.text
    placed: dict[str, Any] = answer.json()
    return placed


def payment(
    order_id: str, *coupons: str, flexi: str | None = None, card: str | None = None, **more: Any
) -> dict[str, Any]:
    """The body of pay_orders, with cash coupons, a flexi coupon and a stored value card."""
    body: dict[str, Any] = {"order_id": order_id, "use_coupon": "NO", "use_discount": "NO"}
    infos = [{"id": coupon, "type": 301} for coupon in coupons]
    infos += [{"id": flexi, "type": 302}] if flexi else []
    infos += [{"id": card, "type": 303}] if card else []
    if infos:
        body["use_coupon"] = "YES"
        body["coupon_infos"] = infos
    return body | more


def offer(
    discount_id: str, kind: int = 3, *off: str, ends_at: datetime | None = None, mode: int = 0
) -> dict[str, Any]:
    """A discount that billing offers: 8.50 off the 85.00 of one line, or so much off each line."""
    return {
        "order": 0, "discount_id": discount_id, "discount_type": kind, "discount_mode": mode,
        "discount_value": "0.9", "name": discount_id, "ends_at": ends_at and ends_at.isoformat(),
        "lines": [
            {"line": place, "discount_amount": one, "discount_ratio": "0.9"}
            for place, one in enumerate(off or ("8.50",))
        ],
    }  # fmt: skip


def using(order_id: str, discount_id: str, kind: int = 3, *coupons: str) -> dict[str, Any]:
    """The body of pay_orders with a discount."""
    infos = [{"id": discount_id, "type": kind}]
    return payment(order_id, *coupons, use_discount="YES", discount_infos=infos)


async def hear(database: Database, *events: Event) -> None:
    """Deliver events to order, in one batch."""
    await bus.hear(database, consumers, *events)


async def attempts(database: Database) -> list[PaymentAttempt]:
    """The attempts to pay, oldest first."""
    async with database.transaction() as session:
        rows = await session.scalars(select(PaymentAttempt).order_by(PaymentAttempt.opened_at))
        return list(rows.all())
