"""Switching automatic renewal on and off, and what holds for all renewals of a customer.

See docs/domain/resources.md H.8.
"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from chassis.database import Database
from order.resources.models import Resource
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import OTHER_PARTNER, customer_principal, keep_customer, line
from tests.order.renewal_builders import (
    AUTO_RENEW,
    CONFIG,
    DISK,
    EBS,
    bought,
    renewed,
    resource_of,
)

pytestmark = pytest.mark.postgres

RESOURCES = "/v2/orders/suscriptions/resources/query"


async def switch_on(door: Door, customer: str, resource_id: str, body: Any = None) -> Any:
    return await door.post(f"{AUTO_RENEW}/{resource_id}", body, customer_principal(customer))


async def switch_off(door: Door, customer: str, resource_id: str) -> Any:
    path = f"{AUTO_RENEW}/{resource_id}"
    return await door.send("DELETE", path, None, customer_principal(customer))


async def attached_to(database: Database, main: str) -> str:
    async with database.transaction() as session:
        wanted = select(Resource.resource_id).where(Resource.main_resource_id == main)
        return str(await session.scalar(wanted))


async def test_a_main_resource_and_what_is_attached_are_set_together_whichever_is_named(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: set the named one alone."""
    customer = await keep_customer(database)
    disk = line(EBS, attach_to=1, **DISK)
    [server] = await bought(door, database, clock, customer, line(), disk)
    attached = await attached_to(database, server)
    answer = await switch_on(door, customer, attached, {"auto_renew_times": 3})
    assert (answer.status_code, answer.content) == (204, b"")
    itself = customer_principal(customer)
    shown = (await door.post(RESOURCES, {}, itself)).json()["data"]
    assert [one["expire_policy"] for one in shown] == [3, 3]

    main = await resource_of(database, server)
    assert (main.auto_renew_period_type, main.auto_renewals_left) == (2, 3)
    # the day of the end is 23 December; 03:00 in Beijing seven days before
    assert f"{main.next_renewal_at:%Y-%m-%d %H:%M}" == "2026-12-15 19:00"
    assert (await resource_of(database, attached)).next_renewal_at is None
    told = await outbox.bodies(database, "resource.settings_changed")
    assert [one["resource_id"] for one in told] == [server, attached]
    assert (told[0]["expire_policy"], told[0]["auto_renewals_left"]) == (3, 3)
    assert told[0]["next_renewal_at"] == "2026-12-15T19:00:00Z"
    assert ("resource.set_auto_renewal", server) in await audit.deeds(database)

    assert (await switch_off(door, customer, attached)).status_code == 204
    main = await resource_of(database, server)
    assert (main.expire_policy, main.next_renewal_at) == (0, None)
    assert len(await outbox.bodies(database, "resource.settings_changed")) == 4
    assert (await switch_off(door, customer, server)).status_code == 204
    assert len(await outbox.bodies(database, "resource.settings_changed")) == 4


async def test_what_is_on_is_changed_by_a_number_of_times_alone(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """No body at all is without limit. Break: set it anew without a number of times."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer, line(period_type=3))
    await renewed(door, database, clock, customer, resource, period_num=2)
    assert (await switch_on(door, customer, resource)).status_code == 204
    found = await resource_of(database, resource)
    assert (found.auto_renew_period_type, found.auto_renewals_left) == (2, None), "its last order"

    await switch_on(door, customer, resource, {"period_type": "YEAR"})
    assert (await resource_of(database, resource)).auto_renew_period_type == 2
    await switch_on(door, customer, resource, {"period_type": "YEAR", "auto_renew_times": 99})
    found = await resource_of(database, resource)
    assert (found.auto_renew_period_type, found.auto_renewals_left) == (3, 99)
    await switch_on(door, customer, resource, {"auto_renew_times": 0})
    found = await resource_of(database, resource)
    assert (found.auto_renew_period_type, found.auto_renewals_left) == (3, None)
    await renewed(door, database, clock, customer, resource, period_num=1)
    found = await resource_of(database, resource)
    assert (found.auto_renew_period_type, found.expire_policy) == (3, 3), "a manual one leaves it"
    assert f"{found.next_renewal_at:%Y-%m-%d}" == "2028-02-15"


async def test_settings_that_cannot_be_are_refused_and_state_nothing(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    [theirs] = await bought(door, database, clock, stranger)
    facts = len(await outbox.types(database))
    for body in ({"auto_renew_times": 100}, {"auto_renew_times": -1}, {"auto_renew_times": "x"}):
        assert code_of(await switch_on(door, customer, resource, body)) == (400, "CBC.0100")
    wrong = await switch_on(door, customer, resource, {"period_type": "WEEK"})
    assert code_of(wrong) == (400, "CBC.0101")
    for unknown in ("nothing", theirs):
        assert code_of(await switch_on(door, customer, unknown)) == (400, "CBC.99003012")
        assert code_of(await switch_off(door, customer, unknown)) == (400, "CBC.99003012")
    for status in (3, 4, 5):
        async with database.transaction() as session:
            await session.execute(update(Resource).values(status=status))
        assert code_of(await switch_on(door, customer, resource)) == (400, "CBC.99003602")
    async with database.transaction() as session:
        await session.execute(update(Resource).values(status=3))
    assert code_of(await switch_off(door, customer, resource)) == (400, "CBC.99003602")
    async with database.transaction() as session:
        await session.execute(update(Resource).values(status=2))
    clock.forward(days=31)  # over, though no schedule has seen it yet
    assert code_of(await switch_on(door, customer, resource)) == (400, "CBC.99003602")
    assert (await door.post(f"{AUTO_RENEW}/{resource}", None, OTHER_PARTNER)).status_code == 403
    assert len(await outbox.types(database)) == facts


@pytest.mark.parametrize(("days", "status"), [(40, 5), (50, 4)])
async def test_what_is_still_tried_in_grace_and_retention_is_switched_off_there(
    door: Door, database: Database, clock: StandingClock, days: int, status: int
) -> None:
    """Break: refuse by the status, as for switching on."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    await switch_on(door, customer, resource)
    clock.forward(days=days)
    async with database.transaction() as session:
        await session.execute(update(Resource).values(status=status))
    assert (await switch_off(door, customer, resource)).status_code == 204
    found = await resource_of(database, resource)
    assert (found.expire_policy, found.next_renewal_at, found.status) == (0, None, status)
    clock.forward(days=30)  # closed, though no schedule has seen it yet
    assert code_of(await switch_off(door, customer, resource)) == (400, "CBC.99003602")


async def test_who_acts_for_a_customer_needs_its_grant(door: Door, database: Database) -> None:
    customer = await keep_customer(database, authorized=False)
    acting = customer_principal(customer, acting_for_partner="p1")
    for answer in (
        await door.post(f"{AUTO_RENEW}/any", None, acting),
        await door.post(CONFIG, {"config_name": "EXPIRE_DATE", "config_value": "5"}, acting),
    ):
        assert code_of(answer) == (403, "CHB.1001")


async def test_the_days_before_the_end_move_what_has_not_been_tried(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: note the days and leave the resources as they are."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    await switch_on(door, customer, resource)
    itself = customer_principal(customer)
    for value, day in (("2", "12-20"), ("7", "12-15"), ("5", "12-17")):
        body = {"config_name": "DEDUCTION_DATE", "config_value": value}
        answer = await door.post(CONFIG, body, itself)
        assert answer.json() == {"error_code": "CBC.0000", "error_msg": "success"}
        found = await resource_of(database, resource)
        assert f"{found.next_renewal_at:%m-%d %H}" == f"{day} 19"
    assert len(await outbox.bodies(database, "resource.settings_changed")) == 4
    await door.post(CONFIG, {"config_name": "DEDUCTION_DATE", "config_value": "5"}, itself)
    assert len(await outbox.bodies(database, "resource.settings_changed")) == 4


async def test_the_unified_day_holds_for_each_renewal_from_then_on(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    itself = customer_principal(customer)
    await door.post(CONFIG, {"config_name": "EXPIRE_DATE", "config_value": "-1"}, itself)
    await renewed(door, database, clock, customer, resource)
    assert f"{(await resource_of(database, resource)).expire_at:%Y-%m-%d}" == "2027-01-31"
    await renewed(door, database, clock, customer, resource)
    assert f"{(await resource_of(database, resource)).expire_at:%Y-%m-%d}" == "2027-02-28"
    assert ("renewal.configure", customer) in await audit.deeds(database)


async def test_a_value_that_the_name_does_not_know_is_refused(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    for name, unknown in [
        ("DEDUCTION_DATE", ("1", "8", "29", "0", "x", "-1", "2.0")),
        ("EXPIRE_DATE", ("29", "0", "x", "05", "-2")),
        ("OTHER", ("5",)),
    ]:
        for value in unknown:
            body = {"config_name": name, "config_value": value}
            answer = await door.post(CONFIG, body, customer_principal(customer))
            assert code_of(answer) == (400, "CBC.0101"), body
    for malformed in (
        {"config_name": "EXPIRE_DATE", "config_value": ""},
        {"config_name": "EXPIRE_DATE", "config_value": "1" * 65},
        {"config_name": None, "config_value": "5"},
    ):
        answer = await door.post(CONFIG, malformed, customer_principal(customer))
        assert code_of(answer) == (400, "CBC.0100"), malformed
    assert await audit.deeds(database) == []


async def test_a_renewal_that_ends_in_another_month_is_tried_before_that_end(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Set on late, it is tried at the next 03:00 in Beijing."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    found = await resource_of(database, resource)
    assert found.expire_at is not None
    clock.now = found.expire_at - timedelta(days=3)
    await switch_on(door, customer, resource)
    found = await resource_of(database, resource)
    assert f"{found.next_renewal_at:%Y-%m-%d %H:%M}" == "2026-12-20 19:00"


async def test_what_ends_earlier_since_a_renewal_was_given_back_is_tried_earlier(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: leave the next try where it was, behind the end."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    await renewed(door, database, clock, customer, resource, period_num=2)
    await switch_on(door, customer, resource)
    assert f"{(await resource_of(database, resource)).next_renewal_at:%Y-%m-%d}" == "2027-02-15"
    given_back = {"resource_ids": [resource], "unsubscribe_type": 2}
    path = "/v2/orders/subscriptions/resources/unsubscribe"
    assert (await door.post(path, given_back, customer_principal(customer))).status_code == 200
    found = await resource_of(database, resource)
    assert f"{found.next_renewal_at:%Y-%m-%d %H}" == "2026-12-15 19"
