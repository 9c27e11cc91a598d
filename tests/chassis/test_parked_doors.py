"""The two doors to what is parked: the internal API of the ops console, and the command line."""

import asyncio
import base64
import io
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import func, select

from chassis import cli
from chassis.app import basic_parts, service_app
from chassis.identity import Principal
from chassis.parts import Parts, ServiceApp
from chassis.settings import ServiceSettings
from chassis.tables import ConsumerPosition, ParkedEvent
from testkit import audit
from testkit.door import ADMINISTRATOR, Door
from testkit.servers import PostgresServer
from tests.chassis.parked import message, park_first_of
from tests.chassis.processes import Outcome
from tests.chassis.tally import KEYS, counting, create_schema, settings_for

PARTNER = Principal(id="p", kind="solution_provider", partner_id="p")
PREFIX = "doors_"
GOOD = message(0, "k", 1, "5.00").body
pytestmark = pytest.mark.postgres


@pytest.fixture
async def settings(postgres_server: PostgresServer) -> AsyncIterator[ServiceSettings]:
    name = f"{PREFIX}tally"
    postgres_server.drop_database(name)
    postgres_server.create_database(name)
    found = settings_for(postgres_server.url, "unused", PREFIX)
    await create_schema(found)
    yield found
    postgres_server.drop_database(name)


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    """A key with a poisoned event, and one that waits behind it."""
    found = Outcome(settings)
    async with found.database.transaction() as session:
        session.add(ConsumerPosition(consumer="tally", topic="billing", partition=0, position=0))
    await park_first_of(found.database, message(0, "k", 1, "-1.00"), message(1, "k", 2))
    yield found
    await found.database.close()


def build(settings: ServiceSettings) -> ServiceApp[Parts]:
    return service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])


async def states(outcome: Outcome) -> list[tuple[str, str | None]]:
    async with outcome.database.transaction() as session:
        rows = select(ParkedEvent.state, ParkedEvent.decision).order_by(ParkedEvent.id)
        return [(state, decision) for state, decision in await session.execute(rows)]


async def actions(outcome: Outcome) -> list[str]:
    return [action for action, _ in await audit.deeds(outcome.database)]


async def first_id(outcome: Outcome) -> int:
    async with outcome.database.transaction() as session:
        return await session.scalar(select(func.min(ParkedEvent.id))) or 0


@pytest.fixture
async def door(settings: ServiceSettings) -> AsyncIterator[Door]:
    """Asks the internal API as the administrator."""
    async with Door.of(build(settings)) as door:
        yield door
    await door.database.close()


REPLAY = {"consumer": "tally", "stream": "billing", "key": "k"}


async def test_the_api_lists_shows_edits_and_replays(outcome: Outcome, door: Door) -> None:
    (key,) = (await door.get("/internal/parked")).json()["keys"]
    assert (key["key"], key["events"], key["error"]) == ("k", 2, "ValueError: poison")
    shown = (await door.get(f"/internal/parked/events/{key['first_id']}")).json()
    assert json.loads(shown["body"])["amount"] == "-1.00"
    failed = await door.post("/internal/parked/replay", REPLAY)
    assert (failed.status_code, failed.json()["code"]) == (409, "CHB.0409")
    told = {"body": base64.b64encode(GOOD).decode(), "reason": "the amount was wrong"}
    edited = await door.post(f"/internal/parked/events/{key['first_id']}/edit", told)
    assert edited.status_code == 204, edited.text
    replayed = await door.post("/internal/parked/replay", REPLAY)
    assert replayed.json() == {"replayed": 2}
    assert await outcome.heard() == [("k", 1), ("k", 2)]
    assert (await door.get("/internal/parked")).json() == {"keys": []}
    deeds = ["parked_event.edit", "parked_event.replayed", "parked_event.replayed"]
    assert await actions(outcome) == deeds


async def test_both_doors_say_who_decided_what_when_and_why(
    outcome: Outcome, door: Door, command: "Command", capsys: pytest.CaptureFixture[str]
) -> None:
    number = await first_id(outcome)
    door.by = replace(ADMINISTRATOR, operator_id="op-7")
    told = {"body": base64.b64encode(GOOD).decode(), "reason": "the amount was wrong"}
    await door.post(f"/internal/parked/events/{number}/edit", told)
    await door.post("/internal/parked/replay", {**REPLAY, "reason": "it is mended"})
    await door.post("/internal/parked/replay-all", {"error": "x", "reason": "to be sure"})
    everything = (await door.get("/internal/parked/decisions")).json()["decisions"]
    told_of = [(one["decision"], one["by"], one["reason"], one["type"]) for one in everything]
    assert told_of == [
        ("replayed_all", "op-7", "to be sure", None),
        ("replayed", "op-7", "it is mended", "billing.funds_moved"),
        ("replayed", "op-7", "it is mended", "billing.funds_moved"),
        ("edited", "op-7", "the amount was wrong", "billing.funds_moved"),
    ]
    assert {(one["key"], one["consumer"]) for one in everything[1:]} == {("k", "tally")}
    assert everything[0]["detail"]["still_failing"] == 0
    shown = (await door.get(f"/internal/parked/events/{number}")).json()
    assert [one["decision"] for one in shown["decisions"]] == ["replayed", "edited"]
    assert shown["was_edited"] is True
    page = f"/internal/parked/decisions?limit=1&before={everything[0]['id']}"
    assert (await door.get(page)).json()["decisions"] == everything[1:2]
    assert (await door.get("/internal/parked/decisions?limit=201")).status_code == 400
    capsys.readouterr()
    assert await command.run("decisions") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["decision"], line["by"]) for line in lines] == [one[:2] for one in told_of]


@pytest.mark.usefixtures("outcome")
async def test_an_event_is_found_by_its_place_in_the_topic(door: Door) -> None:
    (key,) = (await door.get("/internal/parked")).json()["keys"]
    place = f"stream=billing&key=k&partition={key['partition']}&position={key['position']}"
    found = (await door.get(f"/internal/parked/same-event?{place}")).json()["events"]
    assert [(one["id"], one["consumer"], one["error"]) for one in found] == [
        (key["first_id"], "tally", "ValueError: poison")
    ]
    for other in ("stream=order&key=k&partition=0&position=0", f"{place}9"):
        asked = await door.get(f"/internal/parked/same-event?{other}")
        assert asked.json() == {"events": []}


async def test_a_refused_edit_says_in_sentences_what_is_wrong(outcome: Outcome, door: Door) -> None:
    path = f"/internal/parked/events/{await first_id(outcome)}/edit"
    told = {"body": base64.b64encode(b"{}").decode(), "reason": "r"}
    for language, says in (
        ("en_US", "The field amount is missing."),
        ("zh_CN", "缺少字段 amount。"),
    ):
        refused = (await door.post(path, told, headers={"X-Language": language})).json()
        assert says in refused["detail"]
        assert not [word for word in ("pydantic", "http", "input") if word in refused["detail"]]


async def test_the_api_skips_with_a_reason(outcome: Outcome, door: Door) -> None:
    path = f"/internal/parked/events/{await first_id(outcome)}/skip"
    for missing in ({}, {"reason": ""}, {"reason": "  "}):
        assert (await door.post(path, missing)).json()["code"] == "CBC.0100"
    assert (await door.post(path, {"reason": "a double"})).status_code == 204
    assert await states(outcome) == [("skipped", "a double"), ("waiting", None)]


async def test_what_is_malformed_or_missing_is_refused_and_decides_nothing(
    outcome: Outcome, door: Door
) -> None:
    path = f"/internal/parked/events/{await first_id(outcome)}/edit"
    stray = base64.b64encode(GOOD).decode() + "%"
    for body in ("no base64", "%%%", stray, 7, base64.b64encode(b"{}").decode()):
        refused = await door.post(path, {"body": body, "reason": "r"})
        assert (refused.status_code, refused.json()["code"]) == (400, "CBC.0100"), body
    for number, status in ((0, 400), (2**63, 400), (10**6, 404)):
        events = f"/internal/parked/events/{number}"
        assert (await door.get(events)).status_code == status
        assert (await door.post(f"{events}/skip", {"reason": "r"})).status_code == status
    assert await states(outcome) == [("waiting", None)] * 2
    assert await actions(outcome) == []


async def test_the_api_is_the_administrators_alone(outcome: Outcome, door: Door) -> None:
    door.by = PARTNER
    path = f"/internal/parked/events/{await first_id(outcome)}"
    refused = [
        await door.get("/internal/parked"),
        await door.get(path),
        await door.get("/internal/parked/decisions"),
        await door.get("/internal/parked/same-event?stream=s&key=k&partition=0&position=0"),
        await door.post("/internal/parked/replay", REPLAY),
        await door.post("/internal/parked/replay-all", {}),
        await door.get("/internal/positions"),
        await door.post(f"{path}/skip", {"reason": "r"}),
        await door.post(f"{path}/edit", {"body": "", "reason": "r"}),
    ]
    assert {(a.status_code, a.json()["code"]) for a in refused} == {(403, "CBC.0151")}
    assert await states(outcome) == [("waiting", None)] * 2


@pytest.fixture
def command(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> "Command":
    """`tally parked …`, in this process."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("DATABASE_PREFIX", PREFIX)
    monkeypatch.setenv("INTERNAL_KEYS", KEYS.get_secret_value())
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    return Command(monkeypatch)


@dataclass
class Command:
    """Runs the command line as a person would; its exit status."""

    monkeypatch: pytest.MonkeyPatch

    async def run(self, *arguments: str, given: bytes = b"") -> int:
        self.monkeypatch.setattr(sys, "argv", ["tally", "parked", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(cli.main, "tally", ServiceSettings, build)
        return int(ended.value.code or 0)


async def test_the_command_line_lists_edits_replays_and_says_what_failed(
    outcome: Outcome, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command.run("list") == 0
    listed = json.loads(capsys.readouterr().out)
    assert (listed["key"], listed["events"]) == ("k", 2)
    assert await command.run("replay", "tally", "billing", "k") == 1
    assert "a tally cannot count -1.00" in capsys.readouterr().err
    edit = ("edit", str(listed["first_id"]), "--reason", "mended")
    assert await command.run(*edit, given=b"{}") == 1
    assert await command.run(*edit, given=GOOD) == 0
    assert await command.run("replay", "tally", "billing", "k") == 0
    assert "2 events replayed" in capsys.readouterr().out
    assert await outcome.heard() == [("k", 1), ("k", 2)]


async def test_the_command_line_skips_with_a_reason_and_is_audited(
    outcome: Outcome, command: Command
) -> None:
    number = str(await first_id(outcome))
    assert await command.run("skip", number) == 2  # no reason
    assert await command.run("skip", "999999", "--reason", "r") == 1
    assert await states(outcome) == [("waiting", None)] * 2
    assert await command.run("skip", number, "--reason", "a double") == 0
    assert await states(outcome) == [("skipped", "a double"), ("waiting", None)]
    assert await actions(outcome) == ["parked_event.skipped"]


async def test_both_doors_replay_all_and_say_what_failed_again(
    outcome: Outcome, door: Door, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"consumer": "tally", "error": "no such error"}
    replayed = await door.post("/internal/parked/replay-all", other)
    assert replayed.json() == {"keys": 0, "events": 0, "still_failing": 0}
    replayed = await door.post("/internal/parked/replay-all", {"error": "poison"})
    assert replayed.json() == {"keys": 0, "events": 0, "still_failing": 1}
    assert (await door.post("/internal/parked/replay-all", {"error": ""})).status_code == 400
    assert await command.run("replay-all", "--error", "a tally cannot count") == 1
    assert "1 keys fail again" in capsys.readouterr().out
    number = str(await first_id(outcome))
    assert await command.run("skip", number, "--reason", "a double") == 0
    assert await command.run("replay-all", "--consumer", "tally") == 0
    assert "1 events replayed, 1 keys flow again" in capsys.readouterr().out
    assert await outcome.heard() == [("k", 2)]
