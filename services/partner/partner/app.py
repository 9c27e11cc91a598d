"""The partner service: `partner serve`, `partner migrate`."""

from chassis import cli
from chassis.app import basic_parts, service_app
from chassis.clock import WallClock, wall_now
from chassis.parts import Parts, ServiceApp
from chassis.settings import ServiceSettings
from partner.api import router
from partner.restate_accounts import RESTATERS
from partner.solutions import api as solutions
from partner.solutions.restate_solutions import SOLUTIONS


def build(settings: ServiceSettings, clock: WallClock = wall_now) -> ServiceApp[Parts]:
    """The application; it acts on no event, so it has one door."""
    return service_app(
        basic_parts("partner", settings, clock),
        routers=[router, solutions.router],
        restaters=[*RESTATERS, SOLUTIONS],
    )


def main() -> None:
    """The command `partner`."""
    cli.main("partner", ServiceSettings, build)
