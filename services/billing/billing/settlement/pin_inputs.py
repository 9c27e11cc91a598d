"""What a settlement begins with is written down: its vouchers as they are, and its lines' number.

From here on nothing that changes outside changes what comes out.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Partner, PartnerVoucher, Unlinking
from billing.prices.catalogue import Catalogue
from billing.settlement.lines import count_lines
from billing.settlement.match_lines import MonthRules
from billing.settlement.models import MATCHING, ZERO, Settlement, SettlementVoucher
from billing.settlement.settlement_prices import SettlementPrices
from matching import Voucher
from wire.times import cycle_bounds

NO_PERFORMANCE = 2  # incentive_policy


class LimitsUnknownError(Exception):
    """A voucher was heard of before its limits were told: `billing rebuild` mends the copy."""


async def pin_inputs(session: AsyncSession, settlement: Settlement) -> None:
    """Note the vouchers and the number of lines; matching may begin.

    Raises:
        LimitsUnknownError: see there.

    """
    partner = await session.get_one(Partner, settlement.partner_id)
    if partner.uses_vouchers:
        before = await _vouchers_of(session, settlement.corrects)
        owned = select(PartnerVoucher).where(PartnerVoucher.partner_id == partner.partner_id)
        for voucher in await session.scalars(owned.order_by(PartnerVoucher.voucher_id)):
            session.add(_pinned(settlement, voucher, before.get(voucher.voucher_id)))
    settlement.lines_total = await count_lines(session, settlement)
    settlement.state = MATCHING
    settlement.version += 1


def _pinned(
    settlement: Settlement, voucher: PartnerVoucher, before: SettlementVoucher | None
) -> SettlementVoucher:
    """A correction begins with what the version before it had taken."""
    if voucher.limits is None:
        raise LimitsUnknownError(f"what {voucher.voucher_id} may pay for is not known here")
    taken = before.taken if before else ZERO
    return SettlementVoucher(
        settlement_id=settlement.settlement_id,
        voucher_id=voucher.voucher_id,
        partner_id=settlement.partner_id,
        distributor_id=settlement.distributor_id,
        found={
            "effective_at": voucher.effective_at.isoformat(),
            "expire_at": voucher.expire_at.isoformat(),
            "limits": voucher.limits,
        },
        remaining=voucher.balance + taken,
        left_amount=voucher.balance + taken,
        paid_amount=ZERO,
        restored_amount=ZERO,
        lapsed_amount=ZERO,
        taken_before=taken,
        lapsed_before=before.lapsed_amount if before else ZERO,
        awaited=0,
    )


async def _vouchers_of(
    session: AsyncSession, settlement_id: str | None
) -> dict[str, SettlementVoucher]:
    found = await session.scalars(
        select(SettlementVoucher).where(SettlementVoucher.settlement_id == settlement_id)
    )
    return {one.voucher_id: one for one in found}


async def vouchers_as_left(session: AsyncSession, settlement_id: str) -> list[Voucher]:
    """The vouchers after the lines matched so far."""
    return [pinned_voucher(one) for one in (await _vouchers_of(session, settlement_id)).values()]


def pinned_voucher(one: SettlementVoucher) -> Voucher:
    """As the engine knows it, with what is left after the lines matched so far."""
    limits = one.found["limits"]
    return Voucher(
        one.voucher_id,
        Decimal(one.left_amount),
        datetime.fromisoformat(one.found["effective_at"]),
        datetime.fromisoformat(one.found["expire_at"]),
        customer_ids=frozenset(limits["customer_ids"]),
        service_type_codes=frozenset(limits["service_type_codes"]),
        product_ids=frozenset(limits["product_ids"]),
        region_codes=frozenset(limits["region_codes"]),
        charging_modes=frozenset(limits["charging_modes"]),
    )


async def month_rules(
    session: AsyncSession, settlement: Settlement, prices: SettlementPrices, catalogue: Catalogue
) -> MonthRules:
    """What holds for all lines of the month."""
    begin, end = cycle_bounds(settlement.cycle)
    left = await session.execute(
        select(Unlinking.customer_id, Unlinking.at).where(
            Unlinking.partner_id == settlement.partner_id, Unlinking.at >= begin, Unlinking.at < end
        )
    )
    return MonthRules(
        prices.of_month(settlement.partner_id, begin, end),
        {customer_id: at for customer_id, at in left},
        _without_performance(catalogue, settlement.cycle),
    )


def _without_performance(catalogue: Catalogue, cycle: str) -> frozenset[str]:
    policies = {name: catalogue.policy_of(name, cycle) for name in catalogue.service_by_code}
    return frozenset(
        name for name, one in policies.items() if one and one.incentive_policy == NO_PERFORMANCE
    )
