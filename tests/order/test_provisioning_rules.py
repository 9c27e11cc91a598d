"""Rules of a sandbox: what happens to the pieces and payments that they are for."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from chassis.database import Database
from chassis.parts import ServiceApp
from order.app import build
from order.parts import OrderParts
from order.provisioning.complete_orders import complete_orders
from order.renewals.renew_due import renew_due
from order.resources.models import Resource
from order.sandbox.rehearsed_provider import RehearsedProvider
from order.settings import OrderSettings
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase
from testkit.door import ADMINISTRATOR, Door, code_of
from tests.order.builders import (
    OTHER_PARTNER,
    PARTNER,
    PAY,
    attempts,
    customer_principal,
    keep_customer,
    keep_partner,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import bought, renew
from tests.order.test_failed_pieces import listed
from tests.order.test_renew_due import FIRST, automatic
from tests.order.test_unsubscribe_resources import DISK, EBS

pytestmark = pytest.mark.postgres

RULES = "/api/sandbox/provisioning-rules"
CODE = "CBC.99003141"


@pytest.fixture
async def app(
    order_database: ServiceDatabase, peers: PeerDouble, clock: StandingClock
) -> AsyncIterator[ServiceApp[OrderParts]]:
    """The service as a sandbox."""
    settings = order_database.settings(
        OrderSettings, billing_url=peers.url, voucher_url=peers.url, sandbox=True
    )
    app = build(settings, clock)
    async with app.router.lifespan_context(app):
        yield app


async def rule(door: Door, **wanted: Any) -> dict[str, Any]:
    """A rule that must be accepted."""
    answer = await door.post(RULES, wanted, ADMINISTRATOR)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def used(door: Door) -> dict[str, int]:
    answer = await door.get(RULES, ADMINISTRATOR)
    return {one["rule_id"]: one["used"] for one in answer.json()["rules"]}


async def paid(door: Door, customer: str, *lines: dict[str, Any]) -> dict[str, Any]:
    order = await place(door, customer, list(lines) or [line()])
    answer = await pays(door, customer, order)
    assert answer.status_code == 204, answer.text
    return order


async def pays(door: Door, customer: str, order: dict[str, Any]) -> httpx.Response:
    return await door.post(PAY, payment(order["order_id"]), customer_principal(customer))


async def opened(database: Database) -> int:
    async with database.transaction() as session:
        return len((await session.scalars(select(Resource.resource_id))).all())


async def provision(database: Database, clock: StandingClock, seconds: float) -> None:
    """What the schedule does so many seconds later."""
    clock.now += timedelta(seconds=seconds)
    await complete_orders(database, RehearsedProvider(), clock.now)


async def test_so_many_pieces_fail_and_the_next_are_opened(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: look not at `times`, or count the use of a piece twice."""
    customer = await keep_customer(database)
    made = await rule(door, customer_id=customer, outcome="fail", code=CODE, times=2)
    await paid(door, customer, line(quantity=3))
    await provision(database, clock, 2)
    assert await opened(database) == 1
    assert (await listed(door, customer))[4]["amount_after_discount"] == 170.0
    assert await used(door) == {made["rule_id"]: 2}
    await paid(door, customer)
    await provision(database, clock, 2)
    assert await opened(database) == 2


async def test_the_narrowest_scope_wins_and_of_one_scope_the_oldest(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: sort the rules by their ids alone."""
    customer, other = await keep_customer(database), await keep_customer(database)
    order = await place(door, customer, [line()])
    product = order["lines"][0]["product_id"]
    await rule(door, product_id=product, outcome="fail", code="CBC.99003155")
    await rule(door, customer_id=customer, outcome="fail", code="CBC.99003198")
    await rule(door, order_id=order["order_id"].lower(), outcome="succeed")
    assert (await pays(door, customer, order)).status_code == 204
    await paid(door, customer)
    await paid(door, other)
    await provision(database, clock, 2)
    assert await opened(database) == 1
    codes = [
        piece["code"]
        for stated, body in await outbox.stated(database)
        if stated == "order.provisioned"
        for piece in body["pieces"]
    ]
    assert sorted(codes, key=str) == ["CBC.99003155", "CBC.99003198", None]


async def test_a_rule_of_a_product_is_for_its_lines_alone(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer, [line(), line(EBS, **DISK)])
    product = next(one["product_id"] for one in order["lines"] if one["service_type_code"] == EBS)
    await rule(door, product_id=product, outcome="fail", code=CODE)
    assert (await pays(door, customer, order)).status_code == 204
    await provision(database, clock, 2)
    assert await opened(database) == 1


async def test_what_hangs_is_asked_again_and_opened_when_the_rule_is_gone(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: give a piece a new rule each time it is asked for."""
    customer = await keep_customer(database)
    made = await rule(door, customer_id=customer, outcome="hang")
    await paid(door, customer)
    for seconds in (2, 2, 4, 8):
        await provision(database, clock, seconds)
    assert (await opened(database), await used(door)) == (0, {made["rule_id"]: 1})
    removed = await door.send("DELETE", f"{RULES}/{made['rule_id']}")
    assert removed.status_code == 204, removed.text
    await provision(database, clock, 16)
    assert await opened(database) == 1
    assert (await listed(door, customer))[1]["status"] == 5


@pytest.mark.parametrize(("outcome", "there"), [("succeed", 1), ("hang", 1), ("fail", 0)])
async def test_an_answer_may_be_late_and_counts_once(
    door: Door, database: Database, clock: StandingClock, outcome: str, there: int
) -> None:
    customer = await keep_customer(database)
    code = {"code": CODE} if outcome == "fail" else {}
    await rule(door, customer_id=customer, outcome=outcome, delay_seconds=10, times=1, **code)
    await paid(door, customer)
    for seconds in (2, 2, 4):
        await provision(database, clock, seconds)
    assert (await listed(door, customer))[1]["status"] == 3
    await provision(database, clock, 8)
    assert await opened(database) == there
    assert (await listed(door, customer))[1]["status"] == 5
    before = await outbox.stated(database)
    await provision(database, clock, 300)
    assert await outbox.stated(database) == before


@pytest.mark.parametrize(
    "code",
    [
        "CBC.99003141", "CBC.99003155", "CBC.99003156", "CBC.99003198", "CBC.99006093",
        "CBC.99008056",
    ],
)  # fmt: skip
async def test_a_payment_is_refused_with_the_rules_code_and_nothing_is_reserved(
    door: Door, database: Database, peers: PeerDouble, code: str
) -> None:
    """Break: raise the refusal inside of the transaction that counts the use."""
    customer = await keep_customer(database)
    order = await place(door, customer)
    made = await rule(
        door, order_id=order["order_id"], at="payment", outcome="fail", code=code, times=1
    )
    refused = await pays(door, customer, order)
    assert (refused.status_code, refused.json()["error_code"]) == (400, code)
    assert peers.asked("/internal/holds") == []
    assert await attempts(database) == []
    assert await outbox.types(database) == ["order.created"]
    assert await used(door) == {made["rule_id"]: 1}
    assert (await pays(door, customer, order)).status_code == 204
    again = await pays(door, customer, order)
    assert again.json()["error_code"] == "CBC.99003106", "no rule is asked for what is paid"


async def test_a_strangers_payment_uses_no_rule(door: Door, database: Database) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    order = await place(door, customer)
    made = await rule(door, order_id=order["order_id"], at="payment", outcome="fail", code=CODE)
    refused = await pays(door, stranger, order)
    assert refused.json()["error_code"] == "CBC.30000010"
    assert await used(door) == {made["rule_id"]: 0}


FAIL = {"customer_id": "c1", "outcome": "fail", "code": CODE}


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"outcome": "succeed"}, "CBC.0100"),
        (FAIL | {"product_id": "p1"}, "CBC.0100"),
        ({"customer_id": "c1", "outcome": "fail"}, "CBC.0100"),
        ({"customer_id": "c1", "outcome": "succeed", "code": CODE}, "CBC.0100"),
        (FAIL | {"code": "CBC.1"}, "CBC.0101"),
        (FAIL | {"outcome": "explode"}, "CBC.0101"),
        ({"order_id": "o1", "outcome": "review"}, "CBC.0100"),
        ({"customer_id": "c1", "outcome": "review", "delay_seconds": 1}, "CBC.0100"),
        ({"customer_id": "c1", "at": "payment", "outcome": "review"}, "CBC.0100"),
        (FAIL | {"times": 0}, "CBC.0100"),
        (FAIL | {"delay_seconds": -1}, "CBC.0100"),
        (FAIL | {"at": "payment", "delay_seconds": 1}, "CBC.0100"),
        ({"customer_id": "c1", "at": "payment", "outcome": "hang"}, "CBC.0100"),
    ],
)
async def test_a_rule_that_says_nothing_clear_is_refused(
    door: Door, database: Database, wanted: dict[str, Any], code: str
) -> None:
    refused = await door.post(RULES, wanted, ADMINISTRATOR)
    assert (refused.status_code, refused.json()["code"]) == (400, code), refused.text
    assert await used(door) == {}
    assert await audit.deeds(database) == []


async def test_rules_are_paged_audited_and_the_administrators_alone(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    made = [await rule(door, customer_id=customer, outcome="hang") for _ in range(3)]
    first = (await door.get(RULES, ADMINISTRATOR, query={"limit": "2"})).json()
    query = {"limit": "2", "after": first["next"]}
    second = (await door.get(RULES, ADMINISTRATOR, query=query)).json()
    assert [first["rules"], second["rules"]] == [made[:2], made[2:]]
    assert second["next"] is None
    gone = made[0]["rule_id"]
    path = f"{RULES}/{gone}"
    assert (await door.send("DELETE", path)).status_code == 204
    assert (await door.send("DELETE", path)).status_code == 404
    deeds = await audit.deeds(database)
    assert deeds[-2:] == [
        ("provisioning_rule.add", made[2]["rule_id"]), ("provisioning_rule.remove", gone),
    ]  # fmt: skip
    for who in (PARTNER, customer_principal(customer)):
        refused = await door.post(RULES, {"customer_id": customer, "outcome": "hang"}, who)
        assert refused.status_code == 403


async def test_what_is_no_sandbox_has_no_rules(order_database: ServiceDatabase) -> None:
    """Break: take the guard from the router."""
    app = build(order_database.settings(OrderSettings))
    async with app.router.lifespan_context(app), Door.of(app) as plain:
        for method, path in (("POST", RULES), ("GET", RULES), ("DELETE", f"{RULES}/r1")):
            answer = await plain.send(method, path, FAIL if method == "POST" else None)
            assert (answer.status_code, answer.json()["code"]) == (404, "CHB.0404")
            assert "SANDBOX" in answer.json()["detail"]


async def test_the_systems_renewal_is_refused_before_it_makes_an_order(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: let `_order` of renew_due ask for no rule."""
    customer, _ = await automatic(door, database, clock)
    rules = {"customer_id": customer, "at": "payment", "outcome": "fail", "code": CODE, "times": 1}
    made = await rule(door, **rules)
    clock.now = FIRST
    renews = renew_due(app.parts.peers, sandbox=True)
    await renews(database, clock.now)
    [failed] = await outbox.bodies(database, "resource.renewal_failed")
    assert failed["reason_code"] == CODE
    assert (await listed(door, customer)).keys() == {1}
    assert await used(door) == {made["rule_id"]: 1}
    clock.forward(days=1)
    await renews(database, clock.now)
    assert (await listed(door, customer)).keys() == {1, 2}


async def test_a_payment_by_the_system_leaves_the_order_as_a_refused_one_does(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: hand no `sandbox` on to `pay_automatically`."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    await rule(door, customer_id=customer, at="payment", outcome="fail", code=CODE, times=1)
    holds = len(peers.asked("/internal/holds"))
    refused = await renew(door, customer, resource, is_auto_pay=1)
    assert code_of(refused) == (400, "CBC.30050006")
    [order_id] = refused.json()["order_ids"]
    assert len(peers.asked("/internal/holds")) == holds
    paid = await door.post(PAY, payment(order_id), customer_principal(customer))
    assert paid.status_code == 204


async def test_a_payment_by_the_partner_is_refused_and_its_request_stays_open(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: look for the rule before `check_payable`, or in the request's own transaction."""
    await keep_partner(database)
    customer = await keep_customer(database)
    order = await place(door, customer)
    path = f"/api/orders/{order['order_id']}/payment-request"
    asked = (await door.post(path, None, customer_principal(customer))).json()
    pay = f"/api/payment-requests/{asked['request_id']}/pay"
    made = await rule(door, customer_id=customer, at="payment", outcome="fail", code=CODE, times=1)
    assert code_of(await door.post(pay, None, OTHER_PARTNER))[0] == 404
    assert await used(door) == {made["rule_id"]: 0}
    refused = await door.post(pay, None, PARTNER)
    assert code_of(refused) == (400, CODE)
    assert (await used(door), peers.asked("/internal/holds")) == ({made["rule_id"]: 1}, [])
    assert await attempts(database) == []
    assert (await door.post(pay, None, PARTNER)).status_code == 200
