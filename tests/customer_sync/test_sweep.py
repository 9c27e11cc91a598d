"""The sweep mirrors all of an upstream, and goes on from where it was killed."""

import asyncio
from typing import Any

import pytest

from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR
from tests.customer_sync.builders import (
    SELLER,
    CustomerDoor,
)
from tests.customer_sync.sweep_builders import (
    DoorSource,
    Mirror,
    grow,
    kinds_of,
    next_sweep,
)
from upstream import UpstreamUnavailableError


async def test_all_customers_arrive_once_with_their_fields_and_their_events(
    door: CustomerDoor, mirror: Mirror, mirror_door: CustomerDoor, clock: StandingClock
) -> None:
    made = await grow(door, clock, 34)
    sweep = await mirror.sweep()
    assert (sweep.status, sweep.customers_seen, sweep.customers_changed) == ("finished", 34, 34)
    assert sweep.requests_made == mirror.source.requests_made == 5
    assert set(await mirror.customers()) == set(made)
    stated = await mirror.take_stated()
    assert kinds_of(stated) == {
        "customer.registered": 34,
        "customer.associated": 34,
        "sync.sweep_finished": 1,
    }
    theirs, ours = await door.listed(limit=100), await mirror_door.listed(limit=100)
    assert ours == theirs


async def test_windows_overlap(door: CustomerDoor, mirror: Mirror, clock: StandingClock) -> None:
    await grow(door, clock, 25)
    await mirror.sweep()
    assert [wanted["offset"] for wanted in mirror.source.asked] == [0, 7, 14, 21]


async def test_a_second_sweep_of_an_unchanged_upstream_states_only_its_own_end(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    await grow(door, clock, 12)
    await mirror.sweep()
    await mirror.take_stated()
    sweep = await next_sweep(mirror, clock)
    assert (sweep.number, sweep.customers_seen, sweep.customers_changed) == (2, 12, 0)
    assert kinds_of(await mirror.take_stated()) == {"sync.sweep_finished": 1}


async def test_only_what_changed_upstream_is_stated(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    one, two, three, four, *_ = await grow(door, clock, 6)
    await mirror.sweep()
    await mirror.take_stated()
    named = {"customer_name": "云帆科技", "customer_type": 1}
    verified = await door.post(f"/api/customers/{four}/verification", named, ADMINISTRATOR)
    assert verified.is_success
    changes = {"label": "重点", "account_manager": {"id": "m1", "name": "李雷"}}
    assert (await door.patch(f"/api/customers/{one}", changes, SELLER)).status_code == 200
    await door.unlink(two)
    new = (await grow(door, clock, 1))[0]
    await next_sweep(mirror, clock)
    stated = await mirror.take_stated()
    assert {(kind, body.get("customer_id")) for kind, body in stated} == {
        ("customer.registered", new),
        ("customer.associated", new),
        ("customer.updated", one),
        ("customer.verified", four),
        ("customer.unlinked", two),
        ("sync.sweep_finished", None),
    }
    bodies = {kind: body for kind, body in stated}
    updated = bodies["customer.updated"]
    assert (updated["label"], updated["account_manager_name"]) == ("重点", "李雷")
    assert updated["version"] == 3
    customers = await mirror.customers()
    assert customers[two].association_status == "unlinked"
    assert customers[three].association_status == "associated"


async def test_who_is_missing_from_the_pages_stays_when_a_query_by_id_finds_it(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    hidden = (await grow(door, clock, 5))[2]
    await mirror.sweep()
    await mirror.take_stated()

    def hide(answer: dict[str, Any]) -> dict[str, Any]:
        shown = answer["customer_infos"]
        if len(shown) > 1:
            shown[:] = [one for one in shown if one["customer_id"] != hidden]
        return answer

    mirror.source.rewrite = hide
    await next_sweep(mirror, clock)
    assert mirror.source.asked_by_id == [hidden]
    assert kinds_of(await mirror.take_stated()) == {"sync.sweep_finished": 1}
    assert (await mirror.customers())[hidden].association_status == "associated"


async def test_nobody_is_unlinked_by_a_sweep_that_did_not_reach_its_end(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    gone = (await grow(door, clock, 25))[0]
    await mirror.sweep()
    await mirror.take_stated()
    await door.unlink(gone)

    async def fail(_: int) -> None:
        raise UpstreamUnavailableError("503")

    mirror.source.before = fail
    sweep = await next_sweep(mirror, clock)
    assert (sweep.status, sweep.last_error) == ("running", "503")
    assert await mirror.take_stated() == []
    mirror.source.before = None
    sweep = await mirror.sweep()
    assert (sweep.number, sweep.status, sweep.last_error) == (2, "finished", None)
    assert kinds_of(await mirror.take_stated()) == {
        "customer.unlinked": 1,
        "sync.sweep_finished": 1,
    }


async def test_customers_that_leave_while_pages_are_read_let_no_other_slip_through(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    made = await grow(door, clock, 40)

    async def leave(request: int) -> None:
        if request == 3:  # more than the overlap, all from what has been read
            for customer in made[-9:]:
                await door.unlink(customer)

    mirror.source.before = leave
    sweep = await mirror.sweep()
    assert sweep.steps_back > 0
    mirror.source.before = None
    assert set(await mirror.customers()) == set(made)
    await next_sweep(mirror, clock)
    customers = await mirror.customers()
    assert {c for c in made if customers[c].association_status == "unlinked"} == set(made[-9:])


async def test_customers_that_come_while_pages_are_read_disturb_nothing(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    made = await grow(door, clock, 30)

    async def come(request: int) -> None:
        if request == 2:
            made.extend(await grow(door, clock, 5))

    mirror.source.before = come
    await mirror.sweep()
    mirror.source.before = None
    assert set(made[:30]) <= set(await mirror.customers())
    await next_sweep(mirror, clock)
    assert set(await mirror.customers()) == set(made)


async def test_a_killed_sweep_goes_on_from_its_last_page_when_its_lease_has_ended(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    await grow(door, clock, 34)

    class PowerCutError(BaseException):
        pass

    async def die(request: int) -> None:
        if request == 4:
            raise PowerCutError

    mirror.source.before = die
    with pytest.raises(PowerCutError):
        await mirror.sweep()
    mirror.source.before = None
    assert (await mirror.newest()).pages_done == 3
    other = mirror.another_replica()
    asked_before = len(mirror.source.asked)
    await other.work(mirror.database, clock())
    assert len(mirror.source.asked) == asked_before  # the dead one's lease still runs
    clock.forward(seconds=31)
    await other.work(mirror.database, clock())
    sweep = await mirror.newest()
    assert (sweep.number, sweep.status, sweep.customers_seen) == (1, "finished", 34)
    assert mirror.source.asked[asked_before]["offset"] == 21
    kinds = kinds_of(await mirror.take_stated())
    assert (kinds["customer.registered"], kinds["customer.associated"]) == (34, 34)


async def test_a_replica_that_lost_its_sweep_writes_nothing_more(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    await grow(door, clock, 25)
    other = mirror.another_replica(DoorSource(door))

    async def be_overtaken(request: int) -> None:
        if request == 2:
            clock.forward(seconds=31)
            await other.work(mirror.database, clock())

    mirror.source.before = be_overtaken
    await mirror.sweep()
    assert mirror.source.requests_made == 2
    sweep = await mirror.newest()
    assert (sweep.number, sweep.status, sweep.customers_seen) == (1, "finished", 25)
    kinds = kinds_of(await mirror.take_stated())
    assert (kinds["customer.registered"], kinds["sync.sweep_finished"]) == (25, 1)


async def test_of_many_replicas_one_sweeps(
    door: CustomerDoor, mirror: Mirror, clock: StandingClock
) -> None:
    await grow(door, clock, 25)
    replicas = [mirror.another_replica() for _ in range(5)]
    await asyncio.gather(*(r.work(mirror.database, clock()) for r in replicas))
    assert (await mirror.newest()).number == 1
    kinds = kinds_of(await mirror.take_stated())
    assert (kinds["customer.registered"], kinds["sync.sweep_finished"]) == (25, 1)
