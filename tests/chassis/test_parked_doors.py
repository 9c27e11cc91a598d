"""The two doors to what is parked: the internal API of the ops console, and the command line."""

import asyncio
import base64
import io
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from chassis import cli
from chassis.app import service_app
from chassis.identity import HEADER, Principal, sign_identity
from chassis.settings import ServiceSettings
from chassis.tables import AuditEntry, ConsumerPosition, ParkedEvent
from testkit.servers import PostgresServer
from tests.chassis.parked import message, park_first_of
from tests.chassis.processes import Outcome
from tests.chassis.tally import KEYS, counting, create_schema, settings_for

ADMIN = Principal(id="ops", kind="administrator", partner_id="*")
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


def build(settings: ServiceSettings) -> FastAPI:
    return service_app("tally", settings, routers=[], consumers=[counting()])


async def states(outcome: Outcome) -> list[tuple[str, str | None]]:
    async with outcome.database.transaction() as session:
        rows = select(ParkedEvent.state, ParkedEvent.decision).order_by(ParkedEvent.id)
        return [(state, decision) for state, decision in await session.execute(rows)]


async def audited(outcome: Outcome) -> list[str]:
    async with outcome.database.transaction() as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


async def first_id(outcome: Outcome) -> int:
    async with outcome.database.transaction() as session:
        return await session.scalar(select(func.min(ParkedEvent.id))) or 0


@dataclass
class Door:
    """Asks the internal API as one principal."""

    app: FastAPI
    settings: ServiceSettings
    principal: Principal

    async def ask(self, method: str, path: str, content: Any = None) -> httpx.Response:
        body = b"" if content is None else json.dumps(content).encode()
        headers = {"Content-Type": "application/json"}
        keys = self.settings.keys
        headers[HEADER] = sign_identity(keys, self.principal, method, path, body)
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
            return await client.request(method, path, content=body, headers=headers)


@pytest.fixture
async def door(settings: ServiceSettings) -> AsyncIterator[Door]:
    app = build(settings)
    yield Door(app, settings, ADMIN)
    await app.state.database.close()


REPLAY = {"consumer": "tally", "stream": "billing", "key": "k"}


async def test_the_api_lists_shows_edits_and_replays(outcome: Outcome, door: Door) -> None:
    (key,) = (await door.ask("GET", "/internal/parked")).json()["keys"]
    assert (key["key"], key["events"], key["error"]) == ("k", 2, "ValueError: poison")
    shown = (await door.ask("GET", f"/internal/parked/events/{key['first_id']}")).json()
    assert json.loads(shown["body"])["amount"] == "-1.00"
    failed = await door.ask("POST", "/internal/parked/replay", REPLAY)
    assert (failed.status_code, failed.json()["code"]) == (409, "CHB.0409")
    told = {"body": base64.b64encode(GOOD).decode(), "reason": "the amount was wrong"}
    edited = await door.ask("POST", f"/internal/parked/events/{key['first_id']}/edit", told)
    assert edited.status_code == 204, edited.text
    replayed = await door.ask("POST", "/internal/parked/replay", REPLAY)
    assert replayed.json() == {"replayed": 2}
    assert await outcome.heard() == [("k", 1), ("k", 2)]
    assert (await door.ask("GET", "/internal/parked")).json() == {"keys": []}
    deeds = ["parked_event.edit", "parked_event.replayed", "parked_event.replayed"]
    assert await audited(outcome) == deeds


async def test_the_api_skips_with_a_reason(outcome: Outcome, door: Door) -> None:
    path = f"/internal/parked/events/{await first_id(outcome)}/skip"
    for missing in ({}, {"reason": ""}, {"reason": "  "}):
        assert (await door.ask("POST", path, missing)).json()["code"] == "CBC.0100"
    assert (await door.ask("POST", path, {"reason": "a double"})).status_code == 204
    assert await states(outcome) == [("skipped", "a double"), ("waiting", None)]


async def test_what_is_malformed_or_missing_is_refused_and_decides_nothing(
    outcome: Outcome, door: Door
) -> None:
    path = f"/internal/parked/events/{await first_id(outcome)}/edit"
    stray = base64.b64encode(GOOD).decode() + "%"
    for body in ("no base64", "%%%", stray, 7, base64.b64encode(b"{}").decode()):
        refused = await door.ask("POST", path, {"body": body, "reason": "r"})
        assert (refused.status_code, refused.json()["code"]) == (400, "CBC.0100"), body
    for number, status in ((0, 400), (2**63, 400), (10**6, 404)):
        events = f"/internal/parked/events/{number}"
        assert (await door.ask("GET", events)).status_code == status
        assert (await door.ask("POST", f"{events}/skip", {"reason": "r"})).status_code == status
    assert await states(outcome) == [("waiting", None)] * 2
    assert await audited(outcome) == []


async def test_the_api_is_the_administrators_alone(outcome: Outcome, door: Door) -> None:
    door.principal = PARTNER
    path = f"/internal/parked/events/{await first_id(outcome)}"
    refused = [
        await door.ask("GET", "/internal/parked"),
        await door.ask("GET", path),
        await door.ask("POST", "/internal/parked/replay", REPLAY),
        await door.ask("POST", "/internal/parked/replay-all", {}),
        await door.ask("GET", "/internal/positions"),
        await door.ask("POST", f"{path}/skip", {"reason": "r"}),
        await door.ask("POST", f"{path}/edit", {"body": "", "reason": "r"}),
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
    assert await audited(outcome) == ["parked_event.skipped"]


async def test_both_doors_replay_all_and_say_what_failed_again(
    outcome: Outcome, door: Door, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"consumer": "tally", "error": "no such error"}
    replayed = await door.ask("POST", "/internal/parked/replay-all", other)
    assert replayed.json() == {"keys": 0, "events": 0, "still_failing": 0}
    replayed = await door.ask("POST", "/internal/parked/replay-all", {"error": "poison"})
    assert replayed.json() == {"keys": 0, "events": 0, "still_failing": 1}
    assert (await door.ask("POST", "/internal/parked/replay-all", {"error": ""})).status_code == 400
    assert await command.run("replay-all", "--error", "a tally cannot count") == 1
    assert "1 keys fail again" in capsys.readouterr().out
    number = str(await first_id(outcome))
    assert await command.run("skip", number, "--reason", "a double") == 0
    assert await command.run("replay-all", "--consumer", "tally") == 0
    assert "1 events replayed, 1 keys flow again" in capsys.readouterr().out
    assert await outcome.heard() == [("k", 2)]
