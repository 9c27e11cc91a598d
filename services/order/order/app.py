"""The order service, put together."""

from fastapi import FastAPI

from chassis import cli
from chassis.app import service_app
from chassis.clock import Clock, utc_now
from chassis.rebuild import Copied
from chassis.schedules import Schedule
from order.api import router
from order.consumers import consumers
from order.orders.end_with_association import end_orphaned_orders
from order.orders.expire_orders import expire_orders
from order.orders.restate_orders import ORDERS
from order.payments.close_attempts import close_abandoned_attempts
from order.resources.complete_orders import Provisioning
from order.resources.restate_resources import RESOURCES
from order.settings import OrderSettings

CLOSE_ATTEMPTS_SECONDS = 5.0
EXPIRE_SECONDS = 30.0
END_ORPHANED_SECONDS = 30.0
COMPLETE_SECONDS = 0.1  # most turns compare two instants and ask nobody
COPIED = Copied({"partner": ["partner"], "customer-sync": ["customer", "authorization"]})


def build(settings: OrderSettings, clock: Clock = utc_now) -> FastAPI:
    """The application. In connected mode the upstream ends and provisions orders."""
    provisioning = Provisioning()
    close_attempts = close_abandoned_attempts(settings.attempt_abandoned_seconds)
    schedules = [Schedule("close abandoned attempts", CLOSE_ATTEMPTS_SECONDS, close_attempts)]
    if not settings.connected:
        schedules += [
            Schedule("expire orders", EXPIRE_SECONDS, expire_orders),
            Schedule("end orphaned orders", END_ORPHANED_SECONDS, end_orphaned_orders),
            Schedule("complete orders", COMPLETE_SECONDS, provisioning.work),
        ]
    app = service_app(
        "order",
        settings,
        routers=[router],
        consumers=[consumers],
        schedules=schedules,
        restaters=[ORDERS, RESOURCES],
        copied=COPIED,
        clock=clock,
    )
    app.state.provisioning = provisioning
    return app


def main() -> None:
    """The command `order`."""
    cli.main("order", OrderSettings, build)
