"""One decision for an event in all consumers that parked it; every decision can be read again."""

import base64
import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from chassis.messages import Message
from chassis.parking import Waiting, park
from chassis.tables import ParkedEvent
from gateway.forwarding.destinations import Service
from testkit.databases import ServiceDatabase
from tests.gateway.gate import Gate, open_gate
from tests.gateway.identity_builders import operator
from tests.gateway.ops_browser import Browser, looking_at_itself, readable, words_of
from tests.gateway.test_ops_parked import BROKEN, good
from tests.gateway.test_ops_sign_in import PASSWORD, with_operator
from wire.permissions import OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM

pytestmark = pytest.mark.postgres

CONSUMERS = ("gateway_identity", "gateway_portfolio")
ERROR = "The event breaks the contract of customer.associated.\nThe field site is missing."
GATEWAY_AWAY = "http://127.0.0.1:1"


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    async with (
        open_gate(gateway_store, gateway_ops_url=GATEWAY_AWAY) as opened,
        looking_at_itself(opened),
    ):
        yield opened


@pytest.fixture
async def browser(gate: Gate) -> Browser:
    signed_in = Browser(gate)
    await signed_in.sign_in()
    return signed_in


async def park_in(
    gate: Gate,
    consumers: tuple[str, ...],
    *bodies: Any,
    error: str = ERROR,
    first_position: int = 0,
) -> list[int]:
    """The same events of one key in each of the consumers; the first ones' ids."""
    ids = [str(uuid4()) for _ in bodies]
    async with gate.app.parts.database.transaction() as session:
        for consumer in consumers:
            for place, (event_id, body) in enumerate(zip(ids, bodies, strict=True)):
                headers: dict[str, str | None] = {
                    "ce_type": "customer.associated",
                    "ce_id": event_id,
                }
                content = json.dumps(body).encode()
                position = first_position + place
                message = Message("customer", 0, position, "c1", headers, content, 0.0)
                await park(session, consumer, [Waiting(message, None if place else error)])
        found = await session.scalars(
            select(ParkedEvent.id).where(ParkedEvent.event_id == ids[0]).order_by(ParkedEvent.id)
        )
        return list(found.all())


async def states(gate: Gate) -> dict[str, list[str]]:
    async with gate.app.parts.database.transaction() as session:
        rows = select(ParkedEvent.consumer, ParkedEvent.state).order_by(ParkedEvent.id)
        found: dict[str, list[str]] = {}
        for consumer, state in await session.execute(rows):
            found.setdefault(consumer, []).append(state)
        return found


async def test_an_event_that_two_consumers_parked_is_one_row(gate: Gate, browser: Browser) -> None:
    first, _ = await park_in(gate, CONSUMERS, BROKEN, good(2))
    page = (await browser.get("/ops")).raw.decode()
    parked = page.split('id="parked-title"')[1].split("</section>")[0]
    assert re.findall(r'href="/ops/parked/gateway/(\d+)"', parked) == [str(first)]
    assert "gateway_identity, gateway_portfolio · customer · Waiting: 2" in words_of(parked)
    assert "The field site is missing." in words_of(parked)
    chinese = await Browser(gate, "zh", dict(browser.cookies)).text()
    assert "缺少字段 site。" in chinese


@pytest.mark.parametrize("verb", ["edit", "skip", "replay"])
async def test_one_decision_is_carried_out_in_all_of_them(
    gate: Gate, browser: Browser, verb: str
) -> None:
    body = good(1) if verb == "replay" else BROKEN
    first, second = await park_in(gate, CONSUMERS, body, good(2))
    page = readable(await browser.get(f"/ops/parked/gateway/{second}"))
    assert "Parked by gateway_portfolio, gateway_identity" in page
    fields = {"body": json.dumps(good(1)), "reason": "seen by both", "rest": "yes"}
    answer = await browser.post(f"/ops/parked/gateway/{first}/{verb}", **fields)
    told = {"edit": "edited&events=4", "skip": "skipped&events=2", "replay": "replayed&events=4"}
    assert (answer.status, answer.headers.get("location")) == (303, f"/ops?told={told[verb]}")
    after = ["skipped" if verb == "skip" else "replayed", "replayed"]
    assert await states(gate) == {consumer: after for consumer in CONSUMERS}


async def test_only_the_consumers_that_are_ticked_decide(gate: Gate, browser: Browser) -> None:
    first, second = await park_in(gate, CONSUMERS, BROKEN)
    page = (await browser.get(f"/ops/parked/gateway/{first}")).raw.decode()
    assert page.count(f'name="at.gateway.{second}" value="yes" checked') == 3
    here = f"/ops/parked/gateway/{first}/skip"
    refused = await browser.post(here, ticked="yes", reason="none of them")
    assert (refused.status, "choose one at least" in readable(refused)) == (400, True)
    ticked = {"ticked": "yes", f"at.gateway.{second}": "yes"}
    assert (await browser.post(here, reason="this one", **ticked)).status == 303
    assert await states(gate) == {CONSUMERS[0]: ["waiting"], CONSUMERS[1]: ["skipped"]}


async def test_where_the_event_waits_behind_another_it_is_not_decided_by_itself(
    gate: Gate, browser: Browser
) -> None:
    """It may well be handled there, once the one before it is."""
    await park_in(gate, CONSUMERS[1:], BROKEN, first_position=100)
    (first,) = await park_in(gate, CONSUMERS[:1], BROKEN)
    async with gate.app.parts.database.transaction() as session:
        event = await session.get_one(ParkedEvent, first)
        same = Message("customer", 0, event.position, "c1", dict(event.headers), event.body, 0.0)
        await park(session, CONSUMERS[1], [Waiting(same, None)])
    page = readable(await browser.get(f"/ops/parked/gateway/{first}"))
    assert "gateway_portfolio waits behind another event there" in page
    assert (
        await browser.post(f"/ops/parked/gateway/{first}/skip", reason="a double")
    ).status == 303
    assert await states(gate) == {CONSUMERS[0]: ["skipped"], CONSUMERS[1]: ["waiting"] * 2}


async def test_a_refused_edit_keeps_what_was_typed(gate: Gate, browser: Browser) -> None:
    (first,) = await park_in(gate, CONSUMERS[:1], BROKEN)
    await browser.get(f"/ops/parked/gateway/{first}")
    typed = {"body": '{"typed": "by hand </textarea>"}', "reason": 'a "quoted" reason'}
    refused = await browser.post(f"/ops/parked/gateway/{first}/edit", **typed)
    page = refused.raw.decode()
    area = re.search(r'<textarea id="body".*?>\n(.*?)</textarea>', page, re.DOTALL)
    assert area
    assert html.unescape(area[1]) == typed["body"]
    assert 'id="edit-reason" name="reason" required maxlength="1000" value="a &#34;quoted' in page
    assert 'id="skip-reason" name="reason" required maxlength="1000" value=""' in page
    assert "The field customer_id is missing." in readable(refused)
    chinese = Browser(gate, "zh", dict(browser.cookies), csrf=browser.csrf)
    refused = await chinese.post(f"/ops/parked/gateway/{first}/edit", **typed)
    assert "缺少字段 customer_id。" in readable(refused)
    for told in (page, refused.raw.decode()):
        assert not [
            word for word in ("pydantic", "input_value", "http://", "https:") if word in told
        ]


async def test_what_was_typed_is_there_when_the_service_is_away(
    gate: Gate, browser: Browser
) -> None:
    (first,) = await park_in(gate, CONSUMERS[:1], BROKEN)
    await browser.get(f"/ops/parked/gateway/{first}")
    peers = gate.app.parts.console.peers
    there = dict(peers.urls)
    urls: Any = peers.urls
    urls[Service.GATEWAY] = GATEWAY_AWAY
    typed = {"body": json.dumps(good(1)), "reason": "typed for long"}
    away = await browser.post(f"/ops/parked/gateway/{first}/edit", **typed)
    assert away.status == 503
    assert "typed for long" in away.raw.decode()
    assert "customer_id" in away.raw.decode()
    urls[Service.GATEWAY] = there[Service.GATEWAY]
    again = await browser.post(f"/ops/parked/gateway/{first}/edit", **typed)
    assert again.headers["location"] == "/ops?told=edited&events=1"


async def test_the_decisions_are_shown_with_who_when_and_why(gate: Gate, browser: Browser) -> None:
    first, _ = await park_in(gate, CONSUMERS, BROKEN)
    both = [OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM]
    await with_operator(gate, *both)
    decider = Browser(gate)
    fields = {"account": "p1-account", "operator": "op1-name", "password": PASSWORD}
    await decider.sign_in(way="operator", **fields)
    await decider.get(f"/ops/parked/gateway/{first}")
    body = json.dumps(good(1))
    await decider.post(f"/ops/parked/gateway/{first}/edit", body=body, reason="<b>site</b> missing")
    page = await browser.get("/ops/decisions?service=gateway")
    rows = re.findall(r"<tr>(.*?)</tr>", page.raw.decode().split("<tbody>")[1], re.DOTALL)
    told = [words_of(row) for row in rows]
    assert len(told) == 2  # one edit and one replay, whatever number of consumers
    for words, deed in zip(told, ("replayed", "edited"), strict=True):
        assert re.match(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d {deed} op1-name ", words), words
        assert "customer.associated c1" in words
        assert set(CONSUMERS) <= set(re.split(r"[ ,]+", words))
        assert "<b>site</b> missing" in words
    shown = readable(await browser.get(f"/ops/parked/gateway/{first}"))
    assert "edited; what arrived is kept" in shown
    assert "<b>site</b> missing" in shown
    assert "处理记录" in readable(
        await Browser(gate, "zh", dict(browser.cookies)).get("/ops/decisions")
    )
    assert operator("op1", "p1").operator_id == "op1"


async def test_many_keys_are_replayed_by_their_error_with_a_reason(
    gate: Gate, browser: Browser
) -> None:
    await park_in(gate, CONSUMERS, good(1), error="OSError: disk 7 away")
    page = (await browser.get("/ops")).raw.decode()
    link = re.search(r'href="(/ops/replay-all\?error=[^"]+)"', page)
    assert link
    assert "OSError: disk 7 away</textarea>" in (await browser.get(link[1])).raw.decode()
    typed = {"service": "gateway", "error": "disk 7"}
    refused = await browser.post("/ops/replay-all", **typed, reason=" ")
    assert (refused.status, ">disk 7</textarea>" in refused.raw.decode()) == (400, True)
    none = await browser.post("/ops/replay-all", service="gateway", error="disk 8", reason="r")
    assert none.headers["location"] == "/ops?told=many&events=0&keys=0&failing=0"
    done = await browser.post("/ops/replay-all", **typed, reason="the disk is back")
    assert done.headers["location"] == "/ops?told=many&events=2&keys=2&failing=0"
    assert "Keys that flow again: 2. Events handled: 2." in await browser.text(
        done.headers["location"]
    )
    assert await states(gate) == {consumer: ["replayed"] for consumer in CONSUMERS}
    words = readable(await browser.get("/ops/decisions"))
    assert "many keys replayed administrator" in words
    assert "the disk is back" in words


async def test_one_offset_is_stepped_over_by_a_form(gate: Gate, browser: Browser) -> None:
    typed = {"service": "order", "stream": "customer", "partition": "3", "offset": "17"}
    page = (await browser.get("/ops/positions?service=order&offset=17")).raw.decode()
    assert '<option value="order" selected>' in page
    assert 'value="17"' in page
    for wrong, says in (
        ({"reason": ""}, "reason"),
        ({"reason": "r", "offset": "x"}, "offset"),
        ({"reason": "r", "service": "nobody"}, "service"),
    ):
        refused = await browser.post("/ops/positions", **{**typed, **wrong})
        assert (refused.status, says in readable(refused)) == (400, True)
        assert 'value="customer"' in refused.raw.decode()
    gate.echo.seen.clear()
    done = await browser.post("/ops/positions", **typed, reason="a record without an end")
    assert done.headers["location"] == "/ops?told=stepped_over"
    (seen,) = [one for one in gate.echo.seen if one["path"].endswith("/step-over")]
    assert json.loads(base64.b64decode(seen["body"])) == {
        "stream": "customer", "partition": 3, "offset": 17, "reason": "a record without an end",
    }  # fmt: skip
    assert seen["path"] == "/internal/positions/step-over"


async def test_who_may_only_look_replays_and_steps_over_nothing(gate: Gate) -> None:
    looker = Browser(gate)
    await looker.sign_in(**await with_operator(gate, OPS_CONSOLE_ITEM))
    for page in ("/ops/replay-all", "/ops/positions"):
        shown = readable(await looker.get(page))
        assert OPS_DECIDE_ITEM in shown
        assert "Reason (required)" not in shown
        gate.echo.seen.clear()
        refused = await looker.post(page, service="order", reason="r", stream="s")
        assert refused.status == 403
        assert [one["path"] for one in gate.echo.seen if "POST" in one["method"]] == []
    assert (await looker.get("/ops/decisions")).status == 200
