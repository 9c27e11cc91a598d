"""How one line came about and what became of it (GET /api/bill-lines/{line_id}/explanation)."""

from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.explanations.explain_vouchers import explain_settlement
from billing.explanations.list_bill_lines import shown_line, visible_lines
from billing.explanations.native_answers import (
    BillLineExplanation,
    CouponTaken,
    DiscountUsed,
    PackageTaken,
    PaymentChange,
    PaymentPart,
    PriceUsed,
    TierUsed,
)
from billing.lines.models import BillLine, LineVersion
from billing.prices.catalogue import Catalogue
from billing.records.list_resource_records import line_formula
from billing.records.names import Names
from billing.usage.models import PackageDeduction
from chassis.errors import NotFoundError
from chassis.identity import Principal

CORRECTIONS_MAX = 100
ADJUSTMENTS = (9, 16)  # bill types
MEANS = {
    "coupon": "coupon_amount",
    "flexi_coupon": "flexipurchase_coupon_amount",
    "stored_value_card": "stored_value_card_amount",
    "bonus": "bonus_amount",
    "cash": "cash_amount",
    "credit": "credit_amount",
    "debt": "debt_amount",
    "write_off": "writeoff_amount",
}


async def explain_line(
    session: AsyncSession, principal: Principal, catalogue: Catalogue, line_id: str
) -> BillLineExplanation:
    """The record or order, the price's row and its dates, the formula, packages, who paid, changes.

    Raises:
        NotFoundError: no such line, or somebody else's.

    """
    mine = await visible_lines(session, principal)
    columns = BillLine.__table__.c
    found = await session.execute(select(*columns).where(BillLine.line_id == line_id, *mine))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFoundError
    corrections = await session.execute(
        select(*columns)
        .where(BillLine.corrects == line_id, *mine)
        .order_by(BillLine.trade_time, BillLine.line_id)
        .limit(CORRECTIONS_MAX)
    )
    source, source_id = _source(row)
    return BillLineExplanation(
        line=shown_line(row),
        source=source,
        source_id=source_id,
        rule=row["rule"],
        reason=row["reason"],
        rolled_up_since=row["reckoned"].get("rolled_up"),
        price=_price(catalogue, row),
        formula=line_formula(Names(catalogue, is_chinese=True), row),
        promotion_type=row["promotion_type"],
        packages=await _packages(session, row["usage_record_id"]),
        payments=_payments(row),
        coupons=[
            CouponTaken(
                coupon_id=coupon_id,
                coupon_type=coupon_type,
                currency=row["currency"],
                amount=Decimal(amount),
            )
            for coupon_id, coupon_type, amount in row["reckoned"].get("coupons", [])
        ],
        changes=await _changes(session, row),
        settlement=await explain_settlement(session, principal, row),
        corrected_by=[shown_line(one) for one in corrections.mappings()],
    )


def _source(row: Any) -> tuple[str, str]:
    if row["usage_record_id"] is not None:
        return "usage_record", row["usage_record_id"]
    if row["order_id"] is not None:
        return "order", row["order_id"]
    return "adjustment" if row["bill_type"] in ADJUSTMENTS else "charge", row["trade_id"]


def _price(catalogue: Catalogue, row: Any) -> PriceUsed | None:
    """The row that was in effect then; a refund has the price of what it gives back."""
    product = catalogue.by_id.get(row["product_id"])
    if product is None or row["bill_type"] in ADJUSTMENTS:
        return None
    price = product.price_at(row["currency"], row["consume_time"], row["region_code"])
    if price is None:
        return None
    told = row["reckoned"]
    return PriceUsed(
        product_id=product.id,
        description=product.description,
        valid_from=price.valid_from,
        currency=price.currency,
        unit_price=row["unit_price"],
        discount_ratio=price.discount,
        amount_before=Decimal(told["amount_before"]) if "amount_before" in told else None,
        used_before=Decimal(told["used_before"]) if "used_before" in told else None,
        tiers=[
            TierUsed(above=Decimal(above), currency=price.currency, unit_price=Decimal(hour))
            for above, hour in told.get("tiers", [])
        ],
        discount=DiscountUsed(**told["discount"]) if told.get("discount") else None,
    )


async def _packages(session: AsyncSession, record_id: str | None) -> list[PackageTaken]:
    if record_id is None:
        return []
    found = await session.scalars(
        select(PackageDeduction)
        .where(PackageDeduction.record_id == record_id)
        .order_by(PackageDeduction.deduction_id)
    )
    return [
        PackageTaken(
            package_id=one.package_id,
            free_resource_id=one.item_id,
            quantity=one.used_amount,
            available_quantity=one.available_amount,
            measure_id=one.measure_id,
        )
        for one in found
    ]


def _payments(row: Any) -> list[PaymentPart]:
    payer_id = row["payer_id"] or row["customer_id"]
    return [
        PaymentPart(means=means, payer_id=payer_id, currency=row["currency"], amount=row[column])
        for means, column in MEANS.items()
        if row[column]
    ]


async def _changes(session: AsyncSession, row: Any) -> list[PaymentChange]:
    """From version to version, up to what it is now."""
    before = await session.scalars(
        select(LineVersion)
        .where(LineVersion.line_id == row["line_id"])
        .order_by(LineVersion.version)
    )
    versions = list(before)
    # How it was after each of them: as the next one, or the line itself.
    after = [(one.debt_amount, one.writeoff_amount) for one in versions[1:]]
    after.append((row["debt_amount"], row["writeoff_amount"]))
    return [
        PaymentChange(
            at=one.until,
            version=one.version,
            currency=row["currency"],
            debt_amount=debt - one.debt_amount,
            writeoff_amount=written - one.writeoff_amount,
        )
        for one, (debt, written) in zip(versions, after, strict=False)
    ]
