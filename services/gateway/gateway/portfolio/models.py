"""The read model's tables: one row per aggregate, and on the customer what a page shows at once.

`version` is the owner's: a row takes the newer and ignores the older, so events of different
streams may arrive in any order. A row about a customer not yet met makes a stub of it (version 0).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Text, column, func, table, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column

from chassis.database import COLUMN_TYPES

NOTHING = text("'[]'::jsonb")


class PortfolioTables(DeclarativeBase):
    """Apart from identity's tables; bound to the tenant by row-level security."""

    type_annotation_map = COLUMN_TYPES


class Tenant:
    """Who owns the row, and who stands above the owner."""

    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]


class Seen:
    """When an event last told of the row: what a rebuild has not seen again is a ghost."""

    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CustomerRow(Tenant, Seen, PortfolioTables):
    """A customer as the portfolio shows it."""

    __tablename__ = "portfolio_customers"
    __table_args__ = (
        Index("portfolio_customers_names", "names", postgresql_using="gin"),
        Index("portfolio_by_type", "partner_id", "association_status", "association_type"),
        Index("portfolio_by_manager", "partner_id", "account_manager_name", "customer_id"),
        Index("portfolio_by_manager_id", "partner_id", "account_manager_id"),
        Index("portfolio_by_label", "partner_id", "label", "customer_id"),
        Index("portfolio_by_mobile", "partner_id", "mobile"),
        # What a search may be sorted by, for partners, distributors and the administrator alike.
        Index("portfolio_by_age", text("coalesce(associated_on, registered_at)"), "customer_id"),
        Index("portfolio_by_account_name", "account_name", "customer_id"),
        Index("portfolio_by_amount", "consumption_cycle", "consumption_amount", "customer_id"),
        Index("portfolio_of_distributor", "distributor_id", "customer_id"),
    )

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    account_name: Mapped[str | None]
    customer_name: Mapped[str | None]
    # A trigger folds names and makes their grams (migration 0017); None where lower case does it.
    folded_account_name: Mapped[str | None]
    folded_customer_name: Mapped[str | None]
    names: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    site: Mapped[str | None]
    currency: Mapped[str | None]
    association_type: Mapped[str | None]
    association_status: Mapped[str | None]
    associated_on: Mapped[datetime | None]
    unlinked_on: Mapped[datetime | None]
    label: Mapped[str | None]
    mobile: Mapped[str | None]
    email: Mapped[str | None]
    account_manager_id: Mapped[str | None]
    account_manager_name: Mapped[str | None]
    customer_type: Mapped[int | None]
    verified_status: Mapped[str | None]
    is_frozen: Mapped[int | None]
    customer_level: Mapped[str | None]
    registered_at: Mapped[datetime | None]

    # Of the customer's other rows, written again with every batch that touches one of them.
    orders_by_status: Mapped[list[Any]] = mapped_column(server_default=NOTHING)
    balances: Mapped[list[Any]] = mapped_column(server_default=NOTHING)
    coupons_by_type: Mapped[list[Any]] = mapped_column(server_default=NOTHING)
    consumption_cycle: Mapped[str | None]  # the newest bill cycle with a line
    consumption_amount: Mapped[Decimal] = mapped_column(server_default=text("0"))
    debt_amount: Mapped[Decimal] = mapped_column(server_default=text("0"))
    as_of: Mapped[datetime]  # the newest fact in this row


# The same columns behind the view that searches read (migration 0004).
VisibleCustomer = aliased(
    CustomerRow,
    table(
        "visible_portfolio",
        *(column(known.name, known.type) for known in CustomerRow.__table__.columns),
    ),
    adapt_on_names=True,
)


class OrderRow(Tenant, Seen, PortfolioTables):
    """An order's state."""

    __tablename__ = "portfolio_orders"

    order_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[str] = mapped_column(index=True)
    status: Mapped[int]
    currency: Mapped[str]
    amount_after_discount: Mapped[Decimal]
    created_at: Mapped[datetime]


class ResourceRow(Tenant, Seen, PortfolioTables):
    """A resource and when it ends."""

    __tablename__ = "portfolio_resources"
    __table_args__ = (
        Index("portfolio_resources_expiry", "partner_id", "expire_at", "customer_id"),
        Index("portfolio_resources_customer", "customer_id", "expire_at"),
    )

    resource_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[str]
    resource_name: Mapped[str]
    service_type_code: Mapped[str]
    charging_mode: Mapped[int]
    status: Mapped[int]
    expire_at: Mapped[datetime | None]


class CouponRow(Tenant, Seen, PortfolioTables):
    """A coupon's state."""

    __tablename__ = "portfolio_coupons"

    coupon_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[str] = mapped_column(index=True)
    coupon_type: Mapped[int]
    status: Mapped[int]
    currency: Mapped[str]
    balance: Mapped[Decimal]
    reserved_amount: Mapped[Decimal]
    expire_at: Mapped[datetime]


class AccountRow(Tenant, Seen, PortfolioTables):
    """An account's balance."""

    __tablename__ = "portfolio_accounts"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[str] = mapped_column(index=True)  # the owner, also where it is a partner
    account_type: Mapped[int]
    currency: Mapped[str]
    balance: Mapped[Decimal]
    held: Mapped[Decimal]
    credit_amount: Mapped[Decimal | None]


class DebtRow(Tenant, Seen, PortfolioTables):
    """What a customer owes, once it has owed anything."""

    __tablename__ = "portfolio_debts"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    currency: Mapped[str]
    debt_amount: Mapped[Decimal]


class LineRow(Tenant, Seen, PortfolioTables):
    """A bill line's part in the month's consumption."""

    __tablename__ = "portfolio_lines"
    __table_args__ = (Index("portfolio_lines_of", "customer_id", "bill_cycle"),)

    line_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[str]
    bill_cycle: Mapped[str]
    payment_amount: Mapped[Decimal]
    # Still owed of it; 0 on rows of before it was kept, until the next rebuild.
    debt_amount: Mapped[Decimal] = mapped_column(server_default=text("0"))


class FeedRow(Tenant, PortfolioTables):
    """An event as it flowed by, in the order of its arrival here."""

    __tablename__ = "event_feed"
    __table_args__ = (
        Index("event_feed_of_partner", "partner_id", "position"),
        Index("event_feed_of_customer", "customer_id", "position"),
    )

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    stream: Mapped[str]
    type: Mapped[str]
    subject: Mapped[str]
    key: Mapped[str]
    version: Mapped[int]  # of the aggregate, after the fact
    data_schema: Mapped[str]  # as in `order.paid/1.0`
    customer_id: Mapped[str | None]  # who may see it beside the partner
    occurred_at: Mapped[datetime]
    arrived_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    body: Mapped[bytes | None]  # none: a tombstone, the content was erased
