"""The order service, put together."""

from datetime import datetime

from chassis import cli
from chassis.app import service_app
from chassis.clock import WallClock, wall_now
from chassis.database import Database
from chassis.parts import ServiceApp
from chassis.rebuild import Copied
from chassis.schedules import AnySchedule, Schedule, WallSchedule
from chassis.sideways import Sideways
from order.approvals import Approvals
from order.consumers import consumers
from order.conversions import api as conversions
from order.history import api as history
from order.jobs import api as jobs
from order.jobs.forget_jobs import forget_jobs
from order.jobs.run_jobs import OrderJobs
from order.orders import api as orders
from order.orders.end_with_association import end_orphaned_orders, orphans_due
from order.orders.expire_orders import expire_orders, next_expiry
from order.orders.restate_orders import ORDERS
from order.packages import api as packages
from order.packages.restate_packages import PACKAGES
from order.packages.turn_packages import next_turn, turn_packages
from order.parts import OrderParts
from order.payments import api as payments
from order.payments.close_attempts import close_abandoned_attempts
from order.peers import Peers
from order.placing import api as placing
from order.provisioning.complete_orders import Provisioning, next_provisioning
from order.refunds import api as refunds
from order.renewals import api as renewals
from order.renewals.renew_due import next_renewal, renew_due
from order.requests import api as requests
from order.resources import api as resources
from order.resources.end_resources import end_resources, next_end
from order.resources.provider import SimulatedProvider
from order.resources.restate_resources import RESOURCES
from order.resources.settle_standing import next_settling, settle_standings
from order.resources.tell_expiring import next_notice, tell_expiring
from order.reviews import api as reviews
from order.sandbox import api as sandbox
from order.sandbox.rehearsed_provider import RehearsedProvider
from order.settings import OrderSettings

CLOSE_ATTEMPTS_SECONDS = 5.0
EXPIRE_SECONDS = 30.0
END_ORPHANED_SECONDS = 30.0
RENEW_SECONDS = 30.0
END_SECONDS = 30.0
TELL_SECONDS = 60.0
TURN_PACKAGES_SECONDS = 5.0
COMPLETE_SECONDS = 0.1  # most turns compare two instants and ask nobody
JOBS_SECONDS = 0.1  # likewise
FORGET_JOBS_SECONDS = 3600.0
SETTLE_SECONDS = 30.0
COPIED = Copied(
    {
        "partner": ["partner"],
        "customer-sync": ["customer", "authorization"],
        "billing": ["arrears", "deduction"],
    }
)

ROOMS = (
    orders,
    placing,
    payments,
    packages,
    resources,
    refunds,
    renewals,
    conversions,
    requests,
    history,
    reviews,
    jobs,
    sandbox,
)
ROUTERS = [one.router for one in ROOMS]


def build(settings: OrderSettings, clock: WallClock = wall_now) -> ServiceApp[OrderParts]:
    """The application. In connected mode the upstream ends and provisions orders."""
    sideways = Sideways(settings)
    database = Database(settings, "order")
    peers = Peers(sideways, settings.billing_url, settings.voucher_url)
    provider = RehearsedProvider() if settings.sandbox else SimulatedProvider()
    provisioning = Provisioning(provider)
    approvals = Approvals.of(settings)

    async def business_now() -> datetime:
        return await parts.business_clock.now()

    parts = OrderParts(
        name="order",
        settings=settings,
        wall_clock=clock,
        database=database,
        sideways=sideways,
        peers=peers,
        provisioning=provisioning,
        jobs=OrderJobs(database, peers, business_now, provisioning.expect, approvals),
        approvals=approvals,
    )
    close_attempts = close_abandoned_attempts(
        settings.attempt_abandoned_seconds, parts.business_clock
    )
    schedules: list[AnySchedule] = [
        WallSchedule("close abandoned attempts", CLOSE_ATTEMPTS_SECONDS, close_attempts)
    ]
    renews = renew_due(parts.peers, sandbox=settings.sandbox)
    if not settings.connected:
        schedules += [
            Schedule("expire orders", EXPIRE_SECONDS, expire_orders, next_expiry),
            Schedule("end orphaned orders", END_ORPHANED_SECONDS, end_orphaned_orders, orphans_due),
            Schedule("renew resources", RENEW_SECONDS, renews, next_renewal),
            Schedule("end resources", END_SECONDS, end_resources, next_end),
            Schedule("tell expiring resources", TELL_SECONDS, tell_expiring, next_notice),
            Schedule("settle standings", SETTLE_SECONDS, settle_standings, next_settling),
            Schedule("turn packages", TURN_PACKAGES_SECONDS, turn_packages, next_turn),
            Schedule(
                "complete orders",
                COMPLETE_SECONDS,
                parts.provisioning.work,
                next_provisioning,
                parts.provisioning.at_a_stop,
            ),
            Schedule(
                "go on with jobs",
                JOBS_SECONDS,
                parts.jobs.work,
                parts.jobs.next_item,
                parts.jobs.at_a_stop,
            ),
            WallSchedule("forget ended jobs", FORGET_JOBS_SECONDS, forget_jobs),
        ]
    return service_app(
        parts,
        routers=ROUTERS,
        consumers=[consumers],
        schedules=schedules,
        restaters=[ORDERS, RESOURCES, PACKAGES],
        copied=COPIED,
    )


def main() -> None:
    """The command `order`."""
    cli.main("order", OrderSettings, build)
