"""The sweep mirrors an upstream: all of it, only what changed, and on from where it was killed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from chassis.database import Database
from customer_sync.app import build
from customer_sync.models import Customer
from customer_sync.run_sweep import Sweeper
from customer_sync.settings import CustomerSyncSettings
from testkit.databases import ServiceDatabase, service_database
from tests.customer_sync.builders import (
    ADMINISTRATOR,
    CHECK,
    CREATE,
    DISTRIBUTOR,
    LIST,
    SELLER,
    SEND,
    Clock,
    Door,
    a_customer,
    code_of,
    partner_joined,
    tell,
)
from tests.customer_sync.sweep_builders import DoorSource, Mirror
from upstream import CustomerPage, UpstreamRefusedError, UpstreamUnavailableError

mirror_store = service_database("customer_sync")

PAGE, OVERLAP = 10, 3


@pytest.fixture
def connected(mirror_store: ServiceDatabase) -> CustomerSyncSettings:
    """Settings of the connected service; the address is never called here."""
    return mirror_store.settings(
        CustomerSyncSettings,
        upstream_url="http://127.0.0.1:1",
        upstream_ak="ak",
        upstream_sk="sk",
        upstream_domain_id="sp1",
        sweep_page_customers=PAGE,
        sweep_overlap_customers=OVERLAP,
        sweep_every_seconds=60,
        sweep_lease_seconds=30,
    )


@pytest.fixture
async def mirror(
    door: Door, connected: CustomerSyncSettings, clock: Clock
) -> AsyncIterator[Mirror]:
    """The connected service's database, its sweeper, and the way to the upstream."""
    database = Database(connected, "customer_sync")
    await tell(database, partner_joined("sp1", "solution_provider"))
    yield Mirror(database, connected, clock, DoorSource(door))
    await database.close()


@pytest.fixture
async def mirror_door(
    mirror: Mirror, connected: CustomerSyncSettings, clock: Clock
) -> AsyncIterator[Door]:
    """The connected service's HTTP door."""
    app = build(connected, clock)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://mirror") as client:
        yield Door(client, connected, mirror.database)
    await app.state.database.close()


async def _grow(door: Door, clock: Clock, customers: int) -> list[str]:
    """Customers of the upstream, each associated a second after the one before."""
    made = []
    for _ in range(customers):
        clock.forward(seconds=1)
        made.append(await door.create())
    return made


async def _next_sweep(mirror: Mirror, clock: Clock) -> Any:
    clock.forward(seconds=61)
    return await mirror.sweep()


def _kinds(stated: list[tuple[str, dict[str, Any]]]) -> Counter[str]:
    return Counter(kind for kind, _ in stated)


async def test_all_customers_arrive_once_with_their_fields_and_their_events(
    door: Door, mirror: Mirror, mirror_door: Door, clock: Clock
) -> None:
    made = await _grow(door, clock, 34)
    sweep = await mirror.sweep()
    assert (sweep.status, sweep.customers_seen, sweep.customers_changed) == ("finished", 34, 34)
    assert sweep.requests_made == mirror.source.requests_made == 5
    assert set(await mirror.customers()) == set(made)
    stated = await mirror.take_stated()
    assert _kinds(stated) == {
        "customer.registered": 34,
        "customer.associated": 34,
        "sync.sweep_finished": 1,
    }
    theirs, ours = await door.listed(limit=100), await mirror_door.listed(limit=100)
    assert ours == theirs


async def test_windows_overlap(door: Door, mirror: Mirror, clock: Clock) -> None:
    await _grow(door, clock, 25)
    await mirror.sweep()
    assert [wanted["offset"] for wanted in mirror.source.asked] == [0, 7, 14, 21]


async def test_a_second_sweep_of_an_unchanged_upstream_states_only_its_own_end(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    await _grow(door, clock, 12)
    await mirror.sweep()
    await mirror.take_stated()
    sweep = await _next_sweep(mirror, clock)
    assert (sweep.number, sweep.customers_seen, sweep.customers_changed) == (2, 12, 0)
    assert _kinds(await mirror.take_stated()) == {"sync.sweep_finished": 1}


async def test_only_what_changed_upstream_is_stated(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    one, two, three, *_ = await _grow(door, clock, 6)
    await mirror.sweep()
    await mirror.take_stated()
    changes = {"label": "重点", "account_manager": {"id": "m1", "name": "李雷"}}
    assert (await door.send("PATCH", f"/api/customers/{one}", changes, SELLER)).status_code == 200
    assert (await door.post(f"/api/customers/{two}/unlinking")).status_code == 201
    new = (await _grow(door, clock, 1))[0]
    await _next_sweep(mirror, clock)
    stated = await mirror.take_stated()
    assert {(kind, body.get("customer_id")) for kind, body in stated} == {
        ("customer.registered", new),
        ("customer.associated", new),
        ("customer.updated", one),
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
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    hidden = (await _grow(door, clock, 5))[2]
    await mirror.sweep()
    await mirror.take_stated()

    def hide(answer: dict[str, Any]) -> dict[str, Any]:
        shown = answer["customer_infos"]
        if len(shown) > 1:
            shown[:] = [one for one in shown if one["customer_id"] != hidden]
        return answer

    mirror.source.rewrite = hide
    await _next_sweep(mirror, clock)
    assert mirror.source.asked_by_id == [hidden]
    assert _kinds(await mirror.take_stated()) == {"sync.sweep_finished": 1}
    assert (await mirror.customers())[hidden].association_status == "associated"


async def test_nobody_is_unlinked_by_a_sweep_that_did_not_reach_its_end(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    gone = (await _grow(door, clock, 25))[0]
    await mirror.sweep()
    await mirror.take_stated()
    await door.post(f"/api/customers/{gone}/unlinking")

    async def fail(_: int) -> None:
        raise UpstreamUnavailableError("503")

    mirror.source.before = fail
    sweep = await _next_sweep(mirror, clock)
    assert (sweep.status, sweep.last_error) == ("running", "503")
    assert await mirror.take_stated() == []
    mirror.source.before = None
    sweep = await mirror.sweep()
    assert (sweep.number, sweep.status, sweep.last_error) == (2, "finished", None)
    assert _kinds(await mirror.take_stated()) == {
        "customer.unlinked": 1,
        "sync.sweep_finished": 1,
    }


async def test_customers_that_leave_while_pages_are_read_let_no_other_slip_through(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    made = await _grow(door, clock, 40)

    async def leave(request: int) -> None:
        if request == 3:  # more than the overlap, all from what has been read
            for customer in made[-9:]:
                await door.post(f"/api/customers/{customer}/unlinking")

    mirror.source.before = leave
    sweep = await mirror.sweep()
    assert sweep.steps_back > 0
    mirror.source.before = None
    assert set(await mirror.customers()) == set(made)
    await _next_sweep(mirror, clock)
    customers = await mirror.customers()
    assert {c for c in made if customers[c].association_status == "unlinked"} == set(made[-9:])


async def test_customers_that_come_while_pages_are_read_disturb_nothing(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    made = await _grow(door, clock, 30)

    async def come(request: int) -> None:
        if request == 2:
            made.extend(await _grow(door, clock, 5))

    mirror.source.before = come
    await mirror.sweep()
    mirror.source.before = None
    assert set(made[:30]) <= set(await mirror.customers())
    await _next_sweep(mirror, clock)
    assert set(await mirror.customers()) == set(made)


async def test_a_killed_sweep_goes_on_from_its_last_page_when_its_lease_has_ended(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    await _grow(door, clock, 34)

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
    kinds = _kinds(await mirror.take_stated())
    assert (kinds["customer.registered"], kinds["customer.associated"]) == (34, 34)


async def test_a_replica_that_lost_its_sweep_writes_nothing_more(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    await _grow(door, clock, 25)
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
    kinds = _kinds(await mirror.take_stated())
    assert (kinds["customer.registered"], kinds["sync.sweep_finished"]) == (25, 1)


async def test_of_many_replicas_one_sweeps(door: Door, mirror: Mirror, clock: Clock) -> None:
    await _grow(door, clock, 25)
    replicas = [mirror.another_replica() for _ in range(5)]
    await asyncio.gather(*(r.work(mirror.database, clock()) for r in replicas))
    assert (await mirror.newest()).number == 1
    kinds = _kinds(await mirror.take_stated())
    assert (kinds["customer.registered"], kinds["sync.sweep_finished"]) == (25, 1)


async def test_values_nobody_has_heard_of_are_kept_and_passed_on(
    door: Door, mirror: Mirror, mirror_door: Door, clock: Clock
) -> None:
    customer = (await _grow(door, clock, 1))[0]

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
    door: Door, mirror: Mirror, mirror_door: Door, clock: Clock
) -> None:
    await _grow(door, clock, 2)
    await mirror.sweep()
    await mirror.take_stated()

    def switch(answer: dict[str, Any]) -> dict[str, Any]:
        for one in answer["customer_infos"]:
            one["association_type"] = "1"
        return answer

    mirror.source.rewrite = switch
    await _next_sweep(mirror, clock)
    assert _kinds(await mirror.take_stated())["customer.association_changed"] == 2
    assert (await mirror_door.listed(association_type="1"))["count"] == 2
    assert (await mirror_door.listed(association_type="2"))["count"] == 0
    assert (await mirror_door.listed())["count"] == 2


async def test_a_customer_that_comes_back_is_associated_again(
    door: Door, mirror: Mirror, mirror_door: Door, clock: Clock
) -> None:
    await _grow(door, clock, 2)
    await mirror.sweep()

    def nobody(_: dict[str, Any]) -> dict[str, Any]:
        return {"count": 0, "customer_infos": []}

    mirror.source.rewrite = nobody
    await _next_sweep(mirror, clock)
    assert (await mirror_door.listed())["count"] == 0
    mirror.source.rewrite = lambda answer: answer
    await mirror.take_stated()
    await _next_sweep(mirror, clock)
    assert _kinds(await mirror.take_stated())["customer.associated"] == 2
    assert (await mirror_door.listed())["count"] == 2


async def test_a_field_that_cannot_change_and_did_is_told_as_drift(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    customer = (await _grow(door, clock, 1))[0]
    await mirror.sweep()
    await mirror.take_stated()

    def rename(answer: dict[str, Any]) -> dict[str, Any]:
        answer["customer_infos"][0]["xaccount_id"] = "other"
        return answer

    mirror.source.rewrite = rename
    await _next_sweep(mirror, clock)
    drift = [body for kind, body in await mirror.take_stated() if kind == "sync.drift_found"]
    assert [(d["customer_id"], d["field"], d["theirs"]) for d in drift] == [
        (customer, "xaccount_id", "other")
    ]


async def test_a_refusing_upstream_fails_the_sweep_and_the_next_one_comes_in_its_time(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    await _grow(door, clock, 1)

    async def refuse(_: int) -> None:
        raise UpstreamRefusedError("APIGW.0301", "verify aksk signature fail", 401)

    mirror.source.before = refuse
    sweep = await mirror.sweep()
    assert sweep.status == "failed"
    assert "APIGW.0301" in (sweep.last_error or "")
    mirror.source.before = None
    await mirror.sweep()
    assert (await mirror.newest()).number == 1
    assert (await _next_sweep(mirror, clock)).status == "finished"


async def test_a_distributor_mirrors_the_customers_of_its_resellers(
    door: Door, mirror: Mirror, clock: Clock
) -> None:
    made = []
    for reseller in ("res1", "res2"):
        made += [await door.create(DISTRIBUTOR, indirect_partner_id=reseller) for _ in range(12)]
    await tell(mirror.database, partner_joined("sp1", "distributor", version=2))
    source = DoorSource(door, DISTRIBUTOR)
    source.resellers = ["res1", "res2"]
    sweeper = mirror.another_replica(source)
    await sweeper.work(mirror.database, clock())
    customers = await mirror.customers()
    assert set(customers) == set(made)
    owners = Counter((c.partner_id, c.distributor_id) for c in customers.values())
    assert owners == {("res1", "sp1"): 12, ("res2", "sp1"): 12}
    await door.post(f"/api/customers/{made[-1]}/unlinking", None, DISTRIBUTOR)
    clock.forward(seconds=61)
    await sweeper.work(mirror.database, clock())
    assert source.asked_by_id == [made[-1]]
    assert source.asked[-1]["indirect_partner_id"] == "res2"
    assert (await mirror.customers())[made[-1]].association_status == "unlinked"


async def test_an_administrator_starts_a_sweep_and_sees_its_progress(
    door: Door, mirror: Mirror, mirror_door: Door, clock: Clock
) -> None:
    await _grow(door, clock, 25)
    await mirror.sweep()
    started = await mirror_door.post("/api/sweeps", None, ADMINISTRATOR)
    assert started.status_code == 201
    assert code_of(await mirror_door.post("/api/sweeps", None, ADMINISTRATOR)) == (409, "CHB.0409")

    async def look(request: int) -> None:
        if request == 7:
            clock.forward(seconds=10)
            seen = (await mirror_door.get("/api/sweeps", ADMINISTRATOR)).json()["sweeps"][0]
            assert (seen["status"], seen["pages_done"], seen["customers_seen"]) == (
                "running", 2, 17,
            )  # fmt: skip
            assert seen["eta_seconds"] == 5
            raise UpstreamUnavailableError("seen")

    mirror.source.before = look
    await mirror.sweep()
    mirror.source.before = None
    assert (await mirror.newest()).last_error == "seen"
    await mirror.sweep()
    shown = (await mirror_door.get("/api/sweeps", ADMINISTRATOR)).json()["sweeps"]
    assert [(s["number"], s["status"]) for s in shown] == [(2, "finished"), (1, "finished")]
    assert code_of(await mirror_door.get("/api/sweeps", SELLER)) == (403, "CBC.0151")


async def test_standalone_there_is_nothing_to_sweep(door: Door) -> None:
    assert code_of(await door.post("/api/sweeps", None, ADMINISTRATOR)) == (409, "CHB.0409")
    assert (await door.get("/api/sweeps", ADMINISTRATOR)).json() == {"sweeps": []}


async def test_in_connected_mode_no_command_is_carried_out_here(mirror_door: Door) -> None:
    before = await mirror_door.written()
    mobile = {"receiver_type": 1, "mobile_phone": "13900001111"}
    name = {"search_type": "name", "search_value": "acme-shop"}
    for path, body in [
        (CREATE, a_customer()),
        (SEND, mobile),
        (CHECK, name),
        ("/api/customers/c1/unlinking", None),
        ("/api/customers/c1/authorizations", None),
        ("/api/authorizations/a1/grant", None),
    ]:
        assert code_of(await mirror_door.post(path, body)) == (501, "CHB.0002")
    patched = await mirror_door.send("PATCH", "/api/customers/c1", {"label": "x"}, SELLER)
    assert code_of(patched) == (501, "CHB.0002")
    assert code_of(await mirror_door.post(CREATE, a_customer(), None)) == (401, "CBC.0154")
    assert (await mirror_door.post(LIST, {})).status_code == 200
    assert await mirror_door.written() == before


async def test_an_upstream_without_any_order_is_read_through_all_the_same(
    mirror: Mirror, clock: Clock
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


def test_the_overlap_must_leave_room_for_progress(connected: CustomerSyncSettings) -> None:
    told = connected.model_dump() | {"sweep_overlap_customers": PAGE}
    with pytest.raises(ValueError, match="SWEEP_OVERLAP_CUSTOMERS"):
        CustomerSyncSettings(**told)


def test_an_upstream_needs_its_credentials(connected: CustomerSyncSettings) -> None:
    told = connected.model_dump() | {"upstream_sk": None}
    with pytest.raises(ValueError, match="UPSTREAM_SK"):
        CustomerSyncSettings(**told)


def test_a_customer_is_counted_only_while_it_is_associated() -> None:
    customer = Customer(association_status="unlinked", partner_id="p", association_type="2")
    assert customer.place is None
