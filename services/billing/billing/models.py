"""Billing's tables: accounts and their ledger, payment attempts, bill lines, and the copies.

Account amounts have 2 decimals, usage fees 8 (domain.md E); every row that holds money says its
currency and site.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Numeric, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES
from chassis.errors import RefusedError

RESALE_TYPES = frozenset({"2", "3"})  # association types, China and international (domain.md B.2)
ASSOCIATED = "associated"

# Account types: the vendor's (domain.md B.10) below 100, our contra accounts above. A contra
# account belongs to the same owner as what it balances, so that no two owners wait for one row.
BALANCE, CREDIT = 1, 2
CHARGES, FUNDING, CREDIT_LINE, ARREARS = 101, 102, 103, 104
CONTRA_FROM = 100

ZERO = Decimal("0.00")

HELD, CAPTURED, RELEASED = "held", "captured", "released"  # states of a payment attempt


class BalanceInsufficientError(RefusedError):
    """The account cannot give that much."""

    code = "CBC.99005003"


class AccountMissingError(RefusedError):
    """There is no such account."""

    code = "CBC.99000047"


class AttemptClosedError(RefusedError):
    """The attempt's outcome is known already: nothing is held for it any more."""

    code = "CHB.0409"


class Tables(DeclarativeBase):
    """Billing's own metadata."""

    type_annotation_map = COLUMN_TYPES


class Partner(Tables):
    """Our copy of a partner account."""

    __tablename__ = "partners"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    kind: Mapped[str]
    site: Mapped[str]
    currency: Mapped[str]
    version: Mapped[int]


class Customer(Tables):
    """Our copy of a customer: whose it is, how it is associated, in which currency it pays."""

    __tablename__ = "customers"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    account_name: Mapped[str]
    customer_name: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    association_type: Mapped[str]
    association_status: Mapped[str]
    account_manager_id: Mapped[str | None]
    version: Mapped[int]

    @property
    def is_resale(self) -> bool:
        """Whether a partner's funds may reach it."""
        return self.association_status == ASSOCIATED and self.association_type in RESALE_TYPES


class Account(Tables):
    """Where money stands. `balance` is the sum of its postings, kept in the same transaction.

    What may be spent is `balance - held`, and for a partner's transfers also without the earmarked
    `designated_amount` (domain.md B.10). Contra accounts may be negative, no other may.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        Index("accounts_of_owner", "owner_id", "account_type", unique=True),
        CheckConstraint(
            f"account_type > {CONTRA_FROM} OR (held >= 0 AND held <= balance)", "covered"
        ),
        CheckConstraint("designated_amount >= 0", "designated"),
    )

    account_id: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str]
    owner_kind: Mapped[str]  # "customer" | "partner"
    account_type: Mapped[int]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    balance: Mapped[Decimal] = mapped_column(default=ZERO)
    held: Mapped[Decimal] = mapped_column(default=ZERO)
    designated_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    credit_amount: Mapped[Decimal | None]  # the whole credit line, type 2 only
    version: Mapped[int] = mapped_column(default=1)

    @property
    def is_contra(self) -> bool:
        """One of ours, which nobody else hears of."""
        return self.account_type > CONTRA_FROM

    @property
    def available(self) -> Decimal:
        """What may be spent now."""
        return self.balance - self.held

    @property
    def transferable(self) -> Decimal:
        """What may be transferred now: the earmarked part stays (domain.md F rule 12)."""
        return max(self.available - self.designated_amount, Decimal("0.00"))

    def post(self, amount: Decimal) -> None:
        """Put a signed amount on the account, or refuse."""
        if not self.is_contra and self.available + amount < 0:
            raise BalanceInsufficientError
        self.balance += amount
        self.version += 1

    def hold(self, amount: Decimal) -> None:
        """Set an amount aside until the outcome of a payment attempt."""
        if self.available < amount:
            raise BalanceInsufficientError
        self.held += amount
        self.version += 1

    def free(self, amount: Decimal) -> None:
        """End a hold; spending the amount is another matter."""
        if amount > self.held:
            raise ValueError(f"{self.account_id}: {amount} is more than what is held")
        self.held -= amount
        self.version += 1


class Movement(Tables):
    """A balanced set of postings. Its id is the transfer_id or trans_id that callers hear."""

    __tablename__ = "movements"
    __table_args__ = (
        Index("movements_of_partner", "partner_id", "reason", "at", "movement_id"),
        Index("movements_of_customer", "customer_id", "at"),
    )

    movement_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    reason: Mapped[str]  # trade_detail_type, in the vendor's spelling (domain.md B.10)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    order_id: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Decimal]  # what moved, positive
    memo: Mapped[str | None]


class Posting(Tables):
    """One side of a movement: signed, positive into the account; never changed."""

    __tablename__ = "postings"
    __table_args__ = (
        Index("postings_of_movement", "movement_id"),
        Index("postings_of_account", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    movement_id: Mapped[str] = mapped_column(ForeignKey("movements.movement_id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.account_id"))
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    amount: Mapped[Decimal]
    balance_after: Mapped[Decimal]


class PaymentAttempt(Tables):
    """What one attempt to pay an order holds. Only the attempt's outcome ends it, never time."""

    __tablename__ = "payment_attempts"
    __table_args__ = (
        Index("attempts_held", "customer_id", postgresql_where=text("state = 'held'")),
    )

    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    customer_id: Mapped[str]  # whose money: for a custody member's order its master's
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    currency: Mapped[str]
    cash_amount: Mapped[Decimal]
    credit_amount: Mapped[Decimal]
    was_resale: Mapped[bool]  # a released rest then goes back to the partner of that time
    state: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


Fee = Numeric(38, 8)


class BillLine(Tables):
    """A line of a customer's bill; both identities of domain.md B.8 are constraints of the table.

    Whose customer it was, under which association and manager, is kept as it was at trade time.
    """

    __tablename__ = "bill_lines"
    __table_args__ = (
        CheckConstraint(
            "official_amount = official_discount_amount + erase_amount + payment_amount", "official"
        ),
        CheckConstraint(
            "payment_amount = cash_amount + credit_amount + coupon_amount"
            " + flexipurchase_coupon_amount + stored_value_card_amount + bonus_amount"
            " + debt_amount + writeoff_amount",
            "payment",
        ),
        CheckConstraint("debt_amount >= 0 AND writeoff_amount >= 0", "arrears"),
        Index("bill_lines_of_partner", "partner_id", "bill_cycle", "customer_id"),
        Index("bill_lines_of_customer", "customer_id", "bill_cycle", "trade_time", "line_id"),
        Index("bill_lines_owed", "customer_id", "trade_time", "line_id",
              postgresql_where=text("debt_amount > 0")),
        Index("bill_lines_of_record", "usage_record_id", unique=True),
    )  # fmt: skip

    line_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    # The enterprise master whose account paid for its member; none: the customer's own.
    payer_id: Mapped[str | None]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    association_type: Mapped[str]
    account_manager_id: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    bill_cycle: Mapped[str]  # YYYY-MM, Beijing
    bill_date: Mapped[date]  # Beijing
    bill_type: Mapped[int]
    charging_mode: Mapped[int]
    trade_id: Mapped[str]  # the order's id, else the movement's (domain.md B.8)
    order_id: Mapped[str | None]
    order_type: Mapped[int | None]
    usage_record_id: Mapped[str | None]
    resource_id: Mapped[str | None]
    resource_name: Mapped[str | None]
    service_type_code: Mapped[str]
    service_type_name: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    resource_spec_code: Mapped[str]
    product_id: Mapped[str]
    region_code: Mapped[str]
    trade_time: Mapped[datetime]
    consume_time: Mapped[datetime]
    period_type: Mapped[int | None]  # bill codes: 19 year, 20 month
    period_num: Mapped[int | None]
    usage_type: Mapped[str | None]
    usage_amount: Mapped[Decimal | None] = mapped_column(Numeric(38, 10))
    usage_measure_id: Mapped[int | None]
    official_amount: Mapped[Decimal] = mapped_column(Fee)
    official_discount_amount: Mapped[Decimal] = mapped_column(Fee)
    erase_amount: Mapped[Decimal] = mapped_column(Fee)
    payment_amount: Mapped[Decimal]
    coupon_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    flexipurchase_coupon_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    stored_value_card_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    bonus_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    cash_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    credit_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    debt_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    writeoff_amount: Mapped[Decimal] = mapped_column(default=ZERO)

    def write_off(self, amount: Decimal) -> Decimal:
        """Pay up to `amount` of what the line owes; the part that was taken."""
        paid = min(amount, self.debt_amount)
        self.debt_amount -= paid
        self.writeoff_amount += paid
        return paid
