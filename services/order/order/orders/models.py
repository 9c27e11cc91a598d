"""Orders with their lines, and the attempts to pay them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.errors import RefusedError
from order.models import Tables
from wire.vocabulary import OrderStatus, OrderType

# docs/domain/orders.md B.5: a pending order expires seven days after it may be paid
PAYMENT_DAYS = 7

# Order statuses, docs/domain/orders.md B.5.
REVIEW, CONFIRM = OrderStatus.REVIEW, OrderStatus.CONFIRM
PENDING, PROCESSING, REFUND = OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.REFUND
CANCELLED, COMPLETED = OrderStatus.CANCELLED, OrderStatus.COMPLETED

# Order types and source types, docs/domain/orders.md B.5.
NEW_PURCHASE, RENEWAL = OrderType.PURCHASE, OrderType.RENEWAL
UNSUBSCRIPTION = OrderType.UNSUBSCRIPTION
GIVING_BACK = (UNSUBSCRIPTION, OrderType.TO_ON_DEMAND)  # nobody pays them
BY_CUSTOMER, BY_AGENT, BY_SYSTEM = 1, 2, 8

# Why an order ended in CANCELLED.
BY_CALLER, BY_REFUSAL, BY_DEADLINE = "cancelled", "refused", "expired"
BY_ASSOCIATION = "association_ended"

# Orders that wait for review, payment or confirmation; words, not values, so that a query says
# what the index says.
WAITING = text("orders.status IN (1, 6, 9)")

# States of a payment attempt.
OPEN, PAID, FAILED = "open", "paid", "failed"


def _nothing_yet() -> Mapped[Decimal]:
    """An amount that is 0.00 until somebody says otherwise."""
    return mapped_column(default=Decimal("0.00"), server_default=text("0"))


class OrderNotPayableError(RefusedError):
    """The order is not pending payment any more, or not yet."""

    code = "CBC.99003106"


class OrderOverdueError(RefusedError):
    """The payment deadline has passed."""

    code = "CBC.99003110"


class EffectiveTimePassedError(RefusedError):
    """It was to take effect by now; the customer orders anew."""

    code = "CBC.99003162"


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
    # The discount that the order carries, and its part of discount_amount; the rest is the
    # catalogue's own reduction (docs/domain/orders.md H.1).
    discount_id: Mapped[str | None]
    discount_type: Mapped[int | None]
    granted_discount_amount: Mapped[Decimal] = _nothing_yet()
    # What a discount coupon took off when it was paid, another part of it (decision 0101).
    coupon_discount_amount: Mapped[Decimal] = _nothing_yet()
    promotion_ends_at: Mapped[datetime | None]  # of a promotion: the price ends with it
    coupon_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    flexipurchase_coupon_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    stored_card_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    cash_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    credit_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    # Of an unsubscription: what was used up, and the fee (docs/domain/resources.md H.9).
    consumed_amount: Mapped[Decimal] = _nothing_yet()
    commission_amount: Mapped[Decimal] = _nothing_yet()
    is_combined: Mapped[bool] = mapped_column(default=False)
    placed_by: Mapped[str]
    # The login name of who placed it, as user_name shows it (docs/domain/orders.md H.14).
    user_name: Mapped[str | None]
    # The enterprise master asked to pay for its custody member, or that did
    # (docs/domain/enterprise.md B.4).
    paying_agent_id: Mapped[str | None]
    # The partner, when the open attempt is its own at the customer's request, or paid the order.
    paying_partner_id: Mapped[str | None]
    # The open request to the partner to pay (docs/domain/orders.md H.12).
    payment_request_id: Mapped[str | None]
    created_at: Mapped[datetime]
    payable_at: Mapped[datetime | None]
    pay_until: Mapped[datetime | None]
    pay_before: Mapped[datetime | None]  # its configured effective time (docs/domain/orders.md H.2)
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
        self.status, self.payable_at = PENDING, now
        self.pay_until = self.deadline(self.promotion_ends_at)

    def deadline(self, promotion_ends_at: datetime | None) -> datetime | None:
        """Seven days, or the end of a promotion that it carries, if that is earlier."""
        if self.payable_at is None:
            return None
        until = self.payable_at + timedelta(days=PAYMENT_DAYS)
        return until if promotion_ends_at is None else min(until, promotion_ends_at)

    def carry(self, discount_id: str | None, discount_type: int | None,
              promotion_ends_at: datetime | None) -> None:  # fmt: skip
        """Have this discount in place of any other; its lines are priced already."""
        self.discount_id, self.discount_type = discount_id, discount_type
        self.promotion_ends_at = promotion_ends_at
        self.sum_discounts()
        self.pay_until = self.deadline(self.promotion_ends_at)

    def sum_discounts(self) -> None:
        """Its lines are priced anew."""
        zero = Decimal("0.00")
        self.granted_discount_amount = sum((x.granted_discount_amount for x in self.lines), zero)
        self.coupon_discount_amount = sum((x.coupon_discount_amount for x in self.lines), zero)
        self.discount_amount = sum((line.discount_amount for line in self.lines), zero)
        self.amount_after_discount = self.official_amount - self.discount_amount

    def repriced(self, now: datetime) -> None:
        """It carries another discount than before."""
        self._changed(now)

    def check_payable(self, now: datetime) -> None:
        """Refuse unless the order is pending payment and its times to be paid are ahead."""
        overdue = self.pay_until is not None and now >= self.pay_until
        if self.end_reason == BY_DEADLINE or (self.status == PENDING and overdue):
            raise OrderOverdueError
        if self.status != PENDING:
            raise OrderNotPayableError
        if self.pay_before is not None and now >= self.pay_before:
            raise EffectiveTimePassedError

    def request_payment(self, master_id: str, now: datetime) -> None:
        """The customer's enterprise master is to pay; the order is as pending as it was."""
        self.paying_agent_id = master_id
        self._changed(now)

    def ask_partner(self, request_id: str, now: datetime) -> None:
        """The customer's partner is asked to pay; the order is as pending as it was."""
        self.payment_request_id = request_id
        self._changed(now)

    def decline_request(self, now: datetime) -> None:
        """The partner does not pay; the order stays payable."""
        self.payment_request_id, self.paying_partner_id = None, None
        self._changed(now)

    def begin_payment(self, payer_id: str, *, by_partner: bool = False) -> None:
        """Note who pays this attempt; its outcome event names that account."""
        self.paying_agent_id = payer_id if payer_id != self.customer_id else None
        self.paying_partner_id = self.partner_id if by_partner else None

    @property
    def payer_id(self) -> str | None:
        """Whose money the last attempt is about; none: the customer's."""
        return self.paying_partner_id or self.paying_agent_id

    def pay(self, cash: Decimal, credit: Decimal, now: datetime) -> datetime:
        """Everything is held. Returns the instant at which provisioning is due."""
        if self.status != PENDING:
            raise OrderNotPayableError(f"status {self.status}")
        self.cash_amount, self.credit_amount = cash, credit
        self.status, self.paid_at = PROCESSING, now
        self.payment_request_id = None
        self.provision_at = now + timedelta(seconds=self.provisioning_seconds)
        self._changed(now)
        return self.provision_at

    def payment_failed(self, now: datetime) -> None:
        """The attempt ended unpaid; the order stays as payable as it was."""
        self._changed(now)

    def review(self, *, approved: bool, now: datetime) -> None:
        """End a review or confirmation: to be carried out, pending payment, or refused."""
        if self.status not in (REVIEW, CONFIRM):
            raise OrderNotUnderReviewError(f"status {self.status}")
        if approved and self.order_type in GIVING_BACK:
            self.status = PROCESSING
            self._changed(now)
        elif approved:
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

    def provisioned(self, now: datetime) -> None:
        """Pieces were opened."""
        if self.status != PROCESSING:
            raise OrderNotPayableError(f"{self.order_id} is not being provisioned")
        self._changed(now)

    def ask_again_at(self, at: datetime) -> None:
        """Pieces are not heard of; no fact, for nobody outside sees it."""
        self.provision_at = at

    def hold_refund(self, now: datetime) -> None:
        """Everything is released; what goes back waits for an approval on its way."""
        self.refund(now)
        self.status = REFUND

    def refund(self, now: datetime) -> None:
        """What goes back is on its way to where it came from."""
        if self.status not in (PROCESSING, REFUND):
            raise OrderNotPayableError(f"{self.order_id} is not being carried out")
        self._changed(now)

    def complete(self, now: datetime) -> None:
        """Everything ordered is provisioned, or refunded."""
        if self.status not in (PROCESSING, REFUND):
            raise OrderNotPayableError(f"{self.order_id} is not being provisioned")
        self.status, self.completed_at = COMPLETED, now
        self._changed(now)

    def _end(self, reason: str, now: datetime) -> None:
        self.status, self.end_reason, self.ended_at = CANCELLED, reason, now
        self.payment_request_id = None
        self._changed(now)

    def _changed(self, now: datetime) -> None:
        self.updated_at = now
        self.version += 1


class OrderLine(Tables):
    """One product of an order; the payment sets what each means of payment paid of it."""

    __tablename__ = "order_lines"
    __table_args__ = (
        Index("order_lines_of_order", "order_id", "position"),
        Index("order_lines_of_resource", "resource_id",
              postgresql_where=text("resource_id IS NOT NULL")),
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
    product_spec_desc: Mapped[str | None]  # the catalogue's words for it
    region_code: Mapped[str]
    charging_mode: Mapped[int]  # 1 period, 3 on-demand
    period_type: Mapped[int | None]  # order codes, docs/domain/bills.md B.8: 2 month, 3 year
    period_num: Mapped[int | None]
    # Behind its periods, to the unified expiry day (docs/domain/resources.md H.7).
    extra_days: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    quantity: Mapped[int]
    # The position of the main line that this one is attached to (docs/domain/resources.md H.7).
    attach_to: Mapped[int | None]
    measure_size: Mapped[Decimal | None]
    size_measure_id: Mapped[int | None]  # the unit of the size
    official_amount: Mapped[Decimal]
    discount_amount: Mapped[Decimal]
    amount_after_discount: Mapped[Decimal]
    # What the discount that the order carries takes off this line; none: it does not cover it.
    granted_discount_amount: Mapped[Decimal] = _nothing_yet()
    discount_type: Mapped[int | None]
    discount_ratio: Mapped[Decimal | None] = mapped_column(Numeric(38, 4))
    coupon_discount_amount: Mapped[Decimal] = _nothing_yet()
    coupon_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    flexipurchase_coupon_amount: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    stored_card_amount: Mapped[Decimal] = _nothing_yet()
    cash_amount: Mapped[Decimal] = _nothing_yet()
    credit_amount: Mapped[Decimal] = _nothing_yet()
    consumed_amount: Mapped[Decimal] = _nothing_yet()
    commission_amount: Mapped[Decimal] = _nothing_yet()
    resource_id: Mapped[str | None]  # of an order about a resource that there is
    # What its package holds, when it opens one and no resource (docs/domain/resources.md H.13).
    package: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
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
    discount_id: Mapped[str | None]  # used in place of the one that the order carries
    opened_at: Mapped[datetime]
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now())  # by the wall
    closed_at: Mapped[datetime | None]
    reason_code: Mapped[str | None]

    def close(self, state: str, now: datetime, reason_code: str | None = None) -> None:
        """The outcome, once."""
        if self.state != OPEN:
            raise AttemptClosedError(self.attempt_id)
        self.state, self.reason_code = state, reason_code
        self.closed_at = max(now, self.opened_at)  # the clocks of two replicas may differ
