"""What a renewal would cost, asked before it is ordered (docs/domain/resources.md H.7)."""

from typing import Any

import pytest
from sqlalchemy import update

from chassis.database import Database
from chassis.identity import Principal
from order.copies import Authorization
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import OTHER_PARTNER, PARTNER, customer_principal, keep_customer, line
from tests.order.renewal_builders import DISK, EBS, bought, renew

pytestmark = pytest.mark.postgres

QUOTES = "/api/resources/renewal-quotes"


async def test_the_customer_and_its_partner_hear_the_price_and_the_end_and_nothing_is_written(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """The same that is ordered then. Break: quote without the attached resources."""
    customer = await keep_customer(database)
    disk = line(EBS, attach_to=1, **DISK)
    [server] = await bought(door, database, clock, customer, line(), disk)
    facts = await outbox.types(database)
    body = {"resource_ids": [server], "period_type": 2, "period_num": 3}
    answers = [
        (await door.post(QUOTES, body, who)).json()
        for who in (PARTNER, customer_principal(customer))
    ]
    assert answers[0] == answers[1]
    quoted = answers[0]
    assert (quoted["currency"], quoted["official_amount"]) == ("CNY", "600.00")
    assert quoted["amount_after_discount"] == "510.00"
    first, second = quoted["lines"]
    assert (first["resource_id"], second["main_resource_id"]) == (server, server)
    assert first["begin_at"].startswith("2026-12-23T16:00:00")
    assert first["end_at"].startswith("2027-03-23T15:59:59")
    assert first["extra_days"] == 0
    assert await outbox.types(database) == facts

    answer = await renew(door, customer, server, period_num=3)
    [placed] = (await outbox.bodies(database, "order.created"))[1:]
    assert [placed["order_id"]] == answer.json()["order_ids"]
    assert placed["amount_after_discount"] == "510.00"


async def test_the_refusals_are_those_of_the_renewal(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    [ours] = await bought(door, database, clock, customer)
    [theirs] = await bought(door, database, clock, stranger)
    body = {"resource_ids": [ours], "period_type": 2, "period_num": 1}
    wrongs: list[tuple[Principal, dict[str, Any], str]] = [
        (PARTNER, {"resource_ids": ["nothing"]}, "CBC.99003016"),
        (PARTNER, {"resource_ids": [ours, theirs]}, "CBC.99003016"),
        (OTHER_PARTNER, {}, "CBC.99003016"),
        (customer_principal(stranger), {}, "CBC.99003016"),
        (PARTNER, {"period_type": 3, "period_num": 4}, "CBC.99000092"),
        (PARTNER, {"resource_ids": [ours, ours]}, "CBC.0100"),
        (PARTNER, {"period_num": 12}, "CBC.0100"),
        (PARTNER, {"period_type": 1}, "CBC.0101"),
    ]
    for who, changed, code in wrongs:
        assert code_of(await door.post(QUOTES, body | changed, who)) == (400, code), changed
    await renew(door, customer, ours)
    assert code_of(await door.post(QUOTES, body, PARTNER)) == (400, "CBC.99003100")


async def test_a_partner_renews_in_its_customers_place_with_the_customers_grant(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """An order of type 2 by POST /api/orders. Break: place it without `on_behalf`."""
    customer = await keep_customer(database)
    [ours] = await bought(door, database, clock, customer)
    body = {
        "customer_id": customer, "order_type": 2, "resource_ids": [ours], "period_type": 3,
        "period_num": 1,
    }  # fmt: skip
    answer = await door.post("/api/orders", body, PARTNER)
    assert answer.status_code == 201, answer.text
    placed = answer.json()
    assert (placed["order_type"], placed["source_type"], placed["status"]) == (2, 2, 6)
    assert placed["user_name"] == "li.na"
    assert placed["lines"][0]["expire_at"].startswith("2027-12-23")
    assert code_of(await door.post("/api/orders", body, OTHER_PARTNER)) == (400, "CBC.99000035")
    assert code_of(await door.post("/api/orders", body, PARTNER)) == (400, "CBC.99003100")
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"order_type": 4}, "CBC.0101"),
        ({"order_type": "2"}, "CBC.0100"),
        ({"order_type": True}, "CBC.0100"),
        ({"resource_ids": []}, "CBC.0100"),
        ({"resource_ids": [ours, ours]}, "CBC.0100"),
        ({"period_type": 5}, "CBC.0101"),
        ({"period_num": 12}, "CBC.0100"),
        ({"period_num": 4}, "CBC.99000092"),
    ]
    for changed, code in wrongs:
        assert code_of(await door.post("/api/orders", body | changed, PARTNER)) == (400, code)
    wrong = await door.post("/api/orders", body | {"period_num": 12}, PARTNER)
    assert "period_num" in wrong.json()["refusal_detail"]
    async with database.transaction() as session:
        await session.execute(update(Authorization).values(status="terminated"))
    assert code_of(await door.post("/api/orders", body, PARTNER)) == (403, "CHB.1001")
