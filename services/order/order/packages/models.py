"""Packages: what is left of them, and what was taken (docs/domain/resources.md H.13)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from order.models import Tables
from wire.cycles import Cycle, Reuse
from wire.vocabulary import ChargingMode

# Statuses, docs/domain/resources.md B.6.
NOT_EFFECTIVE, EFFECTIVE, USED_UP, INVALID, UNSUBSCRIBED = 0, 1, 2, 3, 4
RESETTABLE, NOT_RESETTABLE = 1, 2  # quota_reuse_mode
Quantity = Numeric(38, 10)
ZERO = Decimal(0)


class Package(Tables):
    """What a package product opened; it changes by its methods alone.

    Items say what is left of the cycle that `cycle_begin_at` names: the last one that something was
    taken from. Any later cycle is full, so that nothing needs to be written at its begin.
    """

    __tablename__ = "packages"
    __table_args__ = (
        Index("packages_of_customer", "customer_id", "effective_at"),
        Index("packages_of_order", "order_id"),
        Index("packages_to_turn", "turn_at", postgresql_where=text("turn_at IS NOT NULL")),
    )

    package_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    order_id: Mapped[str]  # that opened it
    line_id: Mapped[str]
    product_id: Mapped[str]
    product_name: Mapped[str]
    service_type_code: Mapped[str]
    service_type_name: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    resource_spec_code: Mapped[str]
    region_code: Mapped[str]
    quota_reuse_mode: Mapped[int]
    quota_reuse_cycle: Mapped[int | None]  # 1 hour, 2 day, 3 week, 4 month, 5 year
    quota_reuse_cycle_type: Mapped[int | None]  # 1 natural, 2 from its begin
    status: Mapped[int]
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime]  # its last second
    cycle_begin_at: Mapped[datetime]
    cycle_end_at: Mapped[datetime]
    turn_at: Mapped[datetime | None]  # when time changes it next: begin, reset or end
    is_used: Mapped[bool] = mapped_column(default=False)  # something was taken, in any cycle
    # What each means of payment paid of it, and which coupons: as of a resource's period.
    official_amount: Mapped[Decimal]
    coupon_amount: Mapped[Decimal]
    flexipurchase_coupon_amount: Mapped[Decimal]
    stored_card_amount: Mapped[Decimal]
    cash_amount: Mapped[Decimal]
    credit_amount: Mapped[Decimal]
    coupons: Mapped[list[Any]]
    payer_id: Mapped[str | None]  # whose money it was; none: the customer's
    refund_order_id: Mapped[str | None]  # the unsubscription that gave it back
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    items: Mapped[list["PackageItem"]] = relationship(
        order_by="PackageItem.number", lazy="selectin", cascade="all"
    )

    @property
    def reuse(self) -> Reuse:
        """When it is full again."""
        return Reuse(
            self.effective_at, self.expire_at, self.quota_reuse_cycle, self.quota_reuse_cycle_type
        )

    @property
    def cycle(self) -> Cycle:
        """The cycle that its items speak of."""
        return Cycle(self.cycle_begin_at, self.cycle_end_at)

    # What an unsubscription reads of a resource and of its paid period (docs/domain/resources.md
    # H.9): a package is both, bought once and never renewed.
    main_resource_id = None
    charging_mode = ChargingMode.PERIOD
    measure_size = None
    size_measure_id = None

    @property
    def resource_id(self) -> str:
        """What names it where resources are named."""
        return self.package_id

    @property
    def period_id(self) -> str:
        """Of its one period."""
        return self.package_id

    @property
    def base_period_id(self) -> None:
        """A package is not changed."""

    @property
    def product_spec_desc(self) -> str:
        """The catalogue's words for it."""
        return self.product_name

    @property
    def begin_at(self) -> datetime:
        """Of its one period."""
        return self.effective_at

    @property
    def end_at(self) -> datetime:
        """Of its one period."""
        return self.expire_at

    @property
    def paid_periods(self) -> "list[Package]":
        """Its one period, until it is given back."""
        return [self] if self.refund_order_id is None else []

    def close(self, now: datetime) -> None:
        """It is given back; nothing of it was used."""
        self.status = UNSUBSCRIBED
        self._turned(now)

    def begin(self, now: datetime) -> None:
        """Its time has come."""
        self.status = EFFECTIVE
        self._turned(now)

    def reset(self, cycle: Cycle, now: datetime) -> None:
        """It is full again."""
        self.cycle_begin_at, self.cycle_end_at = cycle.begin_at, cycle.end_at
        for item in self.items:
            item.amount, item.taken_times = item.original_amount, 0
        self.status = EFFECTIVE
        self._turned(now)

    def end(self, now: datetime) -> None:
        """Its time is over."""
        self.status = INVALID
        self._turned(now)

    def use_up(self, now: datetime) -> None:
        """Nothing is left and nothing is to come."""
        self.status = USED_UP
        self._turned(now)

    def plan_turn(self) -> None:
        """Know when time changes it next: a cycle that nothing was taken from needs no reset."""
        if self.status in (INVALID, UNSUBSCRIBED):
            self.turn_at = None
        elif self.status == NOT_EFFECTIVE:
            self.turn_at = self.effective_at
        else:
            again = self.reuse.begin_after(self.cycle) if self.is_touched else None
            self.turn_at = again or self.reuse.over_at

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left and no cycle follows."""
        is_last = self.reuse.begin_after(self.cycle) is None
        return is_last and not any(item.amount for item in self.items)

    @property
    def is_touched(self) -> bool:
        """Whether something was taken in its cycle."""
        return any(item.taken_times for item in self.items)

    def _turned(self, now: datetime) -> None:
        self.plan_turn()
        self.updated_at = now
        self.version += 1


class PackageItem(Tables):
    """One usage type of a package, and what is left of it in the package's cycle."""

    __tablename__ = "package_items"
    __table_args__ = (Index("items_of_package", "package_id", "number"),)

    item_id: Mapped[str] = mapped_column(primary_key=True)  # free_resource_id
    package_id: Mapped[str] = mapped_column(ForeignKey("packages.package_id"))
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    number: Mapped[int]  # within the package, from 1
    usage_type_code: Mapped[str]
    usage_type_name: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    resource_spec_codes: Mapped[list[Any]]
    measure_id: Mapped[int]
    original_amount: Mapped[Decimal] = mapped_column(Quantity)
    amount: Mapped[Decimal] = mapped_column(Quantity)
    # How often something was taken in the package's cycle: the newest deduction is known by it.
    taken_times: Mapped[int] = mapped_column(default=0)


class PackageDeduction(Tables):
    """What was taken for one use, as billing stated it."""

    __tablename__ = "package_deductions"
    __table_args__ = (
        Index("deductions_of_customer", "customer_id", "deducted_at"),
        Index("deductions_of_item", "item_id", "deducted_at"),
    )

    deduction_id: Mapped[str] = mapped_column(primary_key=True)
    item_id: Mapped[str]
    package_id: Mapped[str]
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    product_id: Mapped[str]  # of the package
    product_name: Mapped[str]
    resource_id: Mapped[str]  # that was used
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    usage_type_code: Mapped[str]
    measure_id: Mapped[int]
    available_amount: Mapped[Decimal] = mapped_column(Quantity)
    used_amount: Mapped[Decimal] = mapped_column(Quantity)
    remaining_amount: Mapped[Decimal] = mapped_column(Quantity)
    used_from: Mapped[datetime | None]
    used_until: Mapped[datetime]
    deducted_at: Mapped[datetime]
