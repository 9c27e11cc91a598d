"""What the native API shows of how vouchers are."""

from datetime import datetime

from chassis.jobs import RefusedItemsAnswer, refused_items
from voucher.watch.overview import Overview
from wire.native import Money, NativeAnswer


class VoucherDeedAnswer(NativeAnswer):
    """What was done with coupons in those hours."""

    deed: str  # issued, redeemed, restored, recalled, expired
    count: int
    currency: str
    amount: Money


class OldestHoldAnswer(NativeAnswer):
    """The payment that has held coupons for the longest time."""

    attempt_id: str
    order_id: str
    since: datetime
    seconds: int


class LowQuotaAnswer(NativeAnswer):
    """A quota in force of which less than a tenth is left."""

    quota_id: str
    partner_id: str
    currency: str
    quota_value: Money
    balance: Money


class LastProofAnswer(NativeAnswer):
    """The last of the hourly proofs; GET /api/vouchers/proof makes one now."""

    at: datetime
    balanced: bool
    differences: int


class VoucherOverviewAnswer(NativeAnswer):
    """As of one look."""

    as_of: datetime
    hours: int  # how far back `deeds` and `refused` look
    deeds: list[VoucherDeedAnswer]
    refused: list[RefusedItemsAnswer]  # coupons, by code
    oldest_hold: OldestHoldAnswer | None
    quotas_low: int
    lowest: list[LowQuotaAnswer]  # of those, the emptiest
    proof: LastProofAnswer | None


def native_overview(found: Overview, now: datetime, language: str) -> VoucherOverviewAnswer:
    """The figures in the language asked for."""
    hold, proof = found.oldest_hold, found.proof
    return VoucherOverviewAnswer(
        as_of=now,
        hours=found.hours,
        deeds=[VoucherDeedAnswer.of(one) for one in found.deeds],
        refused=refused_items(dict(found.refused), language),
        oldest_hold=OldestHoldAnswer(
            attempt_id=hold.id,
            order_id=hold.order_id,
            since=hold.opened_at,
            seconds=max(int((now - hold.opened_at).total_seconds()), 0),
        )
        if hold
        else None,
        quotas_low=found.quotas_low,
        lowest=[LowQuotaAnswer.of(quota, quota_id=quota.id) for quota in found.lowest],
        proof=LastProofAnswer.of(proof, balanced=proof.differences == 0) if proof else None,
    )
