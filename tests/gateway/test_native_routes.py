"""The table of our own routes is what the services answer, and how they answer it."""

import inspect

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.authority import guard_of, rule_of
from gateway.forwarding.destinations import Service, destination_of
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS
from tests.gateway.test_wire_not_yet import SETTINGS, built
from wire.native_routes import NativeRoute, match_native, native_routes, rows_of_door

# Something that has an id from then on: a row of its own, or a movement in a ledger.
MAKES = {
    "POST /api/accounts/{owner_id}/top-ups",
    "POST /api/adjustments",
    "POST /api/coupons",
    "POST /api/customers",
    "POST /api/customers/{customer_id}/authorizations",
    "POST /api/customers/{customer_id}/enterprise",
    "POST /api/customers/{customer_id}/switching",
    "POST /api/customers/{customer_id}/unlinking",
    "POST /api/discounts",
    "POST /api/enterprise/organizations",
    "POST /api/file-subscriptions",
    "POST /api/orders",
    "POST /api/orders/batch",
    "POST /api/orders/{order_id}/payment-request",
    "POST /api/partner-vouchers",
    "POST /api/partners",
    "POST /api/partners/{partner_id}/operators",
    "POST /api/partners/{partner_id}/solutions",
    "POST /api/quotas",
    "POST /api/recall-campaigns",
    "POST /api/saml-bindings",
    "POST /api/sandbox/provisioning-rules",
    "POST /api/stored-value-cards",
    "POST /api/test-coupon-applications",
    "POST /api/usage-files",
    "POST /api/usage-points",
    "POST /api/usage-records",
    "POST /api/vendor-bills",
}
GOES_ON = {
    "POST /api/coupon-issues",
    "POST /api/exports",
    "POST /api/cycles/{cycle}/closing",
    "POST /api/order-jobs",
    "POST /api/recall-campaigns/{campaign_id}/start",
    "POST /api/sandbox/clock",
    "POST /api/settlements",
    "POST /api/sweeps",
}


def doors(service: Service) -> list[APIRoute]:
    """Every route of the service below /api."""
    secrets = {"admin_token": ADMIN_TOKEN, "encryption_keys": ENCRYPTION_KEYS}
    app = built(service, SETTINGS | secrets)
    found = [context.original_route for context in iter_route_contexts(app.routes)]
    return [r for r in found if isinstance(r, APIRoute) and r.path.startswith("/api/")]


def rows_of(door: APIRoute) -> list[NativeRoute]:
    return [row for method in door.methods or () for row in rows_of_door(method, door.path)]


@pytest.mark.parametrize("service", list(Service))
def test_every_route_of_a_service_stands_in_the_table_and_the_other_way_round(
    service: Service,
) -> None:
    answered = [row.name for door in doors(service) for row in rows_of(door)]
    assert sorted(answered) == sorted(n for n, row in native_routes().items()
                                      if row.service == service)  # fmt: skip


@pytest.mark.parametrize("service", list(Service))
def test_every_door_is_guarded_by_its_row(service: Service) -> None:
    for door in doors(service):
        (rule,) = {rule_of(method, door.path) for method in door.methods or ()}
        assert rule is not None
        assert door.dependant.dependencies[0].call is guard_of(rule), door.path


@pytest.mark.parametrize("service", list(Service))
def test_every_door_answers_with_the_status_of_its_row(service: Service) -> None:
    """A door states no status itself: `Idempotency.answer` and FastAPI have the route's."""
    for door in doors(service):
        (answers,) = {row.answers for row in rows_of(door)}
        assert door.status_code == answers, door.path
        source = inspect.getsource(door.endpoint)
        assert ("idempotency.answer(" in source) or answers not in (201, 202), door.path
        has_none = "status_code=204" in source or "idempotency.answer(None)" in source
        assert has_none == (answers == 204), door.path
        assert not any(f"{status}" in source for status in (200, 201, 202)), door.path


def test_what_makes_something_answers_201_and_what_acts_200() -> None:
    for name, row in native_routes().items():
        expected = 201 if name in MAKES else 202 if name in GOES_ON else 200
        assert row.answers == (204 if row.method == "DELETE" else expected), name
    assert native_routes().keys() >= MAKES | GOES_ON


def test_the_gateway_finds_each_route_by_its_path() -> None:
    for name, row in native_routes().items():
        path = "/".join("x" if part[:1] == "{" else part for part in row.path.split("/"))
        assert match_native(row.method, path) is row
        destination = destination_of(row.method, path)
        assert destination is not None
        assert (destination.name, destination.service) == (name, row.service)
        assert destination.kinds == row.kinds
        assert destination.in_connected_mode == row.connected
        assert destination.body_bytes_max == row.body_bytes_max


def test_a_route_that_the_table_does_not_know_is_no_route() -> None:
    with pytest.raises(LookupError, match=r"GET /api/moons needs its row"):
        rule_of("GET", "/api/moons")
    assert match_native("GET", "/api/orders/") is None
    assert match_native("GET", "/api/orders/a/b") is None
    assert match_native("PUT", "/api/orders/a") is None
    assert rule_of("GET", "/internal/anything") is None
