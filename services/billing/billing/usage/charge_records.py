"""Charge rated records: packages first, then tiers and discounts, then cash, credit and debt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import ZERO
from billing.accounts.post_movement import OwnerAccounts
from billing.discounts.models import INQUIRY_TYPES
from billing.lines.roll_up import Main, Part, find_mains, rolled_up
from billing.prices.catalogue import Catalogue
from billing.prices.lower_usage import Lowered, Sold, UsageDiscounts, amount_of
from billing.prices.products import ON_DEMAND
from billing.prices.rate import EXACT
from billing.usage.models import CycleUse
from billing.usage.pay_usage import Paid
from billing.usage.rate_records import RatedRecord
from billing.usage.take_from_packages import AMOUNT_PLACES, Cover, Packages
from billing.usage.when_it_counts import late_for
from chassis.ids import new_id
from wire.money import cut
from wire.times import beijing_day, cycle_of
from wire.vocabulary import ChargingMode

BILL_TYPE_USAGE, BILL_TYPE_PLAN = 5, 23  # docs/domain/bills.md B.8
PAID_BY = (
    "payment_amount", "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount",
    "bonus_amount", "cash_amount", "credit_amount", "debt_amount", "writeoff_amount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Charge:
    """A record with its fee, which nobody has paid yet."""

    item: RatedRecord
    lowered: Lowered
    taken: Decimal  # from packages, in a unit of theirs
    before: Decimal  # what the customer had used of the product in the region and the cycle
    covers: Sequence[Cover] = ()  # what savings plans paid
    # What the use that its discount covers had come to in the cycle, where the steps are of that.
    amount_before: Decimal | None = None
    main: Main | None = None  # the instance that the resource is a part of


ROLLED = ("rolled_up",)  # of what a use's line was made of, that lines of the same use share
ANYWHERE = ""  # an amount is of all regions


class Charging:
    """Fees of records, one after another, below the locks of their customers' accounts."""

    def __init__(
        self,
        session: AsyncSession,
        catalogue: Catalogue,
        packages: Packages,
        discounts: UsageDiscounts,
        uses: dict[tuple[str, ...], CycleUse],
        mains: Mapping[str, Main],
    ):
        self._session, self._catalogue = session, catalogue
        self._packages, self._discounts, self._uses = packages, discounts, uses
        self._mains = mains

    @classmethod
    async def of(
        cls, session: AsyncSession, catalogue: Catalogue, items: Sequence[RatedRecord]
    ) -> "Charging":
        """What the fees of these records depend on, as it is now."""
        packages = await Packages.of(session, [item.use for item in items])
        ends = [item.record.used_until for item in items]
        customers = list({item.customer.customer_id: item.customer for item in items}.values())
        discounts = UsageDiscounts([])
        if items:
            discounts = await UsageDiscounts.of(session, customers, min(ends), max(ends))
        mains = await find_mains(session, {item.record.record_id: _part(item) for item in items})
        charging = cls(session, catalogue, packages, discounts, {}, mains)
        counted = [item for item in items if charging._counts(item)]
        amounts = discounts.amounts()
        if counted or amounts:
            await charging._look(items if amounts else counted, amounts)
        return charging

    def charge(self, item: RatedRecord, now: datetime) -> Charge:
        """The fee of the next record."""
        rest, taken = self._packages.take(item.use, now)
        product, region = item.product, item.record.region_code
        use = self._use(item) if self._counts(item) else None
        before = first = Decimal(0) if use is None else use.used
        whole = rest
        rest, covers = self._packages.cover(item.use, rest, before, self._catalogue, now)
        if use is not None:
            before += sum((one.used for one in covers), Decimal(0))
        sold = Sold(product, region, item.price, before)
        at = item.record.used_until
        spent = {
            one.discount_id: self._row(item, amount_of(one), ANYWHERE)
            for one in self._discounts.by_amount(self._catalogue, item.customer, sold, at)
        }
        told = {name: row.used for name, row in spent.items()}
        lowered = self._discounts.lower(self._catalogue, item.customer, sold, rest, at, spent=told)
        for row in spent.values():
            row.used += lowered.fee.official
        if use is not None:
            more = EXACT.divide(whole.dividend, Decimal(whole.denominator))
            use.used = first + cut(more, AMOUNT_PLACES)
        won = lowered.discount
        amount_before = told.get(won.discount_id) if won is not None else None
        main = self._mains.get(item.record.record_id)
        return Charge(item, lowered, taken, before, covers, amount_before, main)

    def _counts(self, item: RatedRecord) -> bool:
        """Whether what was used before matters."""
        return len(item.price.on_demand) > 1 or self._discounts.have_steps(
            item.customer, item.product.id
        )

    async def _look(self, items: Sequence[RatedRecord], amounts: Sequence[str]) -> None:
        found = await self._session.scalars(
            select(CycleUse)
            .where(
                CycleUse.customer_id.in_({item.customer.customer_id for item in items}),
                CycleUse.product_id.in_({item.product.id for item in items} | set(amounts)),
                CycleUse.bill_cycle.in_({cycle_of(item.trade_time) for item in items}),
            )
            .execution_options(populate_existing=True)
        )
        self._uses = {
            (one.customer_id, one.product_id, one.region_code, one.bill_cycle): one for one in found
        }

    def _use(self, item: RatedRecord) -> CycleUse:
        return self._row(item, item.product.id, item.record.region_code)

    def _row(self, item: RatedRecord, product_id: str, region: str) -> CycleUse:
        cycle = cycle_of(item.trade_time)
        customer = item.customer
        key = customer.customer_id, product_id, region, cycle
        if key not in self._uses:
            self._uses[key] = CycleUse(
                customer_id=customer.customer_id,
                product_id=product_id,
                region_code=region,
                bill_cycle=cycle,
                partner_id=customer.partner_id,
                distributor_id=customer.distributor_id,
                used=Decimal(0),
            )
            self._session.add(self._uses[key])
        return self._uses[key]


def _part(item: RatedRecord) -> Part:
    record = item.record
    return Part(
        record.customer_id,
        record.resource_id,
        item.product.resource_type_code,
        record.root_resource_id,
        record.root_resource_type_code,
        record.root_resource_name,
    )


def line_values(catalogue: Catalogue, charge: Charge, paid: Paid, now: datetime) -> dict[str, Any]:
    """What the line says, as it is paid; an order's columns, too, which facts read."""
    item, fee = charge.item, charge.lowered.fee
    record, product, customer = item.record, item.product, item.customer
    has_package, discount = bool(charge.taken), charge.lowered.discount
    values = dict(
        line_id=new_id(),
        customer_id=customer.customer_id,
        payer_id=customer.paying_master_id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        association_type=customer.association_type,
        account_manager_id=customer.account_manager_id,
        site=customer.site,
        currency=customer.currency,
        bill_cycle=cycle_of(item.trade_time),
        bill_date=beijing_day(item.trade_time),
        bill_type=BILL_TYPE_USAGE,
        charging_mode=ON_DEMAND,
        order_id=None,
        order_line_id=None,
        trade_id=paid.trade_id,
        usage_record_id=record.record_id,
        resource_id=record.resource_id,
        resource_name=record.resource_name,
        service_type_code=product.service_type_code,
        service_type_name=catalogue.service_by_code[product.service_type_code].name,
        resource_type_code=product.resource_type_code,
        resource_type_name=catalogue.resource_by_code[product.resource_type_code].name,
        resource_spec_code=product.resource_spec_code,
        product_id=product.id,
        region_code=record.region_code,
        trade_time=item.trade_time,
        consume_time=record.used_until,
        used_from=item.use.used_from,
        usage_type=product.usage_factor,
        usage_amount=record.usage_value,
        usage_measure_id=record.usage_measure_id,
        free_resource_usage=charge.taken if has_package else None,
        free_resource_measure_id=(product.size_measure_id or product.usage_measure_id)
        if has_package
        else None,
        official_amount=fee.official,
        official_discount_amount=fee.discount,
        erase_amount=fee.erased,
        payment_amount=fee.payable,
        **paid.by_money,
        version=1,
        known_at=now,
        late_for=late_for(record.used_until, item.trade_time),
        customer_label=customer.label,
        product_name=product.description,
        spec_size=record.measure_size if product.size_measure_id else None,
        spec_size_measure_id=product.size_measure_id,
        unit_price=item.use.tiers[0].hour if len(item.use.tiers) == 1 else None,
        price_id=f"{product.id}/{item.price.currency}/{item.price.valid_from.isoformat()}",
        enterprise_project_id=record.enterprise_project_id,
        parent_resource_id=record.parent_resource_id,
        root_resource_id=record.root_resource_id,
        promotion_type=None if discount is None else str(INQUIRY_TYPES[discount.discount_type]),
        reckoned=_reckoned(charge),
    )
    return rolled_up(values, charge.main)


def plan_values(charge: Charge, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the lines say of the use that savings plans paid: nothing is payable of it (type 23).

    `values` are those of the use's own line.
    """
    if not charge.covers:
        return []
    product = charge.item.product
    nothing = dict.fromkeys(PAID_BY, ZERO)
    return [
        {
            **values, **nothing,
            "line_id": new_id(),
            "bill_type": BILL_TYPE_PLAN,
            "charging_mode": ChargingMode.SAVINGS_PLAN,
            "usage_record_id": f"{charge.item.record.record_id}/plan/{one.deduction_id}",
            "usage_amount": cut(one.used, AMOUNT_PLACES),
            "usage_measure_id": product.size_measure_id or product.usage_measure_id,
            "free_resource_usage": None,
            "free_resource_measure_id": None,
            "official_amount": one.official,
            "official_discount_amount": one.official,
            "erase_amount": ZERO,
            "unit_price": None,
            "promotion_type": None,
            "reckoned": {
                "savings_plan": {
                    "package_id": one.package_id,
                    "ratio": f"{one.ratio:f}",
                    "amount": f"{one.amount:f}",
                },
                **{name: values["reckoned"][name] for name in ROLLED if name in values["reckoned"]},
            },
        }
        for one in charge.covers
    ]  # fmt: skip


def _reckoned(charge: Charge) -> dict[str, Any]:
    """What the fee was made of, beside what stands in the line's columns."""
    price, discount = charge.item.price, charge.lowered.discount
    told: dict[str, Any] = {"ratio": f"{price.discount:f}"}
    if len(price.on_demand) > 1:
        told["used_before"] = f"{charge.before:f}"
        told["tiers"] = [[f"{one.above:f}", f"{one.hour:f}"] for one in price.on_demand]
    if discount is not None:
        if charge.amount_before is not None:
            told["amount_before"] = f"{charge.amount_before:f}"
        told["discount"] = {
            "discount_id": discount.discount_id,
            "discount_mode": discount.discount_mode,
            "discount_value": discount.value_text,
            "agreement_number": discount.agreement_number,
        }
    return told


def accounts_of(accounts: Mapping[str, OwnerAccounts], charge: Charge) -> OwnerAccounts:
    """Of whoever pays."""
    return accounts[charge.item.customer.payer_id]
