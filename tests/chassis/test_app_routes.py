"""What an application is made of: the routes of its doors, as they were made once."""

from chassis.app import basic_parts, service_app
from chassis.parked_api import parked_router
from chassis.routes import Router
from chassis.settings import ServiceSettings
from testkit.keys import INTERNAL_KEYS

router = Router()


@router.get("/v2/never-heard-of")
async def ask() -> dict[str, str]:
    return {}


def test_an_application_answers_at_its_doors_own_routes_and_makes_none_anew() -> None:
    """Break: `include_router`. Each of thousands of tests made a hundred routes again by that."""
    settings = ServiceSettings(
        database_url="postgresql://nobody@127.0.0.1:1",
        kafka_bootstrap_servers="127.0.0.1:1",
        internal_keys=INTERNAL_KEYS,
    )
    app = service_app(basic_parts("order", settings), routers=[router])
    taken = {id(route) for route in app.routes}
    assert {id(route) for route in (*router.routes, *parked_router.routes)} <= taken
    assert "/internal/parked" not in app.openapi()["paths"]
    assert "/v2/never-heard-of" in app.openapi()["paths"]
