"""A second, connected Channelbus mirrors the first through its gateway."""

from collections.abc import Callable
from typing import Any

import pytest

from testkit.system import System
from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import create_customer

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def mirror_of(stage: Stage, partner: Caller, make_system: Callable[..., System]) -> Caller:
    """The same partner on a system that mirrors the first; sweeps follow each other quickly."""
    system = make_system(
        services=["customer-sync", "partner", "gateway"],
        upstream_url=stage.gateway,
        environment={
            "UPSTREAM_AK": partner.access,
            "UPSTREAM_SK": partner.secret,
            "UPSTREAM_DOMAIN_ID": partner.domain_id,
            "SWEEP_EVERY_SECONDS": "1",
        },
    )
    return Stage(system).partner(funds="0", partner_id=partner.domain_id)


@pytest.mark.timeout(300)
def test_customers_created_changed_and_unlinked_upstream_arrive_downstream(
    stage: Stage, make_system: Callable[..., System]
) -> None:
    upstream = stage.partner()
    kept = create_customer(stage, upstream, domain_name="yunfan_kept")
    left = create_customer(stage, upstream, domain_name="yunfan_left")
    downstream = mirror_of(stage, upstream, make_system)

    def found(**filters: str) -> dict[str, dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        page = downstream.get(f"/api/customers?{query}")
        return {one["customer_id"]: one for one in page["customers"]}

    eventually(lambda: set(found(name="yunfan")), lambda seen: seen == {kept.id, left.id})

    changed = upstream.call("PATCH", f"/api/customers/{kept.id}", {"label": "gold"})
    assert changed.status_code == 200, changed.text
    eventually(lambda: set(found(label="gold")), lambda seen: seen == {kept.id})

    stage.unlink(upstream, left.caller)
    eventually(
        lambda: found(name="yunfan", association_status="unlinked"),
        lambda seen: set(seen) == {left.id},
    )
    assert set(found(name="yunfan")) == {kept.id}


def test_a_command_that_is_not_forwarded_yet_is_refused_and_not_carried_out(
    stage: Stage, make_system: Callable[..., System]
) -> None:
    upstream = stage.partner()
    customer = create_customer(stage, upstream)
    downstream = mirror_of(stage, upstream, make_system)
    eventually(lambda: downstream.get("/api/customers")["count"], lambda count: count == 1)
    for method, path, content in [
        ("PATCH", f"/api/customers/{customer.id}", {"label": "local"}),
        ("POST", "/v2/partners/sub-customers", {"xaccount_id": "x", "xaccount_type": "y"}),
        ("POST", "/v2/accounts/partner-accounts/adjust-amount", {"customer_id": customer.id}),
    ]:
        answer = downstream.call(method, path, content)
        assert answer.status_code == 501, answer.text
        assert "CHB.0002" in answer.text
    shown = downstream.get(f"/api/customers/{customer.id}")
    assert shown["profile"]["label"] is None
