"""Principals, events and requests of the voucher tests."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from httpx import Response
from sqlalchemy import func, select

from chassis.database import Database
from chassis.identity import Principal
from contracts.customer import (
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerEvent,
    CustomerUnlinked,
)
from contracts.event import Event
from contracts.order import (
    CouponUse,
    OrderCreated,
    OrderEvent,
    OrderLine,
    OrderPaid,
    OrderPaymentFailed,
)
from contracts.partner import PartnerJoined
from testkit import bus
from testkit.clock import NOON
from testkit.door import ADMINISTRATOR, Door
from voucher.consumers import consumers
from voucher.coupons.models import Coupon
from voucher.quotas.models import Quota

NOW = NOON
LATER = NOW + timedelta(days=365)
PARTNER = Principal(id="sp", kind="solution_provider", partner_id="sp")
OTHER = Principal(id="other", kind="solution_provider", partner_id="other")
DISTRIBUTOR = Principal(id="dist", kind="distributor", partner_id="dist")
RESELLER = Principal(id="r1", kind="reseller", partner_id="r1", distributor_id="dist")
ISSUE = "/v2/promotions/benefits/partner-coupons"
RECLAIM = "/v2/promotions/benefits/partner-coupons/reclaim"
OWN = "/v2/promotions/benefits/coupons"
RECORDS = "/v2/promotions/benefits/partner-coupons/records/query"
ORDER_COUPONS = "/v2/orders/customer-orders/order-coupons"
RESERVE = "/internal/reservations"
HAND_OUT = "/v2/partners/coupon-quotas/indirect-partner-adjust"
TAKE_BACK = "/v2/partners/coupon-quotas/indirect-partner-reclaim"
HANDED_OUT = "/v2/partners/issued-coupon-quotas"
QUOTA_RECORDS = "/v2/partners/coupon-quotas/records"
ECS = "hws.service.type.ec2"

_serial = count(1)
E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=CustomerEvent)
O = TypeVar("O", bound=OrderEvent)  # noqa: E741


def wire(instant: datetime) -> str:
    """As the wire writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def customer(customer_id: str, partner_id: str = "sp") -> Principal:
    """The customer itself."""
    return Principal(id=customer_id, kind="customer", partner_id=partner_id)


class VoucherDoor(Door):
    """Voucher's door, and what its tests do most."""

    async def grant(self, value: str = "1000.00", **fields: Any) -> str:
        """A quota of the partner, effective since yesterday; its id."""
        body: dict[str, Any] = {
            "partner_id": "sp",
            "quota_type": 0,
            "quota_value": value,
            "currency": "CNY",
            "effective_at": wire(NOW - timedelta(days=1)),
            "expire_at": wire(LATER),
        }
        answer = await self.post("/api/quotas", body | fields, ADMINISTRATOR)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["quota_id"])

    async def issue(
        self,
        quota_id: str,
        customers: list[str],
        face: Any = 100,
        by: Principal = PARTNER,
        **more: Any,
    ) -> Response:
        """create_partner_coupons."""
        body = {"quota_id": quota_id, "customer_ids": customers, "face_value": face}
        return await self.post(ISSUE, body | more, by)

    async def coupon(
        self, quota_id: str, customer_id: str = "c1", face: Any = 100, **more: Any
    ) -> str:
        """One coupon; its id."""
        answer = await self.issue(quota_id, [customer_id], face, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["coupon_infos"][0]["coupon_id"])

    async def reserve(
        self,
        attempt: str,
        coupons: list[str],
        amount: str = "80.00",
        order: str = "CS1",
        **more: Any,
    ) -> Response:
        """Order's call for one line of an order of customer c1."""
        body = reservation(attempt, coupons, amount, order) | more
        return await self.post(RESERVE, body, customer(str(body["customer_id"])))

    async def reclaim(self, coupon_id: str, by: Principal = PARTNER) -> Response:
        """reclaim_partner_coupons."""
        return await self.post(RECLAIM, {"coupon_id": coupon_id}, by)

    async def hand_out(
        self, quota_id: str, resellers: list[str], amount: Any = 100, by: Principal = DISTRIBUTOR
    ) -> Response:
        """update_coupon_quotas."""
        body = {"quota_id": quota_id, "indirect_partner_ids": resellers, "quota_amount": amount}
        return await self.post(HAND_OUT, body, by)

    async def child(self, quota_id: str, reseller: str = "r1", amount: Any = 100) -> str:
        """One quota handed out; its id."""
        answer = await self.hand_out(quota_id, [reseller], amount)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["simple_quota_infos"][0]["quota_id"])

    async def take_back(
        self, quota_ids: list[str], by: Principal = DISTRIBUTOR, **more: Any
    ) -> Response:
        """reclaim_coupon_quotas."""
        return await self.post(TAKE_BACK, {"quota_ids": quota_ids} | more, by)

    async def set_status(self, quota_id: str, status: int) -> Response:
        """The administrator's PATCH."""
        body = {"quota_status": status}
        return await self.patch(f"/api/quotas/{quota_id}", body, ADMINISTRATOR)

    async def balances(self, *quota_ids: str) -> list[str]:
        """What each has, as a text."""
        return [str((await self.quota(quota_id)).balance) for quota_id in quota_ids]

    async def proof(self) -> dict[str, Any]:
        """The administrator's proof."""
        answer = await self.get("/api/vouchers/proof", ADMINISTRATOR)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def is_balanced(self) -> bool:
        """Whether the ledger balances."""
        return bool((await self.proof())["balanced"])

    async def quota(self, quota_id: str) -> Quota:
        """The row, seen past every tenant's rule."""
        async with self.database.transaction() as session:
            return await session.get_one(Quota, quota_id)

    async def held(self, coupon_id: str) -> Coupon:
        """The row, seen past every tenant's rule."""
        async with self.database.transaction() as session:
            return await session.get_one(Coupon, coupon_id)


def reservation(
    attempt: str, coupons: list[str], amount: str, order: str = "CS1"
) -> dict[str, Any]:
    """The body of order's call."""
    return {
        "attempt_id": attempt,
        "order_id": order,
        "customer_id": "c1",
        "coupons": [{"coupon_id": coupon, "type": 301} for coupon in coupons],
        "lines": [a_line("l1", amount)],
    }


def a_line(line_id: str, amount: str, **more: Any) -> dict[str, Any]:
    """A line of an order, without discount."""
    line = {
        "line_id": line_id,
        "product_id": "p1",
        "service_type_code": ECS,
        "region_code": "cn-north-4",
        "charging_mode": 1,
        "amount_after_discount": amount,
        "discount_ratio": "1",
    }
    return line | more


async def hear(database: Database, *events: Event) -> None:
    """Deliver events to voucher, in one batch."""
    await bus.hear(database, consumers, *events)


async def rows_of(database: Database, table: Any) -> int:
    """How many rows there are."""
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


def joined(partner_id: str, kind: str = "solution_provider", **more: Any) -> PartnerJoined:
    """A partner account of the China site."""
    fields: dict[str, Any] = {
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
    return PartnerJoined(**fields | more)


def about_customer(kind: type[C], customer_id: str, version: int = 1, **more: Any) -> C:
    """A fact about a resale customer of `sp`."""
    fields: dict[str, Any] = {
        "occurred_at": NOW,
        "partner_id": "sp",
        "version": version,
        "customer_id": customer_id,
        "account_name": customer_id,
        "site": "china",
        "currency": "CNY",
        "association_type": "2",
        "association_status": "associated",
        "associated_on": NOW - timedelta(days=9),
        "registered_at": NOW - timedelta(days=9),
    }
    return kind(**fields | more)


def associated(customer_id: str, version: int = 1, **more: Any) -> CustomerAssociated:
    """The customer belongs to its partner."""
    return about_customer(CustomerAssociated, customer_id, version, **more)


def unlinked(customer_id: str, version: int = 2, **more: Any) -> CustomerUnlinked:
    """It belongs to it no more."""
    gone = {"association_status": "unlinked", "unlinked_on": NOW}
    return about_customer(CustomerUnlinked, customer_id, version, **gone | more)


def switched(customer_id: str, version: int = 2, **more: Any) -> CustomerAssociationChanged:
    """From resale to referral."""
    changed = {"association_type": "1"} | more
    return about_customer(CustomerAssociationChanged, customer_id, version, **changed)


def about_order(kind: type[O], order_id: str = "CS1", **more: Any) -> O:
    """A fact about an order of c1 with one line of 80.00 at 20 % off."""
    fields: dict[str, Any] = {
        "occurred_at": NOW,
        "partner_id": "sp",
        "version": next(_serial),
        "order_id": order_id,
        "customer_id": "c1",
        "order_type": 1,
        "status": 6,
        "source_type": 2,
        "currency": "CNY",
        "service_type_code": ECS,
        "official_amount": "100.00",
        "discount_amount": "20.00",
        "amount_after_discount": "80.00",
        "coupon_amount": "0.00",
        "flexipurchase_coupon_amount": "0.00",
        "lines": [an_order_line()],
        "created_at": NOW,
    }
    return kind(**fields | more)


def an_order_line(line_id: str = "l1", **more: Any) -> OrderLine:
    """80.00 to pay of 100.00."""
    fields: dict[str, Any] = {
        "line_id": line_id,
        "product_id": "p1",
        "service_type_code": ECS,
        "service_type_name": "ECS",
        "resource_type_code": "hws.resource.type.vm",
        "resource_type_name": "VM",
        "resource_spec_code": "s6.large.2",
        "region_code": "cn-north-4",
        "charging_mode": 1,
        "official_amount": "100.00",
        "discount_amount": "20.00",
        "amount_after_discount": "80.00",
    }
    return OrderLine(**fields | more)


def created(order_id: str = "CS1", **more: Any) -> OrderCreated:
    """The order waits for payment."""
    return about_order(OrderCreated, order_id, **more)


def paid(attempt: str, uses: dict[str, str], order_id: str = "CS1") -> OrderPaid:
    """The attempt succeeded; `uses` is coupon → amount."""
    coupons = [CouponUse(coupon_id=c, coupon_type=1, amount=Decimal(a)) for c, a in uses.items()]
    return about_order(
        OrderPaid, order_id, status=3, attempt_id=attempt, coupons=coupons,
        cash_amount="0.00", credit_amount="0.00",
    )  # fmt: skip


def failed(attempt: str, order_id: str = "CS1") -> OrderPaymentFailed:
    """The attempt ended unpaid."""
    return about_order(OrderPaymentFailed, order_id, attempt_id=attempt, reason_code="CBC.99005003")


async def settle_in_below(door: VoucherDoor) -> None:
    """A distributor with two resellers, of whom the first has customers c1 and c2; and another."""
    mine: dict[str, Any] = {"distributor_id": "dist"}
    c1, c2 = (associated(one, partner_id="r1", **mine) for one in ("c1", "c2"))
    await hear(
        door.database, joined("dist", "distributor"), joined("other", "distributor"),
        joined("r1", "reseller", **mine), joined("r2", "reseller", **mine),
        joined("x1", "reseller", distributor_id="other"), c1, c2,
        associated("c3", partner_id="r2", **mine),
    )  # fmt: skip


async def settle_in(door: VoucherDoor, *customer_ids: str) -> None:
    """A partner with associated resale customers, c1 if none is named."""
    known = customer_ids or ("c1",)
    await hear(door.database, joined("sp"), *(associated(name) for name in known))
