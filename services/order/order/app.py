"""The order service, put together."""

from fastapi import FastAPI

from chassis import cli
from chassis.app import service_app
from chassis.clock import Clock, utc_now
from chassis.schedules import Schedule
from order.api import router
from order.close_attempts import close_abandoned_attempts
from order.complete_orders import complete_orders
from order.consumers import consumers
from order.expire_orders import expire_orders
from order.settings import OrderSettings

CLOSE_ATTEMPTS_SECONDS = 5.0
EXPIRE_SECONDS = 30.0
COMPLETE_SECONDS = 0.5  # one look at a partial index: an empty one costs less than a millisecond


def build(settings: OrderSettings, clock: Clock = utc_now) -> FastAPI:
    """The application. In connected mode the upstream ends and provisions orders."""
    close_attempts = close_abandoned_attempts(settings.attempt_abandoned_seconds)
    schedules = [Schedule("close abandoned attempts", CLOSE_ATTEMPTS_SECONDS, close_attempts)]
    if not settings.connected:
        schedules += [
            Schedule("expire orders", EXPIRE_SECONDS, expire_orders),
            Schedule("complete orders", COMPLETE_SECONDS, complete_orders),
        ]
    return service_app(
        "order",
        settings,
        routers=[router],
        consumers=[consumers],
        schedules=schedules,
        clock=clock,
    )


def main() -> None:
    """The command `order`."""
    cli.main("order", OrderSettings, build)
