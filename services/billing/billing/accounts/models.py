"""Accounts, the movements between them, and what payment attempts hold."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from chassis.errors import RefusedError

# Account types: the vendor's (docs/domain/accounts.md B.10) below 100, our contra accounts above. A
# contra account belongs to the same owner as what it balances, so that no two owners wait for one
# row.
BALANCE, CREDIT = 1, 2
CHARGES, FUNDING, CREDIT_LINE, ARREARS = 101, 102, 103, 104
CONTRA_FROM = 100
ZERO = Decimal("0.00")
HELD, CAPTURED, RELEASED = "held", "captured", "released"  # states of a payment attempt


class BalanceInsufficientError(RefusedError):
    """The account cannot give that much; the detail says whose, and what of it is too little."""

    code = "CBC.99005003"


class AccountMissingError(RefusedError):
    """There is no such account."""

    code = "CBC.99000047"


class HoldClosedError(RefusedError):
    """The attempt's outcome is known already: nothing is held for it any more."""

    code = "CHB.0409"


class Account(Tables):
    """Where money stands. `balance` is the sum of its postings, kept in the same transaction.

    What may be spent is `balance - held`, and for a partner's transfers also without the earmarked
    `designated_amount` (docs/domain/accounts.md B.10). Contra accounts may be negative, no other
    may.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        Index("accounts_of_owner_by_end", "owner_id", "account_type", "expires_at", unique=True,
              postgresql_nulls_not_distinct=True),
        Index("accounts_that_end", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        CheckConstraint(
            f"account_type > {CONTRA_FROM} OR (held >= 0 AND held <= balance)", "covered"
        ),
        CheckConstraint("designated_amount >= 0", "designated"),
    )  # fmt: skip

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
    expires_at: Mapped[datetime | None]  # of credit, to the second; none: without end
    version: Mapped[int] = mapped_column(default=1)

    @classmethod
    def lasts(cls, now: datetime) -> ColumnElement[bool]:
        """That it has not ended."""
        return or_(cls.expires_at.is_(None), cls.expires_at > now)

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
        """What may be transferred now: the earmarked part stays.

        See docs/domain/worked-examples.md F.12.
        """
        return max(self.available - self.designated_amount, Decimal("0.00"))

    @property
    def spent(self) -> Decimal:
        """Of credit: how much of its line is spent; what is held is not."""
        return (self.credit_amount or ZERO) - self.balance

    @property
    def has_line(self) -> bool:
        """Of credit: whether there is a line; one with an end is gone with the last of it."""
        return self.credit_amount is not None and (not self.expires_at or self.credit_amount > 0)

    @property
    def is_customers(self) -> bool:
        """Whose it is; else a partner's."""
        return self.owner_kind == "customer"

    @property
    def has_less(self) -> str:
        """Why it refuses: whose account it is, and which."""
        kind = "credit" if self.account_type == CREDIT else "balance"
        return f"too little on the {self.owner_kind}'s {kind}"

    def post(self, amount: Decimal) -> None:
        """Put a signed amount on the account, or refuse."""
        if not self.is_contra and self.available + amount < 0:
            raise BalanceInsufficientError(self.has_less)
        self.balance += amount
        self.version += 1

    def hold(self, amount: Decimal) -> None:
        """Set an amount aside until the outcome of a payment attempt."""
        if self.available < amount:
            raise BalanceInsufficientError(self.has_less)
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
    # trade_detail_type, in the vendor's spelling (docs/domain/accounts.md B.10)
    reason: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    order_id: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Decimal]  # what moved, positive
    memo: Mapped[str | None]
    # Of a charge for usage: those of its line; of one for an order they follow from `at`.
    bill_cycle: Mapped[str | None]  # YYYY-MM, Beijing
    consume_time: Mapped[datetime | None]
    service_type_name: Mapped[str | None]


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
    # Whose money: for a custody member's order its master's; or the partner's, who was asked.
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    currency: Mapped[str]
    cash_amount: Mapped[Decimal]
    credit_amount: Mapped[Decimal]
    was_resale: Mapped[bool]  # a released rest then goes back to the partner of that time
    state: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
