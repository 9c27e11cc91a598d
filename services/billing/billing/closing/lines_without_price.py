"""Services of a month for which no settlement price is in force."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.lines.models import BillLine
from billing.settlement.settlement_prices import NoSettlementPriceError, SettlementPrices
from wire.times import cycle_bounds


async def lines_without_price(
    session: AsyncSession, cycle: str, prices: SettlementPrices
) -> list[str]:
    """Partner, service and product, as far as a price is missing at their first line's instant."""
    begin, end = cycle_bounds(cycle)
    sold_as = func.coalesce(BillLine.sub_service_type_code, BillLine.service_type_code)
    sold = (
        select(
            func.coalesce(BillLine.distributor_id, BillLine.partner_id),
            sold_as,
            BillLine.product_id,
            func.min(BillLine.trade_time),
        )
        .where(BillLine.bill_cycle == cycle)
        .group_by(
            func.coalesce(BillLine.distributor_id, BillLine.partner_id),
            sold_as,
            BillLine.product_id,
        )
    )
    missing: list[str] = []
    months = {}
    for partner_id, service, product, at in await session.execute(sold):
        if partner_id not in months:
            months[partner_id] = prices.of_month(partner_id, begin, end)
        try:
            months[partner_id].find(service, product, "", at)
        except NoSettlementPriceError:
            missing.append(f"{partner_id} {service} {product}")
    return sorted(missing)
