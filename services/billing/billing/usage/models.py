"""What is left of packages, cycle by cycle, and what was taken (decision 0090)."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables

Quantity = Numeric(38, 10)


class PackageCycle(Tables):
    """An item of a package in one of its cycles. The row is the cycle's amount, given once.

    It is made when something is first taken in the cycle: nobody resets anything.
    """

    __tablename__ = "package_cycles"
    __table_args__ = (CheckConstraint("left_amount >= 0", "not_below_zero"),)

    item_id: Mapped[str] = mapped_column(primary_key=True)
    begin_at: Mapped[datetime] = mapped_column(primary_key=True)
    package_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    left_amount: Mapped[Decimal] = mapped_column(Quantity)
    taken_times: Mapped[int]

    def take(self, amount: Decimal) -> None:
        """So much less is left."""
        self.left_amount -= amount
        self.taken_times += 1


class PackageDeduction(Tables):
    """What was taken from one item for one usage record."""

    __tablename__ = "package_deductions"
    __table_args__ = (
        Index("deductions_of_record", "record_id", "item_id", unique=True),
        Index("deductions_of_package", "package_id"),
    )

    deduction_id: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str]
    item_id: Mapped[str]
    package_id: Mapped[str]
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    cycle_begin_at: Mapped[datetime]
    cycle_end_at: Mapped[datetime]
    number: Mapped[int]  # of the item's deductions in the cycle, from 1
    resource_id: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    usage_type_code: Mapped[str]
    measure_id: Mapped[int]
    available_amount: Mapped[Decimal] = mapped_column(Quantity)
    used_amount: Mapped[Decimal] = mapped_column(Quantity)
    remaining_amount: Mapped[Decimal] = mapped_column(Quantity)
    # What one unit would have cost, and the ratio that is payable of it.
    price: Mapped[Decimal] = mapped_column(Quantity)
    discount: Mapped[Decimal] = mapped_column(Quantity)
    used_from: Mapped[datetime | None]
    used_until: Mapped[datetime]
    deducted_at: Mapped[datetime]
    # When it was charged after all: its package had been given back (decision 0091).
    charged_at: Mapped[datetime | None]


class CycleUse(Tables):
    """What a customer used of a product in a region and a cycle, beside what packages gave.

    It is kept where the price depends on it: by tiers, or by steps of a discount. Where the steps
    are of an amount, `product_id` names the discount, and `used` is money at list prices.
    """

    __tablename__ = "cycle_uses"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[str] = mapped_column(primary_key=True)
    region_code: Mapped[str] = mapped_column(primary_key=True)
    bill_cycle: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    used: Mapped[Decimal] = mapped_column(Quantity)  # in the product's own units
