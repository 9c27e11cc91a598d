"""What tests of order start from."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from chassis.database import Database
from chassis.identity import Principal
from chassis.tables import AuditEntry, OutboxRow
from order.copies import Authorization, Customer, Partner
from order.orders.models import PaymentAttempt
from tests.order.caller import Caller

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # Beijing noon

PARTNER = Principal(id="p1", kind="solution_provider", partner_id="p1", operator_id="li.na")
OTHER_PARTNER = Principal(id="p2", kind="solution_provider", partner_id="p2")
DISTRIBUTOR = Principal(id="d1", kind="distributor", partner_id="d1")
RESELLER = Principal(id="r1", kind="reseller", partner_id="r1", distributor_id="d1")
ADMINISTRATOR = Principal(id="admin", kind="administrator", partner_id="*")

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
    caller: Caller,
    customer_id: str,
    lines: Sequence[dict[str, Any]] | None = None,
    principal: Principal = PARTNER,
    **more: Any,
) -> dict[str, Any]:
    """Place an order that must be accepted; the answer."""
    body = {"customer_id": customer_id, "lines": list(lines or [line()]), **more}
    answer = await caller.post(principal, "/api/orders", body)
    assert answer.status_code == 201, answer.text
    placed: dict[str, Any] = answer.json()
    return placed


def payment(order_id: str, *coupons: str, flexi: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of pay_orders, with cash coupons and a flexi coupon."""
    body: dict[str, Any] = {"order_id": order_id, "use_coupon": "NO", "use_discount": "NO"}
    infos = [{"id": coupon, "type": 301} for coupon in coupons]
    infos += [{"id": flexi, "type": 302}] if flexi else []
    if infos:
        body["use_coupon"] = "YES"
        body["coupon_infos"] = infos
    return body | more


async def facts(database: Database) -> list[tuple[str, dict[str, Any]]]:
    """What was stated, in order: type and body."""
    async with database.transaction() as session:
        rows = (await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()
    return [(json.loads(row.attributes)["ce_type"], json.loads(row.body)) for row in rows]


async def types_stated(database: Database) -> list[str]:
    """The types of what was stated, in order."""
    return [stated for stated, _ in await facts(database)]


async def deeds(database: Database) -> list[tuple[str, str]]:
    """Action and subject of each audit entry."""
    async with database.transaction() as session:
        rows = await session.execute(
            select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)
        )
        return [(action, subject) for action, subject in rows]


async def attempts(database: Database) -> list[PaymentAttempt]:
    """The attempts to pay, oldest first."""
    async with database.transaction() as session:
        rows = await session.scalars(select(PaymentAttempt).order_by(PaymentAttempt.opened_at))
        return list(rows.all())
