"""Billing: put together here, and nothing else."""

from datetime import datetime

from billing.accounts import api as accounts
from billing.accounts.expire_credit import EXPIRE_SECONDS, expire_credit, next_credit_end
from billing.accounts.restate_accounts import ACCOUNTS
from billing.accounts.restate_arrears import ARREARS
from billing.adjustments import api as adjustments
from billing.bills import api as bills
from billing.catalogue_command import CATALOGUE
from billing.changes import api as changes
from billing.closing import api as closing
from billing.closing.close_due_cycles import EVERY_SECONDS as CLOSE_CYCLES_SECONDS
from billing.closing.close_due_cycles import Closings, next_closing
from billing.consumers import consumers
from billing.costs import api as costs
from billing.discounts import api as discounts
from billing.discounts.restate_discounts import DISCOUNTS
from billing.enterprise import api as enterprise
from billing.explanations import api as explanations
from billing.exports import api as exports
from billing.exports.expire_exports import expire_exports, next_expiry
from billing.exports.make_exports import Exports
from billing.forget_files import forget_files
from billing.ingest import api as ingest
from billing.ingest.run_files import UsageFiles
from billing.lines.cycle_parts import MAKE_PARTS_SECONDS, make_cycle_parts
from billing.lines.restate_lines import LINES
from billing.partner_bills import api as partner_bills
from billing.parts import BillingParts
from billing.points import api as points
from billing.prices import api as prices
from billing.prices.catalogue import load_catalogue
from billing.reconciliation import api as reconciliation
from billing.reconciliation.run_reconciliations import Reconciliations
from billing.records import api as records
from billing.settings import BillingSettings
from billing.settlement import api as settlement
from billing.settlement.run_settlements import EVERY_SECONDS as SETTLE_SECONDS
from billing.settlement.run_settlements import Settlements, next_settlement
from billing.settlement.settlement_prices import load_settlement_prices
from billing.subscriptions import api as subscriptions
from billing.subscriptions.deliver import Deliveries, next_delivery
from billing.subscriptions.targets import Targets
from billing.transfers import api as transfers
from billing.usage import api as usage
from billing.usage.reserve_coupons import UsageCoupons
from billing.usage.restate_deductions import DEDUCTIONS
from billing.usage_coupons.close_attempts import CLOSE_SECONDS, close_abandoned_attempts
from chassis import cli
from chassis.app import service_app
from chassis.clock import WallClock, wall_now
from chassis.database import Database
from chassis.parts import ServiceApp
from chassis.rebuild import Copied
from chassis.schedules import AnySchedule, Schedule, WallSchedule
from chassis.sideways import Sideways

MAKE_EXPORTS_SECONDS = 0.2  # most turns compare two instants and ask nobody
DELIVER_SECONDS = 1.0
CHARGE_FILES_SECONDS = 0.2  # likewise
COMPARE_BILLS_SECONDS = 0.2  # likewise
EXPIRE_EXPORTS_SECONDS = 60.0
FORGET_FILES_SECONDS = 3600.0
COPIED = Copied(
    {
        "partner": ["partner"],
        "customer-sync": ["customer"],
        "order": ["package", "resource"],
        "voucher": ["partner voucher", "coupon"],
    }
)


def build(settings: BillingSettings, clock: WallClock = wall_now) -> ServiceApp[BillingParts]:
    """The application; the catalogue is read here, so that a wrong file stops the start."""
    database = Database(settings, "billing")

    async def business_now() -> datetime:
        return await parts.business_clock.now()

    prices_of_partners = load_settlement_prices(settings.settlement_prices_file)
    catalogue = load_catalogue(settings.catalogue_file)
    sideways = Sideways(settings)
    usage_coupons = UsageCoupons(database, sideways, settings.voucher_url, catalogue)
    parts = BillingParts(
        name="billing",
        settings=settings,
        wall_clock=clock,
        database=database,
        exports=Exports(database, business_now),
        reconciliations=Reconciliations(database, business_now),
        usage_files=UsageFiles(database, catalogue, usage_coupons, business_now),
        deliveries=Deliveries(database, business_now, Targets.of(settings)),
        sideways=sideways,
        catalogue=catalogue,
        settlement_prices=prices_of_partners,
        usage_coupons=usage_coupons,
    )
    parts.exports.on_ready = parts.deliveries.wake
    close_attempts = close_abandoned_attempts(settings.usage_abandoned_seconds, business_now)
    schedules: list[AnySchedule] = [
        Schedule("billing-cycle-parts", MAKE_PARTS_SECONDS, make_cycle_parts),
        WallSchedule("close abandoned attempts", CLOSE_SECONDS, close_attempts),
    ]
    if not settings.connected:
        settle, close = (
            Settlements(prices_of_partners, parts.catalogue),
            Closings(prices_of_partners),
        )
        schedules += [
            Schedule("expire credit", EXPIRE_SECONDS, expire_credit, next_credit_end),
            Schedule(
                "make exports",
                MAKE_EXPORTS_SECONDS,
                parts.exports.work,
                at_a_stop=parts.exports.at_a_stop,
            ),
            Schedule(
                "charge usage files",
                CHARGE_FILES_SECONDS,
                parts.usage_files.work,
                at_a_stop=parts.usage_files.at_a_stop,
            ),
            Schedule(
                "compare vendor bills",
                COMPARE_BILLS_SECONDS,
                parts.reconciliations.work,
                at_a_stop=parts.reconciliations.at_a_stop,
            ),
            Schedule(
                "deliver files",
                DELIVER_SECONDS,
                parts.deliveries.work,
                next_delivery,
                parts.deliveries.at_a_stop,
            ),
            Schedule("expire exports", EXPIRE_EXPORTS_SECONDS, expire_exports, next_expiry),
            Schedule("forget sent files", FORGET_FILES_SECONDS, forget_files),
            Schedule("settle partners' months", SETTLE_SECONDS, settle.work, next_settlement),
            Schedule("close months", CLOSE_CYCLES_SECONDS, close.work, next_closing),
        ]
    return service_app(
        parts,
        routers=[
            accounts.router,
            transfers.router,
            changes.router,
            enterprise.router,
            adjustments.router,
            bills.router,
            records.router,
            costs.router,
            explanations.router,
            points.router,
            usage.router,
            ingest.router,
            prices.router,
            discounts.router,
            exports.router,
            reconciliation.router,
            subscriptions.router,
            settlement.router,
            closing.router,
            partner_bills.router,
        ],
        consumers=[consumers],
        schedules=schedules,
        restaters=[ACCOUNTS, ARREARS, LINES, DEDUCTIONS, DISCOUNTS],
        copied=COPIED,
    )


def main() -> None:
    """The command `billing`."""
    cli.main("billing", BillingSettings, build, CATALOGUE)
