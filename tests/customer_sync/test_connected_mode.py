"""The doors in connected mode: sweeps are started and watched, commands are refused."""

import pytest

from customer_sync.settings import CustomerSyncSettings
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    CHECK,
    CREATE,
    LIST,
    SELLER,
    SEND,
    CustomerDoor,
    a_customer,
)
from tests.customer_sync.sweep_builders import (
    PAGE,
    Mirror,
    grow,
)
from upstream import UpstreamUnavailableError


async def test_an_administrator_starts_a_sweep_and_sees_its_progress(
    door: CustomerDoor, mirror: Mirror, mirror_door: CustomerDoor, clock: StandingClock
) -> None:
    await grow(door, clock, 25)
    await mirror.sweep()
    started = await mirror_door.post("/api/sweeps", None, ADMINISTRATOR)
    assert started.status_code == 202
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


async def test_standalone_there_is_nothing_to_sweep(door: CustomerDoor) -> None:
    assert code_of(await door.post("/api/sweeps", None, ADMINISTRATOR)) == (409, "CHB.0409")
    assert (await door.get("/api/sweeps", ADMINISTRATOR)).json() == {"sweeps": []}


async def test_in_connected_mode_no_command_is_carried_out_here(mirror_door: CustomerDoor) -> None:
    before = await mirror_door.written()
    mobile = {"receiver_type": 1, "mobile_phone": "13900001111"}
    name = {"search_type": "name", "search_value": "acme-shop"}
    for path, body in [
        (CREATE, a_customer()),
        (SEND, mobile),
        (CHECK, name),
        ("/api/customers/c1/unlinking", None),
        ("/api/customers/c1/switching", {"association_type": "1"}),
        ("/api/association-applications/a1/agree", None),
        ("/api/saml-bindings", {"xuser_id": "u", "xaccount_id": "a", "xaccount_type": "t"}),
        ("/api/customers/c1/authorizations", None),
    ]:
        assert code_of(await mirror_door.post(path, body)) == (501, "CHB.0002")
    patched = await mirror_door.patch("/api/customers/c1", {"label": "x"}, SELLER)
    assert code_of(patched) == (501, "CHB.0002")
    assert code_of(await mirror_door.send_unsigned("POST", CREATE, a_customer())) == (
        401,
        "CBC.0154",
    )
    assert (await mirror_door.post(LIST, {})).status_code == 200
    assert await mirror_door.written() == before


def test_the_overlap_must_leave_room_for_progress(connected: CustomerSyncSettings) -> None:
    told = connected.model_dump() | {"sweep_overlap_customers": PAGE}
    with pytest.raises(ValueError, match="SWEEP_OVERLAP_CUSTOMERS"):
        CustomerSyncSettings(**told)


def test_an_upstream_needs_its_credentials(connected: CustomerSyncSettings) -> None:
    told = connected.model_dump() | {"upstream_sk": None}
    with pytest.raises(ValueError, match="UPSTREAM_SK"):
        CustomerSyncSettings(**told)
