"""Usage is taken from packages before it is charged (docs/domain/resources.md H.13).

Then savings plans pay for it by the hour (decision 0167).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Package
from billing.prices.catalogue import Catalogue
from billing.prices.products import Tier
from billing.prices.rate import EXACT, FEE_PLACES, Usage, tiered_fee
from billing.usage.facts import package_deducted
from billing.usage.models import PackageCycle, PackageDeduction
from chassis import outbox
from chassis.ids import new_id
from wire.cycles import Cycle
from wire.money import cut

AMOUNT_PLACES = 10
MONEY = 1  # measure_id of a savings plan's item
UNSUBSCRIBED = 4  # status of a package, docs/domain/resources.md B.6


@dataclass(frozen=True, slots=True)
class Use:
    """What was used of which product, and when; `usage` is in the product's own units."""

    record_id: str
    customer_id: str
    partner_id: str
    distributor_id: str | None
    resource_id: str
    resource_type_code: str
    resource_type_name: str
    resource_spec_code: str
    region_code: str
    usage: Usage
    tiers: tuple[Tier, ...]  # what a unit costs, and the ratio that is payable of it
    discount: Decimal
    used_from: datetime | None
    used_until: datetime
    charged_at: datetime


@dataclass(frozen=True, slots=True)
class _Share:
    """An item of a package in the cycle of a use."""

    package: Package
    item: dict[str, Any]
    cycle: Cycle

    @property
    def is_money(self) -> bool:
        """Whether it is a savings plan's."""
        return bool(self.item["measure_id"] == MONEY)


@dataclass(frozen=True, slots=True)
class Cover:
    """What a savings plan pays for: so much use, which costs `official` by the list."""

    deduction_id: str
    package_id: str
    ratio: Decimal
    amount: Decimal  # of the hour's commitment
    used: Decimal  # in the product's own units, and of a linear one times its size
    official: Decimal


class Packages:
    """The packages of some customers, whose accounts are locked: one taker at a time."""

    def __init__(self, session: AsyncSession, packages: Iterable[Package]):
        self._session = session
        self._packages = list(packages)
        self._cycles: dict[tuple[str, datetime], PackageCycle] = {}

    @classmethod
    async def of(cls, session: AsyncSession, uses: Sequence[Use]) -> "Packages":
        """Those that the uses may be taken from, and what is left of them."""
        if not uses:
            return cls(session, [])
        found = await session.scalars(
            select(Package)
            .where(
                Package.customer_id.in_({use.customer_id for use in uses}),
                Package.expire_at >= min(use.used_until for use in uses).replace(microsecond=0),
                Package.effective_at <= max(use.used_until for use in uses),
                Package.status != UNSUBSCRIBED,
            )
            .order_by(Package.expire_at, Package.effective_at, Package.package_id)
            .execution_options(populate_existing=True)
        )
        packages = cls(session, found)
        await packages._look(uses)
        return packages

    async def _look(self, uses: Sequence[Use]) -> None:
        shares = [share for use in uses for share in self._shares_of(use)]
        if not shares:
            return
        found = await self._session.scalars(
            select(PackageCycle)
            .where(
                PackageCycle.item_id.in_({share.item["free_resource_id"] for share in shares}),
                PackageCycle.begin_at.in_({share.cycle.begin_at for share in shares}),
            )
            .execution_options(populate_existing=True)
        )
        self._cycles = {(row.item_id, row.begin_at): row for row in found}

    def take(self, use: Use, now: datetime) -> tuple[Usage, Decimal]:
        """Take as much of the use as there is; what is to be charged, and what was taken.

        The package that ends first gives first; among equals the older one.
        """
        rest, unit, taken = use.usage.dividend, use.usage.denominator, Decimal(0)
        with localcontext(EXACT):
            for share in self._shares_of(use):
                if share.is_money:
                    continue
                cycle = self._cycle(share, use)
                part = min(cycle.left_amount, cut(rest / unit, AMOUNT_PLACES))
                if not part:
                    continue
                # What cutting leaves of a use that is taken whole is not charged.
                rest = rest - part * unit if part == cycle.left_amount else Decimal(0)
                taken += part
                self._deduct(share, cycle, use, part, now)
        return (Usage(rest, 1, unit) if taken else use.usage), taken

    def cover(
        self, use: Use, rest: Usage, before: Decimal, catalogue: Catalogue, now: datetime
    ) -> tuple[Usage, list[Cover]]:
        """What savings plans pay for what packages left; what is to be charged, and what they paid.

        The plan that ends first pays first, up to what is left of its commitment of the hour.
        """
        covers: list[Cover] = []
        with localcontext(EXACT):
            for share in self._shares_of(use):
                ratio = share.is_money and catalogue.plan_ratio(
                    share.package.product_id, share.package.effective_at,
                    use.resource_type_code, use.resource_spec_code,
                )  # fmt: skip
                if not ratio:
                    continue
                official = tiered_fee(use.tiers, rest, FEE_PLACES, before)
                cycle = self._cycle(share, use)
                cost = cut(official * ratio, FEE_PLACES)
                part = min(cycle.left_amount, cost)
                if not part:
                    continue
                whole = rest.dividend / rest.denominator
                used = whole if part == cost else cut(whole * part / cost, AMOUNT_PLACES)
                covered = Usage(used * rest.denominator, 1, rest.denominator)
                listed = tiered_fee(use.tiers, covered, FEE_PLACES, before)
                left = Decimal(0) if part == cost else rest.dividend - covered.dividend
                rest, before = Usage(left, 1, rest.denominator), before + used
                # Given back, the same use would have cost as much more as the plan is cheaper.
                price = cut(1 / ratio, AMOUNT_PLACES)
                deduction_id = self._deduct(share, cycle, use, part, now, price)
                package_id = share.package.package_id
                covers.append(Cover(deduction_id, package_id, ratio, part, used, listed))
        return rest, covers

    def _shares_of(self, use: Use) -> Iterable[_Share]:
        for package in self._packages:
            if (package.customer_id, package.region_code) != (use.customer_id, use.region_code):
                continue
            cycle = package.reuse.cycle_at(use.used_until)
            for item in package.items if cycle is not None else ():
                if item["resource_type_code"] == use.resource_type_code and (
                    use.resource_spec_code in item["resource_spec_codes"]
                ):
                    assert cycle is not None
                    yield _Share(package, item, cycle)

    def _cycle(self, share: _Share, use: Use) -> PackageCycle:
        """The item's cycle, full when nothing was taken in it yet."""
        key = share.item["free_resource_id"], share.cycle.begin_at
        if key not in self._cycles:
            self._cycles[key] = PackageCycle(
                item_id=share.item["free_resource_id"],
                begin_at=share.cycle.begin_at,
                package_id=share.package.package_id,
                partner_id=use.partner_id,
                distributor_id=use.distributor_id,
                left_amount=Decimal(share.item["original_amount"]),
                taken_times=0,
            )
            self._session.add(self._cycles[key])
        return self._cycles[key]

    def _deduct(
        self,
        share: _Share,
        cycle: PackageCycle,
        use: Use,
        amount: Decimal,
        now: datetime,
        price: Decimal | None = None,
    ) -> str:
        available = cycle.left_amount
        cycle.take(amount)
        deduction = PackageDeduction(
            deduction_id=new_id(),
            record_id=use.record_id,
            item_id=cycle.item_id,
            package_id=share.package.package_id,
            customer_id=use.customer_id,
            partner_id=use.partner_id,
            distributor_id=use.distributor_id,
            cycle_begin_at=share.cycle.begin_at,
            cycle_end_at=share.cycle.end_at,
            number=cycle.taken_times,
            resource_id=use.resource_id,
            resource_type_code=use.resource_type_code,
            resource_type_name=use.resource_type_name,
            usage_type_code=share.item["usage_type_code"],
            measure_id=share.item["measure_id"],
            available_amount=available,
            used_amount=amount,
            remaining_amount=cycle.left_amount,
            price=use.tiers[0].hour if price is None else price,
            discount=use.discount,
            used_from=use.used_from,
            used_until=use.used_until,
            deducted_at=use.charged_at,
        )
        self._session.add(deduction)
        outbox.publish(self._session, package_deducted(deduction, now))
        return deduction.deduction_id
