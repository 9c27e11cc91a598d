"""Orders with their lines, and the attempts to pay them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.errors import RefusedError
from order.models import Tables

# docs/domain/orders.md B.5: a pending order expires seven days after it may be paid
PAYMENT_DAYS = 7

# Order statuses, docs/domain/orders.md B.5.
REVIEW, PROCESSING, CANCELLED, COMPLETED, PENDING, CONFIRM = 1, 3, 4, 5, 6, 9

# Why an order ended in CANCELLED.
BY_CALLER, BY_REFUSAL, BY_DEADLINE = "cancelled", "refused", "expired"
BY_ASSOCIATION = "association_ended"

# Orders that wait for review, payment or confirmation; words, not values, so that a query says
# what the index says.
WAITING = text("orders.status IN (1, 6, 9)")

# States of a payment attempt.
OPEN, PAID, FAILED = "open", "paid", "failed"


class OrderNotPayableError(RefusedError):
    """The order is not pending payment any more, or not yet."""

    code = "CBC.99003106"


class OrderOverdueError(RefusedError):
    """The payment deadline has passed."""

    code = "CBC.99003110"


class OrderNotCancellableError(RefusedError):
    """Only an order pending payment can be cancelled."""

    code = "CBC.99005010"


class OrderNotUnderReviewError(RefusedError):
    """There is no review or confirmation to decide."""

    code = "CHB.0409"


class AttemptClosedError(RefusedError):
    """The attempt was closed meanwhile; what it reserved is free again."""

    code = "CBC.99003106"


class Order(Tables):
    """An order; it changes only by its methods, which raise `version`.

    Amounts have 2 decimals in `currency`. Always: official - discount = after discount, and once
    paid: after discount = coupon + flexi + stored card + cash + credit (docs/domain/orders.md B.5).
    """

    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_of_partner", "partner_id", "created_at"),
        Index("orders_of_distributor", "distributor_id", "created_at"),
        Index("orders_of_customer", "customer_id", "created_at"),
        Index("orders_of_paying_agent", "paying_agent_id", "created_at",
              postgresql_where=text("paying_agent_id IS NOT NULL")),
        Index("orders_waiting", "customer_id", postgresql_where=text("status IN (1, 6, 9)")),
        Index("orders_to_expire", "pay_until", postgresql_where=text("status = 6")),
        Index("orders_to_complete", "provision_at", postgresql_where=text("status = 3")),
    )  # fmt: skip

    order_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    status: Mapped[int]
    order_type: Mapped[int]
    source_type: Mapped[int]
    currency: Mapped[str]
    service_type_code: Mapped[str]
    service_type_name: Mapped[str]
    official_amount: Mapped[Decimal]
    discount_amount: Mapped[Decimal]
    amount_after_discount: Mapped[Decimal]
    coupon_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    flexipurchase_coupon_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    stored_card_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    cash_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    credit_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    is_combined: Mapped[bool] = mapped_column(default=False)
    placed_by: Mapped[str]
    # The enterprise master asked to pay for its custody member, or that did
    # (docs/domain/enterprise.md B.4).
    paying_agent_id: Mapped[str | None]
    created_at: Mapped[datetime]
    pay_until: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    provisioning_seconds: Mapped[int] = mapped_column(default=0)
    provision_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]  # cancelled | refused | expired | association_ended
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    lines: Mapped[list["OrderLine"]] = relationship(
        order_by="OrderLine.position", lazy="selectin", cascade="all"
    )

    def make_payable(self, now: datetime) -> None:
        """Pending payment from now on; the deadline counts from here."""
        self.status = PENDING
        self.pay_until = now + timedelta(days=PAYMENT_DAYS)

    def check_payable(self, now: datetime) -> None:
        """Refuse unless the order is pending payment and its deadline is ahead."""
        overdue = self.pay_until is not None and now >= self.pay_until
        if self.end_reason == BY_DEADLINE or (self.status == PENDING and overdue):
            raise OrderOverdueError
        if self.status != PENDING:
            raise OrderNotPayableError

    def request_payment(self, master_id: str, now: datetime) -> None:
        """The customer's enterprise master is to pay; the order is as pending as it was."""
        self.paying_agent_id = master_id
        self._changed(now)

    def begin_payment(self, payer_id: str) -> None:
        """Note who pays this attempt; its outcome event names that account."""
        self.paying_agent_id = payer_id if payer_id != self.customer_id else None

    def pay(self, cash: Decimal, credit: Decimal, now: datetime) -> datetime:
        """Everything is held. Returns the instant at which provisioning is due."""
        self.cash_amount, self.credit_amount = cash, credit
        self.status, self.paid_at = PROCESSING, now
        self.provision_at = now + timedelta(seconds=self.provisioning_seconds)
        self._changed(now)
        return self.provision_at

    def payment_failed(self, now: datetime) -> None:
        """The attempt ended unpaid; the order stays as payable as it was."""
        self._changed(now)

    def review(self, *, approved: bool, now: datetime) -> None:
        """End a review or confirmation: pending payment, or refused."""
        if self.status not in (REVIEW, CONFIRM):
            raise OrderNotUnderReviewError(f"status {self.status}")
        if approved:
            self.make_payable(now)
            self._changed(now)
        else:
            self._end(BY_REFUSAL, now)

    def cancel(self, now: datetime) -> None:
        """The customer does not want it any more."""
        if self.status != PENDING:
            raise OrderNotCancellableError(f"status {self.status}")
        self._end(BY_CALLER, now)

    def expire(self, now: datetime) -> None:
        """Nobody paid until the deadline."""
        if self.status != PENDING or self.pay_until is None or now < self.pay_until:
            raise OrderNotPayableError(f"{self.order_id} is not overdue")
        self._end(BY_DEADLINE, now)

    def end_with_association(self, now: datetime) -> None:
        """The customer is no resale customer of the order's partner any more."""
        if self.status not in (REVIEW, PENDING, CONFIRM):
            raise OrderNotPayableError(f"status {self.status}")
        self._end(BY_ASSOCIATION, now)

    def complete(self, now: datetime) -> None:
        """Everything ordered is provisioned."""
        if self.status != PROCESSING:
            raise OrderNotPayableError(f"{self.order_id} is not being provisioned")
        self.status, self.completed_at = COMPLETED, now
        self._changed(now)

    def _end(self, reason: str, now: datetime) -> None:
        self.status, self.end_reason, self.ended_at = CANCELLED, reason, now
        self._changed(now)

    def _changed(self, now: datetime) -> None:
        self.updated_at = now
        self.version += 1


class OrderLine(Tables):
    """One product of an order. Coupon amounts are its share of the order's, set by the payment."""

    __tablename__ = "order_lines"
    __table_args__ = (
        Index("order_lines_of_order", "order_id", "position"),
        Index("order_lines_of_member", "member_order_id",
              postgresql_where=text("member_order_id IS NOT NULL")),
    )  # fmt: skip

    line_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    # In a combined order: the member order that this line belongs to (docs/domain/orders.md B.5).
    member_order_id: Mapped[str | None]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    position: Mapped[int]
    product_id: Mapped[str]
    service_type_code: Mapped[str]
    service_type_name: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    resource_spec_code: Mapped[str]
    region_code: Mapped[str]
    charging_mode: Mapped[int]  # 1 period, 3 on-demand
    period_type: Mapped[int | None]  # order codes, docs/domain/bills.md B.8: 2 month, 3 year
    period_num: Mapped[int | None]
    quantity: Mapped[int]
    measure_size: Mapped[Decimal | None]
    official_amount: Mapped[Decimal]
    discount_amount: Mapped[Decimal]
    amount_after_discount: Mapped[Decimal]
    coupon_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    flexipurchase_coupon_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    effective_at: Mapped[datetime | None]
    expire_at: Mapped[datetime | None]


class PaymentAttempt(Tables):
    """One try to pay an order (decision 0009). Open until order states its outcome."""

    __tablename__ = "payment_attempts"
    __table_args__ = (
        Index("one_open_attempt_per_order", "order_id", unique=True,
              postgresql_where=text("state = 'open'")),
        Index("attempts_of_order", "order_id", "opened_at"),
        Index("open_attempts_by_age", "opened_at", postgresql_where=text("state = 'open'")),
    )  # fmt: skip

    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    state: Mapped[str]
    coupons: Mapped[list[Any]]  # asked for while open, then what each paid
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    reason_code: Mapped[str | None]

    def close(self, state: str, now: datetime, reason_code: str | None = None) -> None:
        """The outcome, once."""
        if self.state != OPEN:
            raise AttemptClosedError(self.attempt_id)
        self.state, self.reason_code = state, reason_code
        self.closed_at = max(now, self.opened_at)  # the clocks of two replicas may differ
