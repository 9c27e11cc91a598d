"""Events as the services state them, for the read model."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.billing import (
    BillingDiscountGranted,
    BillingFundsMoved,
    BillingLineRecorded,
    BillingLineSettled,
)
from contracts.customer import CustomerAssociated
from contracts.order import OrderCreated, ResourceOpened
from contracts.voucher import VoucherCardUsed, VoucherIssued

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PARTNER = "p1"


def customer(customer_id: str = "c1", version: int = 2, **fields: Any) -> CustomerAssociated:
    """An associated resale customer."""
    known: dict[str, Any] = {
        "occurred_at": NOW,
        "partner_id": PARTNER,
        "version": version,
        "customer_id": customer_id,
        "account_name": f"account-{customer_id}",
        "site": "china",
        "currency": "CNY",
        "association_type": "2",
        "association_status": "associated",
        "associated_on": NOW,
        "registered_at": NOW,
    }
    return CustomerAssociated(**{**known, **fields})


def order(
    order_id: str, customer_id: str = "c1", version: int = 1, status: int = 6
) -> OrderCreated:
    """An order over 100.00."""
    return OrderCreated(
        occurred_at=NOW + timedelta(seconds=version),
        partner_id=PARTNER,
        version=version,
        order_id=order_id,
        customer_id=customer_id,
        order_type=1,
        status=status,
        source_type=2,
        currency="CNY",
        service_type_code="hws.service.type.ec2",
        official_amount=Decimal("120.00"),
        discount_amount=Decimal("20.00"),
        amount_after_discount=Decimal("100.00"),
        coupon_amount=Decimal("0.00"),
        flexipurchase_coupon_amount=Decimal("0.00"),
        lines=[],
        created_at=NOW,
    )


def funds(balance: str, version: int, customer_id: str = "c1") -> BillingFundsMoved:
    """The customer's balance account after a movement."""
    return BillingFundsMoved(
        occurred_at=NOW,
        partner_id=PARTNER,
        version=version,
        account_id=f"a-{customer_id}",
        owner_id=customer_id,
        owner_kind="customer",
        account_type=1,
        currency="CNY",
        amount=Decimal("1.00"),
        balance=Decimal(balance),
        held=Decimal("0.00"),
        movement_id=f"m{version}",
        reason="SOURCE_OPERATION_BEADJUST",
    )


def coupon(
    coupon_id: str, version: int = 1, status: int = 2, balance: str = "50.00"
) -> VoucherIssued:
    """A cash coupon."""
    return VoucherIssued(
        occurred_at=NOW,
        partner_id=PARTNER,
        version=version,
        coupon_id=coupon_id,
        customer_id="c1",
        coupon_type=1,
        status=status,
        currency="CNY",
        face_value=Decimal("50.00"),
        balance=Decimal(balance),
        reserved_amount=Decimal("0.00"),
        effective_at=NOW,
        expire_at=NOW + timedelta(days=30),
    )


def discount(discount_id: str) -> BillingDiscountGranted:
    """Five per cent off."""
    return BillingDiscountGranted(
        occurred_at=NOW,
        partner_id=PARTNER,
        version=1,
        discount_id=discount_id,
        customer_id="c1",
        name="regular",
        discount_type=3,
        discount_mode=0,
        discount_value="0.95",
        currency="CNY",
        effective_at=NOW,
    )


def card(card_id: str, version: int = 1, status: int = 1, balance: str = "9.00") -> VoucherCardUsed:
    """A stored value card of 30.00 that paid 21.00."""
    return VoucherCardUsed(
        occurred_at=NOW,
        partner_id=PARTNER,
        version=version,
        card_id=card_id,
        card_name="gift",
        customer_id="c1",
        status=status,
        currency="CNY",
        face_value=Decimal("30.00"),
        balance=Decimal(balance),
        effective_at=NOW,
        expire_at=NOW + timedelta(days=30),
        order_id="o1",
        attempt_id="a1",
        amount=Decimal("21.00"),
    )


def line(
    line_id: str,
    amount: str,
    cycle: str = "2026-11",
    customer_id: str = "c1",
    debt: str = "0.00",
) -> BillingLineRecorded:
    """A usage line, paid in cash but for a debt."""
    zero, owed = Decimal("0.00"), Decimal(debt)
    return BillingLineRecorded(
        occurred_at=NOW,
        partner_id=PARTNER,
        version=1,
        line_id=line_id,
        customer_id=customer_id,
        bill_cycle=cycle,
        bill_type=5,
        charging_mode=3,
        service_type_code="hws.service.type.ec2",
        service_type_name="ECS",
        resource_type_code="hws.resource.type.vm",
        region_code="cn-north-4",
        trade_time=NOW,
        currency="CNY",
        official_amount=Decimal(amount),
        official_discount_amount=zero,
        erase_amount=zero,
        payment_amount=Decimal(amount),
        coupon_amount=zero,
        flexipurchase_coupon_amount=zero,
        cash_amount=Decimal(amount) - owed,
        credit_amount=zero,
        debt_amount=owed,
    )


def settled(owed: BillingLineRecorded, amount: str, version: int = 2) -> BillingLineSettled:
    """That much of its debt was written off."""
    paid = Decimal(amount)
    left = {"debt_amount": owed.debt_amount - paid, "writeoff_amount": paid, "version": version}
    return BillingLineSettled(**{**owed.model_dump(), **left}, settled_amount=paid)


def resource(resource_id: str, expires_in_days: int, customer_id: str = "c1") -> ResourceOpened:
    """A period resource."""
    return ResourceOpened(
        occurred_at=NOW,
        partner_id=PARTNER,
        version=1,
        resource_id=resource_id,
        resource_name=f"ecs-{resource_id}",
        customer_id=customer_id,
        order_id="o1",
        service_type_code="hws.service.type.ec2",
        service_type_name="ECS",
        resource_type_code="hws.resource.type.vm",
        resource_type_name="VM",
        resource_spec_code="s6.large.2.linux",
        region_code="cn-north-4",
        charging_mode=1,
        status=2,
        effective_at=NOW,
        expire_at=NOW + timedelta(days=expires_in_days),
    )
