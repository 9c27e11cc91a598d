"""What a sweep makes of what differs, of odd values, refusals, and whose customers they are."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text

from customer_sync.sweep.run_sweep import Sweeper
from testkit.clock import StandingClock
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    CustomerDoor,
    hear,
    partner_joined,
)
from tests.customer_sync.sweep_builders import PAGE, DoorSource, Mirror, grow, kinds_of, next_sweep
from upstream import CustomerPage, UpstreamRefusedError


async def test_values_nobody_has_heard_of_are_kept_and_passed_on(
    door: CustomerDoor, mirror: Mirror, mirror_door: CustomerDoor, clock: StandingClock
) -> None:
    customer = (await grow(door, clock, 1))[0]

    def strange(answer: dict[str, Any]) -> dict[str, Any]:
        new = {
            "association_type": "7",
            "verified_status": "3",
            "customer_type": 9,
            "is_frozen": "",
            "customer_level": "V9",
            "account_managers": "none",
            "colour": "blue",
        }
        answer["customer_infos"][0].update(new)
        answer["customer_infos"].append({"account_name": "without an id"})
        return answer

    mirror.source.rewrite = strange
    assert (await mirror.sweep()).status == "finished"
    kept = (await mirror.customers())[customer]
    assert (kept.association_type, kept.verified_status) == ("7", "3")
    assert (kept.customer_type, kept.is_frozen, kept.customer_level) == (9, 0, "V9")
    shown = (await mirror_door.listed())["customer_infos"][0]
    assert (shown["association_type"], shown["customer_type"]) == ("7", 9)
    assert (await mirror.take_stated())[1][1]["association_type"] == "7"


async def test_a_switch_of_the_type_is_told_as_such_and_counted(
    door: CustomerDoor, mirror: Mirror, mirror_door: CustomerDoor, clock: StandingClock
) -> None:
    await grow(door, clock, 2)
    await mirror.sweep()
    await mirror.take_stated()

    def switch(answer: dict[str, Any]) -> dict[str, Any]:
        for one in answer["customer_infos"]:
            one["association_type"] = "1"
        return answer

    mirror.source.rewrite = switch
    await next_sweep(mirror, clock)
    assert kinds_of(await mirror.take_stated())["customer.association_changed"] == 2
    assert (await mirror_door.listed(association_type="1"))["count"] == 2
    assert (await mirror_door.listed(association_type="2"))["count"] == 0
    assert (await mirror_door.listed())["count"] == 2


async def test_a_customer_that_comes_back_is_associated_again(
    door: CustomerDoor, mirror: Mirror, mirror_door: CustomerDoor, clock: StandingClock
) -> None:
    await grow(door, clock, 2)
    await mirror.sweep()

    def nobody(_: dict[str, Any]) -> dict[str, Any]:
        return {"count": 0, "customer_infos": []}

    mirror.source.rewrite = nobody
    await next_sweep(mirror, clock)
    assert (await mirror_door.listed())["count"] == 0
    mirror.source.rewrite = lambda answer: answer
    await mirror.take_stated()
    await next_sweep(mirror, clock)
    assert kinds_of(await mirror.take_stated())["customer.associated"] == 2
    assert (await mirror_door.listed())["count"] == 2


async def test_a_field_that_cannot_change_and_did_is_told_as_drift(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    customer = (await grow(door, clock, 1))[0]
    await mirror.sweep()
    await mirror.take_stated()

    def rename(answer: dict[str, Any]) -> dict[str, Any]:
        answer["customer_infos"][0]["xaccount_id"] = "other"
        return answer

    mirror.source.rewrite = rename
    await next_sweep(mirror, clock)
    drift = [body for kind, body in await mirror.take_stated() if kind == "sync.drift_found"]
    assert [(d["customer_id"], d["field"], d["theirs"]) for d in drift] == [
        (customer, "xaccount_id", "other")
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("associated_on", "0001-01-01T00:00:00+08:00"),
        ("associated_on", "9999-12-31T23:59:59-08:00"),
        ("associated_on", "1969-12-31T23:59:59Z"),
        ("customer_type", 2**31),
        ("is_frozen", str(-(2**40))),
        ("label", "长" * 600),
        ("account_name", "x" * 100_000),
        ("label", "refused here"),  # by the database, see below
    ],
)
async def test_a_record_that_cannot_be_read_is_told_as_drift_and_stops_nobody_else(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock, field: str, value: Any
) -> None:
    made = await grow(door, clock, PAGE + 3)
    odd = made[4]
    async with mirror.database.transaction() as session:
        await session.execute(
            text("ALTER TABLE customers ADD CONSTRAINT odd CHECK (label <> 'refused here')")
        )
    await mirror.sweep()
    before = await mirror.customers()
    await mirror.take_stated()

    def spoil(answer: dict[str, Any]) -> dict[str, Any]:
        for one in answer["customer_infos"]:
            one["customer_level"] = "V2"
            if one["customer_id"] == odd:
                one[field] = value
        return answer

    mirror.source.rewrite = spoil
    asked = mirror.source.requests_made
    sweep = await next_sweep(mirror, clock)
    assert (sweep.status, sweep.customers_seen) == ("finished", PAGE + 3)
    assert mirror.source.requests_made - asked == 2, "two pages, and no question by id"
    stated = await mirror.take_stated()
    drift = [body for kind, body in stated if kind == "sync.drift_found"]
    assert {d["customer_id"] for d in drift} == {odd}
    assert all(len(d["theirs"] or "") <= 100 for d in drift)
    after = await mirror.customers()
    assert after[odd].version == before[odd].version, "it stays as it was"
    others = {one.customer_level for id_, one in after.items() if id_ != odd}
    assert others == {"V2"}, "the others follow"
    assert after[odd].association_status == "associated"


async def test_a_refusing_upstream_fails_the_sweep_and_the_next_one_comes_in_its_time(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    await grow(door, clock, 1)

    async def refuse(_: int) -> None:
        raise UpstreamRefusedError("APIGW.0301", "verify aksk signature fail", 401)

    mirror.source.before = refuse
    sweep = await mirror.sweep()
    assert sweep.status == "failed"
    assert "APIGW.0301" in (sweep.last_error or "")
    mirror.source.before = None
    await mirror.sweep()
    assert (await mirror.newest()).number == 1
    assert (await next_sweep(mirror, clock)).status == "finished"


async def test_a_distributor_mirrors_the_customers_of_its_resellers(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    made = []
    for reseller in ("res1", "res2"):
        made += [await door.create(DISTRIBUTOR, indirect_partner_id=reseller) for _ in range(12)]
    await hear(mirror.database, partner_joined("sp1", "distributor", version=2))
    source = DoorSource(door, DISTRIBUTOR)
    source.resellers = ["res1", "res2"]
    sweeper = mirror.another_replica(source)
    await sweeper.work(mirror.database, clock())
    customers = await mirror.customers()
    assert set(customers) == set(made)
    owners = Counter((c.partner_id, c.distributor_id) for c in customers.values())
    assert owners == {("res1", "sp1"): 12, ("res2", "sp1"): 12}
    await door.unlink(made[-1], DISTRIBUTOR)
    clock.forward(seconds=61)
    await sweeper.work(mirror.database, clock())
    assert source.asked_by_id == [made[-1]]
    assert source.asked[-1]["indirect_partner_id"] == "res2"
    assert (await mirror.customers())[made[-1]].association_status == "unlinked"


async def test_an_upstream_without_any_order_is_read_through_all_the_same(
    mirror: Mirror, clock: StandingClock
) -> None:
    class Shuffled(DoorSource):
        """Every page shows others; only a query by id can be relied on."""

        async def list_sub_customers(self, **wanted: Any) -> CustomerPage:
            self.requests_made += 1
            if wanted.get("customer_id"):
                return CustomerPage((), 0, 0)
            return CustomerPage((), 100, PAGE)

    sweeper: Sweeper = mirror.another_replica(Shuffled(None))  # type: ignore[arg-type]
    await asyncio.wait_for(sweeper.work(mirror.database, clock()), 60)
    assert (await mirror.newest()).status == "finished"
    assert await mirror.customers() == {}
