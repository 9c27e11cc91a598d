"""What the console does with parked keys, and the parts that its pages are made of."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from jinja2 import Environment
from sqlalchemy import select

from chassis.messages import Message
from chassis.parking import Waiting, park
from chassis.tables import AuditEntry, ParkedEvent
from gateway.ops import texts
from gateway.ops.pages import HERE, STATIC, gist, short
from gateway.ops.read_metrics import read_metrics
from gateway.portfolio.models import FeedRow
from testkit.databases import ServiceDatabase
from tests.gateway.gate import Gate, open_gate
from tests.gateway.identity_builders import operator
from tests.gateway.ops_browser import (
    METRICS,
    Browser,
    PlayedService,
    looking_at_itself,
    readable,
    words_of,
)
from tests.gateway.portfolio_builders import customer
from tests.gateway.test_ops_sign_in import PASSWORD, with_operator
from wire.permissions import OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM

pytestmark = pytest.mark.postgres

NOWHERE = "http://127.0.0.1:1"
NOON = datetime(2026, 11, 23, 4, 0, 0, tzinfo=UTC)


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    async with open_gate(gateway_store, gateway_ops_url=NOWHERE) as opened:
        yield opened


@pytest.fixture
async def browser(gate: Gate) -> Browser:
    signed_in = Browser(gate)
    await signed_in.sign_in()
    return signed_in


BROKEN = {"occurred_at": "2026-11-23T04:00:00Z", "partner_id": "p1", "version": 1}


async def park_events(gate: Gate, *bodies: Any, error: str = "BadMessageError: <b>site</b>") -> int:
    """Events of one key, the first with the error, the rest behind it; the first one's id."""
    async with gate.app.parts.database.transaction() as session:
        for position, body in enumerate(bodies):
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            message = Message(
                "customer", 0, position, "c1",
                {"ce_type": "customer.associated", "ce_id": str(uuid4())}, content, 0.0,
            )  # fmt: skip
            await park(
                session, "gateway_portfolio", [Waiting(message, None if position else error)]
            )
    async with gate.app.parts.database.transaction() as session:
        ids = await session.scalars(select(ParkedEvent.id).order_by(ParkedEvent.id))
        return int(ids.all()[0])


def good(version: int) -> dict[str, Any]:
    return customer(version=version).model_dump(mode="json")


async def states(gate: Gate) -> list[str]:
    async with gate.app.parts.database.transaction() as session:
        found = await session.scalars(select(ParkedEvent.state).order_by(ParkedEvent.id))
        return list(found.all())


async def audited(gate: Gate) -> list[tuple[str, str]]:
    async with gate.app.parts.database.transaction() as session:
        found = await session.execute(
            select(AuditEntry.action, AuditEntry.principal)
            .where(AuditEntry.action.like("parked%"))
            .order_by(AuditEntry.id)
        )
        return [(action, who) for action, who in found]


async def in_feed(gate: Gate) -> int:
    async with gate.app.parts.database.transaction() as session:
        return len((await session.scalars(select(FeedRow.position))).all())


@pytest.fixture
async def desk(gate: Gate, browser: Browser) -> AsyncIterator[Browser]:
    """A browser on a gateway that finds its own parked events."""
    async with looking_at_itself(gate):
        yield browser


async def test_a_parked_key_is_listed_with_its_error(gate: Gate, desk: Browser) -> None:
    first = await park_events(gate, BROKEN, good(2))
    page = (await desk.get("/ops")).raw.decode()
    parked = page.split('id="parked-title"')[1].split("</section>")[0]
    words = words_of(parked)
    assert "customer.associated c1" in words
    assert "gateway_portfolio · customer · Waiting: 2" in words
    assert "BadMessageError: <b>site</b>" in words
    assert "<b>" not in parked
    assert f'href="/ops/parked/gateway/{first}"' in parked


async def test_the_events_page_shows_it_whole_and_that_is_recorded(
    gate: Gate, desk: Browser
) -> None:
    body = {**BROKEN, "customer_name": "</textarea><script>alert(1)</script>"}
    first = await park_events(gate, body)
    answer = await desk.get(f"/ops/parked/gateway/{first}")
    assert answer.status == 200
    assert "<script>alert" not in answer.raw.decode()
    words = readable(answer)
    assert '"customer_name": "</textarea><script>alert(1)</script>"' in words
    assert "Reason (required)" in words
    assert await audited(gate) == [("parked_event.read", "administrator:administrator")]


async def test_replaying_what_still_fails_shows_the_error_and_changes_nothing(
    gate: Gate, desk: Browser
) -> None:
    first = await park_events(gate, BROKEN, good(2))
    await desk.get(f"/ops/parked/gateway/{first}")
    answer = await desk.post(f"/ops/parked/gateway/{first}/replay")
    assert answer.status == 409
    assert "The event breaks the contract of customer.associated." in readable(answer)
    assert await states(gate) == ["waiting", "waiting"]


async def test_replaying_a_key_frees_it(gate: Gate, desk: Browser) -> None:
    first = await park_events(gate, good(1), good(2), error="OSError: away")
    assert "OSError: away" in await desk.text()
    await desk.get(f"/ops/parked/gateway/{first}")
    answer = await desk.post(f"/ops/parked/gateway/{first}/replay")
    assert (answer.status, answer.headers.get("location")) == (303, "/ops?told=replayed&events=2")
    told = await desk.text("/ops?told=replayed&events=2")
    assert "Events handled: 2." in told
    assert "Nothing is parked." in told
    assert await states(gate) == ["replayed", "replayed"]
    assert await in_feed(gate) == 2
    assert ("parked_event.replayed", "administrator:administrator") in await audited(gate)
    assert "This event has been decided." in await desk.text(f"/ops/parked/gateway/{first}")


async def test_an_edited_event_is_replayed_with_its_key(gate: Gate, desk: Browser) -> None:
    first = await park_events(gate, BROKEN, good(2))
    await desk.get(f"/ops/parked/gateway/{first}")
    path = f"/ops/parked/gateway/{first}/edit"
    answer = await desk.post(path, body=json.dumps(good(1)), reason="the site was missing")
    assert (answer.status, answer.headers.get("location")) == (303, "/ops?told=edited&events=2")
    assert await states(gate) == ["replayed", "replayed"]
    assert await in_feed(gate) == 2
    assert ("parked_event.edit", "administrator:administrator") in await audited(gate)


async def test_an_edit_that_frees_the_next_broken_event_says_so(gate: Gate, desk: Browser) -> None:
    first = await park_events(gate, BROKEN, BROKEN)
    await desk.get(f"/ops/parked/gateway/{first}")
    path = f"/ops/parked/gateway/{first}/edit"
    answer = await desk.post(path, body=json.dumps(good(1)), reason="the site was missing")
    assert (answer.status, answer.headers.get("location")) == (303, "/ops?told=stuck&events=0")
    assert await states(gate) == ["replayed", "waiting"]
    page = (await desk.get("/ops?told=stuck")).raw.decode()
    assert f'href="/ops/parked/gateway/{first + 1}"' in page


@pytest.mark.parametrize(
    ("body", "reason", "says"),
    [
        (json.dumps(BROKEN), "a try", "The field customer_id is missing."),
        ("no json", "a try", "The text is no JSON"),
        (json.dumps({**BROKEN, "customer_id": "c1"}), "", "reason"),
        (json.dumps(BROKEN), "  ", "reason"),
        (json.dumps(BROKEN), "x" * 1001, "reason"),
    ],
)
async def test_an_edit_that_mends_nothing_is_refused(
    gate: Gate, desk: Browser, body: str, reason: str, says: str
) -> None:
    first = await park_events(gate, BROKEN)
    await desk.get(f"/ops/parked/gateway/{first}")
    answer = await desk.post(f"/ops/parked/gateway/{first}/edit", body=body, reason=reason)
    assert answer.status == 400
    assert says in readable(answer)
    assert await states(gate) == ["waiting"]


async def test_who_may_only_look_decides_nothing(gate: Gate, desk: Browser) -> None:
    assert desk.gate is gate
    first = await park_events(gate, BROKEN)
    here = f"/ops/parked/gateway/{first}"
    looker, decider = Browser(gate), Browser(gate)
    await looker.sign_in(**await with_operator(gate, OPS_CONSOLE_ITEM))
    page = readable(await looker.get(here))
    assert OPS_DECIDE_ITEM in page
    assert "Reason (required)" not in page
    for verb in ("replay", "edit", "skip"):
        refused = await looker.post(f"{here}/{verb}", reason="why", body="{}")
        assert (refused.status, "CBC.0151" in readable(refused)) == (403, True)
    assert await states(gate) == ["waiting"]
    both = [OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM]
    await gate.feed(operator("op1", "p1", permissions=both, version=2))
    fields = {"account": "p1-account", "operator": "op1-name", "password": PASSWORD}
    await decider.sign_in(way="operator", **fields)
    await decider.get(here)  # its forms carry the token that posts need
    assert (await decider.post(f"{here}/skip", reason="nobody needs it")).status == 303
    assert await states(gate) == ["skipped"]


async def test_skipping_needs_a_reason(gate: Gate, desk: Browser) -> None:
    first = await park_events(gate, BROKEN)
    await desk.get(f"/ops/parked/gateway/{first}")
    for reason in ("", "   "):
        answer = await desk.post(f"/ops/parked/gateway/{first}/skip", reason=reason)
        assert answer.status == 400
    assert await states(gate) == ["waiting"]


@pytest.mark.parametrize(
    ("behind", "rest", "told", "after"),
    [
        (2, "yes", "skipped&events=1", ["skipped", "replayed"]),
        (2, "", "skipped&events=0", ["skipped", "waiting"]),
        (None, "yes", "stuck&events=0", ["skipped", "waiting"]),
    ],
)
async def test_a_skipped_event_lets_the_rest_go_on(
    gate: Gate, desk: Browser, behind: int | None, rest: str, told: str, after: list[str]
) -> None:
    first = await park_events(gate, BROKEN, good(behind) if behind else BROKEN)
    await desk.get(f"/ops/parked/gateway/{first}")
    fields = {"reason": "a test's leftover", **({"rest": rest} if rest else {})}
    answer = await desk.post(f"/ops/parked/gateway/{first}/skip", **fields)
    assert (answer.status, answer.headers.get("location")) == (303, f"/ops?told={told}")
    assert await states(gate) == after
    async with gate.app.parts.database.transaction() as session:
        decided = await session.get_one(ParkedEvent, first)
    assert (decided.decision, decided.decided_by) == ("a test's leftover", "administrator")


@pytest.mark.parametrize("path", ["gateway/999", "order/1", "nothing/1", "gateway/x"])
async def test_what_is_not_there_is_a_page_that_says_so(
    gate: Gate, desk: Browser, path: str
) -> None:
    gate.echo.answer = PlayedService()
    answer = await desk.get(f"/ops/parked/{path}")
    assert answer.status == 404
    assert "That was refused" in readable(answer)


async def test_a_service_that_does_not_answer_is_named(desk: Browser) -> None:
    from_nowhere = Browser(desk.gate, cookies=dict(desk.cookies))
    urls: Any = desk.gate.app.parts.console.peers.urls
    urls["order"] = NOWHERE
    answer = await from_nowhere.get("/ops/parked/order/1")
    assert answer.status == 503
    assert "order" in readable(answer)


def test_every_word_has_both_languages() -> None:
    for name, (english, chinese) in texts._texts().items():
        assert english, name
        assert re.search(r"[\u4e00-\u9fff]", chinese) or name == "switch_language", name
        assert english.count("{}") == chinese.count("{}"), name


def test_every_word_that_a_template_asks_for_is_there() -> None:
    asked: set[str] = set()
    for path in (HERE / "templates").iterdir():
        source = path.read_text()
        Environment().parse(source)
        asked |= set(re.findall(r"\bt\('(\w+)'\)", source))
    known = set(texts._texts())
    assert asked <= known
    computed = {"ok", "not_ready", "stalled", "alarmed", "away", "seconds", "minutes", "hours",
                "days", "wrong_sign_in", "too_many_sign_ins", "no_console",
                "form_too_old"}  # fmt: skip
    unused = {
        name
        for name in known - asked - computed
        if not name.startswith(("told_", "state_", "decided_", "job_", "deed_", "proof_"))
    }
    assert unused == set()


def test_nothing_comes_from_elsewhere_and_what_is_vendored_has_its_licence() -> None:
    own = [*(HERE / "templates").iterdir(), STATIC / "console.css", STATIC / "console.js"]
    for path in own:
        assert "//" not in re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M), path
    vendored = {path.name for path in (STATIC / "vendor").iterdir()}
    assert vendored == {
        "htmx-2.0.11.min.js", "htmx-LICENSE", "htmx-ext-sse-2.2.4.min.js", "htmx-ext-sse-LICENSE",
    }  # fmt: skip


async def test_static_files_are_served_by_a_name_that_changes_with_them(gate: Gate) -> None:
    page = (await Browser(gate).get("/ops/sign-in")).raw.decode()
    addresses = re.findall(r'(?:href|src)="(/ops/static/[^"]+)"', page)
    assert len(addresses) >= 3
    for address in addresses:
        assert re.search(r"\?v=[0-9a-f]{12}$", address)
        assert (await gate.send("GET", address)).status == 200
    assert (await gate.send("GET", "/ops/static/../pages.py")).status in (400, 404)
    assert (await gate.send("GET", "/ops/static/%2e%2e/pages.py")).status == 404


def test_only_what_is_shown_is_read_of_the_metrics() -> None:
    found = read_metrics(METRICS)
    assert found.relayed == 1200
    assert found.lag_events == {"voucher": 1234}
    assert found.lag_seconds == {"voucher": 61.5}
    with pytest.raises(ValueError, match="could not convert"):
        read_metrics("channelbus_outbox_rows many\n")


def test_ids_made_at_one_time_look_different() -> None:
    ids = ["01a208cafa7872058e00542632678f2d", "01a208cafa7872058e00542632678f3e"]
    assert words_of(short(ids[0])) == "01a20 …32678f2d"
    assert ids[0] in short(ids[0])
    assert short(ids[0]) != short(ids[1])
    assert short("<i>") == "<code>&lt;i&gt;</code>"


def test_an_errors_gist_repeats_no_values() -> None:
    error = (
        "BadMessageError: 1 validation error\nsite\n"
        "  Field required [type=missing, input_value={'mobile': '138'}, input_type=dict]\n"
        "    For further information visit https://errors.example/missing"
    )
    assert gist(error, "en") == "BadMessageError: 1 validation error\nThe field site is missing."
    assert gist(error, "zh") == "BadMessageError: 1 validation error\n缺少字段 site。"
