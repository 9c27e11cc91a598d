"""Ids that name nothing, somebody else's, a part, or the same twice: refused, nothing written."""

from typing import Any

import pytest

from chassis.database import Database
from chassis.identity import Principal
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import (
    CANCEL,
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    keep_partner,
    line,
    payment,
    place,
)
from tests.order.resource_builders import DISK, EBS, opened, resource_of

pytestmark = pytest.mark.postgres

RESOURCES = "/v2/orders/subscriptions/resources"
INVALID, MEMBER = (400, "CBC.30000010"), (400, "CBC.99000089")
NOT_FOUND, BAD_FIELD = (404, "CHB.0404"), (400, "CBC.0100")
Body = dict[str, Any] | None
Asked = tuple[str, str, Body]  # method, path, body
Told = tuple[int, str | None]


def wire_query(operation: str, order_id: str) -> Asked:
    return "GET", f"{ORDERS}/{operation}?order_id={order_id}", None


def native(method: str, order_id: str, path: str) -> Asked:
    return method, f"/api/orders/{order_id}/{path}", None


def of_order(deed: str, order_id: str) -> Asked:
    """What a customer asks about an order, or wants done with it."""
    match deed:
        case "pay":
            return "POST", PAY, payment(order_id)
        case "cancel":
            return "PUT", CANCEL, {"order_id": order_id}
        case "details":
            return "GET", f"{ORDERS}/details/{order_id}", None
        case "discounts":
            return wire_query("order-discounts", order_id)
        case "refund rows":
            return wire_query("refund-orders", order_id)
        case "request":
            return native("POST", order_id, "payment-request")
        case _:
            return native("GET", order_id, deed)


async def ask(door: Door, asked: Asked, by: Principal) -> Told:
    """The status, and the code of a refusal."""
    method, path, body = asked
    answer = await door.send(method, path, body, by)
    return code_of(answer) if answer.is_error else (answer.status_code, None)


async def written(database: Database) -> tuple[Any, Any]:
    return await outbox.stated(database), await audit.deeds(database)


@pytest.mark.parametrize(
    ("deed", "unknown", "member", "done"),
    [
        ("pay", INVALID, MEMBER, 204),
        ("cancel", INVALID, MEMBER, 204),
        ("details", INVALID, (200, None), 200),
        ("discounts", INVALID, MEMBER, 200),
        ("refund rows", INVALID, (200, None), 200),
        ("request", NOT_FOUND, MEMBER, 201),
        ("history", NOT_FOUND, NOT_FOUND, 200),
        ("actions", NOT_FOUND, NOT_FOUND, 200),
        ("payment-options", NOT_FOUND, NOT_FOUND, 200),
    ],
)
async def test_an_order_is_named_by_its_own_id_in_any_case(
    door: Door, database: Database, deed: str, unknown: Told, member: Told, done: int
) -> None:
    """Another customer's and a stranger's are refused like one that is not there."""
    await keep_partner(database)
    customer, stranger = await keep_customer(database), await keep_customer(database)
    order = await place(door, customer, [line(), line(EBS)])
    order_id, part = order["order_id"], order["lines"][0]["member_order_id"]
    before = await written(database)
    own, other = customer_principal(customer), customer_principal(stranger)
    foreign = customer_principal(stranger, partner_id="p2")
    for by, named, told in [
        (own, "CS0", unknown), (own, "'", unknown), (other, order_id, unknown),
        (foreign, order_id, unknown), (other, part, unknown), (own, part, member),
        (own, part.lower(), member),
    ]:  # fmt: skip
        assert await ask(door, of_order(deed, named), by) == told, (named, by.id)
    assert await written(database) == before
    assert await ask(door, of_order(deed, order_id.lower()), own) == (done, None)


def of_resources(deed: str, ids: Any) -> Asked:
    """What a customer wants done with resources."""
    several: dict[str, tuple[str, dict[str, Any]]] = {
        "renew": (f"{RESOURCES}/renew", {"period_type": 2, "period_num": 1}),
        "unsubscribe": (f"{RESOURCES}/unsubscribe", {"unsubscribe_type": 1}),
        "unsubscribe renewals": (f"{RESOURCES}/unsubscribe", {"unsubscribe_type": 2}),
        "set up": (f"{RESOURCES}/to-on-demand", {"operation": "SET_UP"}),
        "cancel": (f"{RESOURCES}/to-on-demand", {"operation": "CANCEL"}),
        "convert": (f"{RESOURCES}/to-on-demand/instantly", {}),
        "quote renewal": ("/api/resources/renewal-quotes", {"period_type": 2, "period_num": 1}),
        "quote refund": ("/api/resources/refund-quotes", {}),
    }
    if deed in several:
        path, more = several[deed]
        return "POST", path, {"resource_ids": ids, **more}
    [one] = ids
    return {
        "set automatic": ("POST", f"{RESOURCES}/autorenew/{one}", None),
        "end automatic": ("DELETE", f"{RESOURCES}/autorenew/{one}", None),
        "show": ("GET", f"/api/resources/{one}", None),
        "history": ("GET", f"/api/resources/{one}/history", None),
        "close": ("POST", f"/api/resources/{one}/closing", None),
    }[deed]


NO_RESOURCE, MISSING = (400, "CBC.99003012"), (400, "CBC.99003016")
TOGETHER, NOT_MAIN = (400, "CBC.99003185"), (400, "CBC.30010036")
STATE = (409, "CHB.0409")


async def estate(
    door: Door, database: Database, clock: StandingClock
) -> tuple[Principal, str, str, str]:
    """A customer, a server of it and its disk, and another customer's server."""
    customer, stranger = await keep_customer(database), await keep_customer(database)
    lines = [line(), line(EBS, attach_to=1, **DISK)]
    main, attached = await opened(door, database, clock, customer, *lines)
    [theirs] = await opened(door, database, clock, stranger)
    return customer_principal(customer), main, attached, theirs


@pytest.mark.parametrize(
    ("deed", "unknown", "attached", "most"),
    [
        ("renew", MISSING, NOT_MAIN, 10),
        ("unsubscribe", NO_RESOURCE, TOGETHER, 10),
        ("unsubscribe renewals", NO_RESOURCE, TOGETHER, 10),
        ("set up", NO_RESOURCE, NO_RESOURCE, 100),
        ("cancel", NO_RESOURCE, NO_RESOURCE, 100),
        ("quote renewal", MISSING, NOT_MAIN, 10),
        ("quote refund", NO_RESOURCE, TOGETHER, 10),
    ],
)
async def test_one_bad_id_of_several_refuses_them_all(
    door: Door, database: Database, clock: StandingClock,
    deed: str, unknown: Told, attached: Told, most: int,
) -> None:  # fmt: skip
    own, main, disk, theirs = await estate(door, database, clock)
    before = await written(database)
    many = [f"r{number}" for number in range(most)]
    for ids, told in [
        (["nothing"], unknown), (["'"], unknown), ([theirs], unknown), ([main, theirs], unknown),
        ([main, "nothing"], unknown), ([main.upper()], unknown), ([disk], attached),
        (many, unknown), ([*many, "r"], BAD_FIELD), ([main, main], BAD_FIELD), ([], BAD_FIELD),
        ([""], BAD_FIELD), (["x" * 65], BAD_FIELD), ([1], BAD_FIELD), ([None], BAD_FIELD),
        (main, BAD_FIELD), (None, BAD_FIELD),
    ]:  # fmt: skip
        assert await ask(door, of_resources(deed, ids), own) == told, ids
    assert await written(database) == before
    assert await unchanged(database, main, disk)


async def unchanged(database: Database, *resource_ids: str) -> bool:
    """In use, charged by periods, renewed by nobody."""
    found = [await resource_of(database, one) for one in resource_ids]
    return {(one.status, one.charging_mode, one.expire_policy) for one in found} == {(2, 1, 0)}


async def test_of_a_conversion_at_once_each_bad_id_has_its_own_code(
    door: Door, database: Database, clock: StandingClock
) -> None:
    own, main, disk, theirs = await estate(door, database, clock)
    before = await written(database)
    ids = ["nothing", "'", theirs, main.upper(), disk]
    answer = await door.post(f"{RESOURCES}/to-on-demand/instantly", {"resource_ids": ids}, own)
    results = answer.json()["to_ondemand_service_results"]
    assert [one["resource_id"] for one in results] == ids
    assert {(one["result"], one["error_code"]) for one in results} == {("FAIL", NO_RESOURCE[1])}
    for wrong in ([f"r{number}" for number in range(11)], [main, main], [], [""]):
        assert await ask(door, of_resources("convert", wrong), own) == BAD_FIELD
    assert await written(database) == before
    assert await unchanged(database, main, disk)


@pytest.mark.parametrize(
    ("deed", "unknown", "attached"),
    [
        ("set automatic", NO_RESOURCE, (204, None)),
        ("end automatic", NO_RESOURCE, (204, None)),
        ("show", NOT_FOUND, (200, None)),
        ("history", NOT_FOUND, (200, None)),
        ("close", NOT_FOUND, STATE),
    ],
)
async def test_one_resource_is_named_exactly(
    door: Door, database: Database, clock: StandingClock, deed: str, unknown: Told, attached: Told
) -> None:
    """Ids of resources are no ids of orders: their case matters."""
    own, main, disk, theirs = await estate(door, database, clock)
    before = await written(database)
    for named in ("nothing", theirs, main.upper()):
        assert await ask(door, of_resources(deed, [named]), own) == unknown, named
    assert await written(database) == before
    assert await ask(door, of_resources(deed, [disk]), own) == attached


@pytest.mark.parametrize("order_type", [0, 4, 10, 13, 14, 15])
async def test_no_order_of_a_type_that_is_not_placed_here(
    door: Door, database: Database, order_type: int
) -> None:
    """Neither a trial nor an adjustment of fees; what is unsubscribed is no order to place."""
    customer = await keep_customer(database)
    body = {"customer_id": customer, "order_type": order_type, "lines": [line()]}
    assert code_of(await door.post("/api/orders", body, PARTNER)) == (400, "CBC.0101")
    assert await written(database) == ([], [])
