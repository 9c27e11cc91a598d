"""Copies of other services' things: partners and vouchers, customers, packages, resources."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from wire.cycles import Reuse
from wire.vocabulary import RESALE_TYPES, AssociationStatus

USES_VOUCHERS = "use_vouchers"
ASSOCIATED = AssociationStatus.ASSOCIATED


class Partner(Tables):
    """Our copy of a partner account."""

    __tablename__ = "partners"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    name: Mapped[str | None]  # none until its next event or a rebuild, as the login name
    account_name: Mapped[str | None]
    kind: Mapped[str]
    site: Mapped[str]
    currency: Mapped[str]
    # "issue_to_customers", or "use_vouchers": its vouchers pay for its own bill.
    coupon_mode: Mapped[str] = mapped_column(server_default=text("'issue_to_customers'"))
    version: Mapped[int]

    @property
    def uses_vouchers(self) -> bool:
        """Whether partner vouchers lower its bill."""
        return self.coupon_mode == USES_VOUCHERS


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
    label: Mapped[str | None]
    is_enterprise_master: Mapped[bool] = mapped_column(server_default=text("false"))
    enterprise_master_id: Mapped[str | None]  # whose member it is
    financial_custody: Mapped[bool] = mapped_column(server_default=text("false"))
    # Whether it lets its master see what it consumes; a custody member always does.
    shows_consumption: Mapped[bool] = mapped_column(server_default=text("false"))
    version: Mapped[int]

    @property
    def paying_master_id(self) -> str | None:
        """Its enterprise master, when it is a custody member of one (decision 0124)."""
        return self.enterprise_master_id if self.financial_custody else None

    @property
    def payer_id(self) -> str:
        """Whose accounts its usage is charged to."""
        return self.paying_master_id or self.customer_id

    @property
    def is_resale(self) -> bool:
        """Whether it is its partner's resale customer now: that partner's funds may reach it."""
        return self.association_status == ASSOCIATED and self.association_type in RESALE_TYPES


class Package(Tables):
    """Our copy of a package: when it holds, and so much of each item in a cycle.

    What is left of a cycle is ours (`billing.usage.models`, decision 0090).
    """

    __tablename__ = "packages"
    __table_args__ = (Index("packages_of_customer", "customer_id", "expire_at"),)

    package_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    region_code: Mapped[str]
    quota_reuse_cycle: Mapped[int | None]
    quota_reuse_cycle_type: Mapped[int | None]
    status: Mapped[int]
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime]
    items: Mapped[list[Any]]  # as the events say them; an amount is a text
    product_id: Mapped[str | None]  # none until its next event: older copies have none
    version: Mapped[int]

    @property
    def reuse(self) -> Reuse:
        """When it is full again."""
        return Reuse(
            self.effective_at, self.expire_at, self.quota_reuse_cycle, self.quota_reuse_cycle_type
        )


class Resource(Tables):
    """Our copy of a resource: what it is, and so what its renewal costs."""

    __tablename__ = "resources"
    __table_args__ = (
        Index("resources_of_customer", "customer_id", "resource_id"),
        Index("resources_of_main", "main_resource_id"),
    )

    resource_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    service_type_code: Mapped[str]
    resource_type_code: Mapped[str]
    resource_spec_code: Mapped[str]
    region_code: Mapped[str]
    charging_mode: Mapped[int]
    status: Mapped[int]
    expire_at: Mapped[datetime | None]
    main_resource_id: Mapped[str | None]
    resource_name: Mapped[str | None]  # none until its next event: older copies have none
    product_id: Mapped[str | None]
    measure_size: Mapped[Decimal | None] = mapped_column(Numeric(38, 10))
    version: Mapped[int]


class PartnerVoucher(Tables):
    """Our copy of a voucher that the vendor gave to a partner, as it is after what was heard."""

    __tablename__ = "partner_vouchers"
    __table_args__ = (Index("vouchers_of_partner", "partner_id", "voucher_id"),)

    voucher_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    currency: Mapped[str]
    balance: Mapped[Decimal]
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime]
    # As the events say them; none: heard of before limits were told.
    limits: Mapped[dict[str, Any] | None]
    version: Mapped[int]


class Coupon(Tables):
    """Our hint of a coupon or stored value card: whether its holder may have one that pays usage.

    What it may pay for, voucher knows and is asked.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        Index("coupons_that_may_pay", "customer_id", "expire_at",
              postgresql_where=text("is_usable")),
    )  # fmt: skip

    coupon_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    is_usable: Mapped[bool]
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime]
    version: Mapped[int]


class Unlinking(Tables):
    """When a customer left a partner: the details of a custody member's month part there (F.4)."""

    __tablename__ = "unlinkings"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
