"""The voucher service, put together."""

from fastapi import FastAPI

from chassis import cli
from chassis.app import service_app
from chassis.rebuild import Copied
from chassis.schedules import Schedule
from chassis.settings import ServiceSettings
from voucher import api
from voucher.consumers import consumers
from voucher.coupons.expire_coupons import EVERY_SECONDS, expire_coupons
from voucher.coupons.restate_coupons import COUPONS
from voucher.quotas.restate_quotas import QUOTAS

COPIED = Copied({"partner": ["partner"], "customer-sync": ["customer"], "order": ["order"]})


def build(settings: ServiceSettings) -> FastAPI:
    """The application; nothing is opened before its lifespan."""
    return service_app(
        "voucher",
        settings,
        routers=[api.router],
        consumers=[consumers],
        schedules=[Schedule("expire coupons", EVERY_SECONDS, expire_coupons)],
        restaters=[QUOTAS, COUPONS],
        copied=COPIED,
    )


def main() -> None:
    """The command `voucher`."""
    cli.main("voucher", ServiceSettings, build)
