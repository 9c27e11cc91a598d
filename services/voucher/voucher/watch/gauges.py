"""What Prometheus is told of vouchers; of replicas the largest counts, since all tell the same."""

from datetime import datetime, timedelta

from prometheus_client import Gauge

from chassis.database import Database
from voucher.watch.overview import count_low, count_refused, oldest_hold, sum_deeds
from voucher.watch.prove_hourly import last_proof

EVERY_SECONDS = 30.0
WINDOW = timedelta(minutes=10)

OLDEST_HOLD = Gauge(
    "channelbus_voucher_oldest_hold_seconds",
    "For how long the oldest open payment has held coupons, by business time; 0 while none does",
)
QUOTAS_LOW = Gauge(
    "channelbus_voucher_quotas_low", "Quotas in force of which less than a tenth is left"
)
PROOF_DIFFERENCES = Gauge(
    "channelbus_voucher_proof_differences", "What the last hourly proof of the ledger found"
)
PROOF_AT = Gauge(
    "channelbus_voucher_proof_at_seconds",
    "When the ledger was last proved, in seconds since 1970; 0 before the first time",
)

_OF_LATE = "within the last ten minutes"
DEEDS = Gauge(
    "channelbus_voucher_deeds",
    f"Coupons that were issued, redeemed, restored, recalled or expired {_OF_LATE}",
    ["deed", "currency"],
)
DEEDS_AMOUNT = Gauge(
    "channelbus_voucher_deeds_amount", f"What that came to {_OF_LATE}", ["deed", "currency"]
)
REFUSED = Gauge(
    "channelbus_voucher_refused", f"Coupons that were refused {_OF_LATE}, by code", ["code"]
)


async def watch_vouchers(database: Database, now: datetime) -> None:
    """Schedule, by business time, as holds and quotas are."""
    async with database.transaction() as session:
        hold, proof = await oldest_hold(session), await last_proof(session)
        QUOTAS_LOW.set(await count_low(session, now))
    OLDEST_HOLD.set(max((now - hold.opened_at).total_seconds(), 0) if hold else 0)
    PROOF_DIFFERENCES.set(proof.differences if proof else 0)
    PROOF_AT.set(proof.at.timestamp() if proof else 0)


async def watch_deeds(database: Database, now: datetime) -> None:
    """Schedule, by the wall: so many of each, as the movements and refusals of late say."""
    async with database.transaction() as session:
        deeds = await sum_deeds(session, now - WINDOW)
        refused = await count_refused(session, now - WINDOW)
    for gauge in (DEEDS, DEEDS_AMOUNT, REFUSED):
        gauge.clear()  # what did not happen of late
    for deed in deeds:
        DEEDS.labels(deed.deed, deed.currency).set(deed.count)
        DEEDS_AMOUNT.labels(deed.deed, deed.currency).set(float(deed.amount))
    for code, count in refused:
        REFUSED.labels(code).set(count)
