"""All that order, billing and voucher hold after a step, read at one standing instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.models import PaymentAttempt as Hold
from billing.accounts.prove_ledger import prove_ledger as prove_billing
from billing.lines.models import BillLine
from billing.usage.models import PackageCycle
from gateway.forwarding.destinations import Service
from order.copies import Customer
from order.orders.discounts import OfferedDiscount
from order.orders.models import Order, PaymentAttempt
from order.packages.models import Package
from order.refunds.models import Refund
from order.resources.models import Resource
from tests.flows.in_process import InProcess
from voucher.attempts.models import Attempt
from voucher.coupons.models import Coupon, Restoration
from voucher.ledger.prove_ledger import prove_ledger as prove_voucher

BALANCE, CREDIT, CHARGES = 1, 2, 101  # account types
BILLED = ("coupon_amount", "flexipurchase_coupon_amount", "cash_amount", "credit_amount")
CHANGE, REFUND_TYPES = 3, (4, 10)  # order types
HELD = 2  # status: its refund waits for an approval
LEFT_OPEN = {Hold: "held", Attempt: "open"}  # what an outcome must have ended


@dataclass(frozen=True)
class State:
    """Rows as they are stored, and how the two ledgers prove."""

    now: datetime
    orders: Mapping[str, Order]
    attempts: Sequence[PaymentAttempt]
    offers: Sequence[OfferedDiscount]
    resources: Mapping[str, Resource]
    packages: Mapping[str, Package]
    cycles: Mapping[tuple[str, datetime], Decimal]  # by item: what billing leaves of each
    refunds: Sequence[Refund]
    customers: Mapping[str, Customer]
    accounts: Mapping[tuple[str, int], Account]
    bills: Mapping[str, tuple[Decimal, ...]]  # by order: what its lines say of BILLED
    uses: Mapping[str, Decimal]  # by payer: what usage was charged
    coupons: Mapping[str, Coupon]
    restored: Mapping[str, Decimal]  # by coupon
    open_elsewhere: int  # attempts that billing or voucher still hold something for
    proofs: Sequence[str]  # what the ledgers say against themselves

    def gives_back(self, order: Order) -> bool:
        """Whether money goes to the customer: a change does so where it costs less."""
        changed_back = order.order_type == CHANGE and self.refunds_of(order.order_id)
        return order.order_type in REFUND_TYPES or bool(changed_back)

    @property
    def made_refunds(self) -> list[Refund]:
        """Without those that wait for an approval."""
        return [one for one in self.refunds if self.orders[one.order_id].status != HELD]

    def refunds_of(self, order_id: str) -> list[Refund]:
        """What an order gave back."""
        return [one for one in self.refunds if one.order_id == order_id]

    def paid_by(self, order_id: str) -> PaymentAttempt | None:
        """The attempt that paid an order."""
        found = [x for x in self.attempts if (x.order_id, x.state) == (order_id, "paid")]
        return found[0] if found else None


async def read_state(system: InProcess, now: datetime) -> State:
    """Nothing moves while it is read."""
    async with system.database(Service.ORDER).transaction() as session:
        orders = await _all(session, Order)
        attempts = await _all(session, PaymentAttempt)
        offers = await _all(session, OfferedDiscount)
        resources = await _all(session, Resource)
        packages = await _all(session, Package)
        refunds = await _all(session, Refund)
        customers = await _all(session, Customer)
    async with system.database(Service.BILLING).transaction() as session:
        accounts = await _all(session, Account)
        columns = [func.sum(getattr(BillLine, name)) for name in BILLED]
        bills = await session.execute(
            select(BillLine.order_id, *columns).group_by(BillLine.order_id)
        )
        billed = {row[0]: tuple(row[1:]) for row in bills}
        payer = func.coalesce(BillLine.payer_id, BillLine.customer_id)
        charged = await session.execute(
            select(payer, func.sum(BillLine.cash_amount + BillLine.credit_amount))
            .where(BillLine.usage_record_id.is_not(None))
            .group_by(payer)
        )
        uses = {row[0]: row[1] for row in charged}
        cycles = await _all(session, PackageCycle)
        still_open = await _open(session, Hold)
        ledger = await prove_billing(session)
    async with system.database(Service.VOUCHER).transaction() as session:
        coupons = await _all(session, Coupon)
        given = await session.execute(
            select(Restoration.coupon_id, func.sum(Restoration.amount)).group_by(
                Restoration.coupon_id
            )
        )
        restored = {row[0]: row[1] for row in given}
        still_open += await _open(session, Attempt)
        vouchers = await prove_voucher(session, now)
    proofs = [] if ledger.balanced else [f"billing's ledger: {ledger}"]
    proofs += [f"voucher's ledger: {one}" for one in vouchers.differences]
    return State(
        now=now,
        orders={one.order_id: one for one in orders},
        attempts=attempts,
        offers=offers,
        resources={one.resource_id: one for one in resources},
        packages={one.package_id: one for one in packages},
        cycles={(one.item_id, one.begin_at): one.left_amount for one in cycles},
        uses=uses,
        refunds=refunds,
        customers={one.customer_id: one for one in customers},
        accounts={(one.owner_id, one.account_type): one for one in accounts},
        bills=billed,
        coupons={one.id: one for one in coupons},
        restored=restored,
        open_elsewhere=still_open,
        proofs=proofs,
    )


async def _all(session: AsyncSession, table: Any) -> Sequence[Any]:
    return (await session.scalars(select(table))).all()


async def _open(session: AsyncSession, table: Any) -> int:
    waiting = select(func.count()).select_from(table).where(table.state == LEFT_OPEN[table])
    return await session.scalar(waiting) or 0
