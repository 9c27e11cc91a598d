"""The voucher service, put together."""

from chassis import cli
from chassis.app import basic_parts, service_app
from chassis.clock import WallClock, wall_now
from chassis.parts import Parts, ServiceApp
from chassis.rebuild import Copied
from chassis.schedules import Schedule, WallSchedule
from voucher.applications import api as applications
from voucher.applications.restate_applications import APPLICATIONS
from voucher.attempts import api as attempts
from voucher.cards import api as cards
from voucher.consumers import consumers
from voucher.coupon_issues import api as coupon_issues
from voucher.coupon_issues.forget_issues import EVERY_SECONDS as FORGET_SECONDS
from voucher.coupon_issues.forget_issues import forget_issues
from voucher.coupon_issues.run_issues import EVERY_SECONDS as ISSUE_SECONDS
from voucher.coupon_issues.run_issues import Issues
from voucher.coupons import api as coupons
from voucher.coupons.expire_coupons import EVERY_SECONDS, expire_coupons, next_expiry
from voucher.coupons.prune_notes import EVERY_SECONDS as NOTES_SECONDS
from voucher.coupons.prune_notes import prune_notes
from voucher.coupons.restate_coupons import COUPONS
from voucher.ledger import api as ledger
from voucher.partner_vouchers import api as partner_vouchers
from voucher.partner_vouchers.expire_partner_vouchers import (
    expire_partner_vouchers,
    next_voucher_expiry,
)
from voucher.partner_vouchers.restate_partner_vouchers import PARTNER_VOUCHERS
from voucher.quotas import api as quotas
from voucher.quotas.end_quotas import EVERY_SECONDS as QUOTA_SECONDS
from voucher.quotas.end_quotas import end_quotas, next_end
from voucher.quotas.restate_quotas import QUOTAS
from voucher.recall_campaigns import api as recall_campaigns
from voucher.recall_campaigns.forget_campaigns import EVERY_SECONDS as FORGET_CAMPAIGNS_SECONDS
from voucher.recall_campaigns.forget_campaigns import forget_campaigns
from voucher.recall_campaigns.run_campaigns import EVERY_SECONDS as CAMPAIGN_SECONDS
from voucher.recall_campaigns.run_campaigns import Campaigns
from voucher.settings import VoucherSettings
from voucher.tallies.keep_tallies import EVERY_SECONDS as TALLY_SECONDS
from voucher.tallies.keep_tallies import merge_tallies
from voucher.transfers import api as transfers
from voucher.watch import api as watch
from voucher.watch.gauges import EVERY_SECONDS as WATCH_SECONDS
from voucher.watch.gauges import watch_deeds, watch_vouchers
from voucher.watch.prove_hourly import EVERY_SECONDS as PROVE_SECONDS
from voucher.watch.prove_hourly import prove_hourly
from voucher.whys import api as whys

COPIED = Copied({"partner": ["partner"], "customer-sync": ["customer"], "order": ["order"]})


def build(settings: VoucherSettings, clock: WallClock = wall_now) -> ServiceApp[Parts]:
    """The application; nothing is opened before its lifespan."""
    parts = basic_parts("voucher", settings, clock)
    issues = Issues(parts.database, parts.business_clock.now)
    campaigns = Campaigns(parts.database, parts.business_clock.now)
    return service_app(
        parts,
        routers=[
            quotas.router,
            coupons.router,
            coupon_issues.router,
            cards.router,
            recall_campaigns.router,
            transfers.router,
            attempts.router,
            ledger.router,
            partner_vouchers.router,
            applications.router,
            whys.router,
            watch.router,
        ],
        consumers=[consumers],
        schedules=[
            Schedule("expire coupons", EVERY_SECONDS, expire_coupons, next_expiry),
            Schedule("end quotas", QUOTA_SECONDS, end_quotas, next_end),
            Schedule(
                "expire partner vouchers",
                EVERY_SECONDS,
                expire_partner_vouchers,
                next_voucher_expiry,
            ),
            Schedule("go on with coupon issues", ISSUE_SECONDS, issues.work, issues.next_item),
            Schedule("watch vouchers", WATCH_SECONDS, watch_vouchers),
            Schedule(
                "prune coupon notes",
                NOTES_SECONDS,
                prune_notes(settings.coupon_notes_keep_days),
            ),
            WallSchedule("watch what is done with coupons", WATCH_SECONDS, watch_deeds),
            WallSchedule("merge tallies", TALLY_SECONDS, merge_tallies),
            WallSchedule("prove the ledger", PROVE_SECONDS, prove_hourly),
            Schedule(
                "go on with recall campaigns",
                CAMPAIGN_SECONDS,
                campaigns.work,
                campaigns.next_item,
            ),
            WallSchedule(
                "forget ended recall campaigns", FORGET_CAMPAIGNS_SECONDS, forget_campaigns
            ),
            WallSchedule("forget ended coupon issues", FORGET_SECONDS, forget_issues),
        ],
        restaters=[QUOTAS, COUPONS, PARTNER_VOUCHERS, APPLICATIONS],
        copied=COPIED,
    )


def main() -> None:
    """The command `voucher`."""
    cli.main("voucher", VoucherSettings, build)
