"""Who gets into the console, how, for how long; and that nobody else sees anything."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from gateway.identity.models import Operator, Password, Token
from gateway.ops.models import ConsoleSession
from gateway.ops.sessions import prune_sessions
from gateway.portfolio.project_events import project_events
from testkit.databases import ServiceDatabase
from testkit.keys import ADMIN_TOKEN
from tests.gateway.gate import Gate, open_gate
from tests.gateway.identity_builders import operator, partner
from tests.gateway.ops_browser import Browser, readable
from tests.gateway.portfolio_builders import customer
from wire.permissions import OPS_CONSOLE_ITEM

pytestmark = pytest.mark.postgres

PASSWORD = "correct horse battery"
NOWHERE = "http://127.0.0.1:1"
PAGES = [
    "/ops",
    "/ops/live",
    "/ops/parked/order/1",
    "/ops/decisions",
    "/ops/replay-all",
    "/ops/positions",
]
DEEDS = [
    "/ops/sign-out",
    "/ops/parked/order/1/replay",
    "/ops/parked/order/1/edit",
    "/ops/parked/order/1/skip",
    "/ops/replay-all",
    "/ops/positions",
]


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    async with open_gate(gateway_store, gateway_ops_url=NOWHERE) as opened:
        yield opened


@pytest.fixture
def browser(gate: Gate) -> Browser:
    return Browser(gate)


async def with_operator(gate: Gate, *permissions: str) -> dict[str, str]:
    """An operator of p1; the fields it signs in with."""
    await gate.feed(partner("p1"), operator("op1", "p1", permissions=list(permissions)))
    hashed = await gate.app.parts.keyring.passwords.hash(PASSWORD)
    async with gate.app.parts.database.transaction() as session:
        session.add(Password(ref="r-op1", owner_id="op1", hash=hashed))
        session.add(Password(ref="r-p1", owner_id="p1", hash=hashed))
    return {
        "way": "operator",
        "account": partner("p1").account_name,
        "operator": "op1-name",
        "password": PASSWORD,
    }


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_is_shown_to_who_is_not_signed_in(
    gate: Gate, browser: Browser, path: str
) -> None:
    async with gate.app.parts.database.transaction() as session:
        await project_events(session, [customer("c-secret")])
    for cookies in ({}, {"channelbus_ops": "guessed"}):
        browser.cookies = dict(cookies)
        answer = await browser.get(path)
        assert (answer.status, answer.headers["location"]) == (303, "/ops/sign-in")
        assert answer.raw == b""


@pytest.mark.parametrize("path", DEEDS)
async def test_nothing_is_done_for_who_is_not_signed_in(browser: Browser, path: str) -> None:
    answer = await browser.post(path, reason="because")
    assert answer.status in (303, 403)
    assert answer.headers.get("location", "/ops/sign-in") == "/ops/sign-in"


async def test_the_administrators_token_opens_the_console(browser: Browser) -> None:
    answer = await browser.sign_in()
    assert (answer.status, answer.headers["location"]) == (303, "/ops")
    cookie = browser.set_cookies["channelbus_ops"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/ops", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie
    assert "Signed in as administrator" in await browser.text()


async def test_pages_leave_with_their_guards(browser: Browser) -> None:
    await browser.sign_in()
    for path in ("/ops", "/ops/sign-in", "/ops/parked/nothing/1"):
        headers = (await browser.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


async def test_behind_a_trusted_proxy_with_tls_the_cookie_is_secure(
    gateway_store: ServiceDatabase,
) -> None:
    told = {"way": "token", "token": ADMIN_TOKEN}
    async with open_gate(
        gateway_store, gateway_ops_url=NOWHERE, trusted_proxies="127.0.0.0/8"
    ) as behind:
        browser = Browser(behind)
        for scheme, secure in (("https", True), ("http", False)):
            await browser.get("/ops/sign-in", **{"X-Forwarded-Proto": scheme})
            assert ("Secure" in browser.set_cookies["channelbus_ops_visit"]) is secure
        assert (await browser.post("/ops/sign-in", **told)).status == 303


async def test_nobody_else_is_believed_about_tls(browser: Browser) -> None:
    await browser.get("/ops/sign-in", **{"X-Forwarded-Proto": "https"})
    assert "Secure" not in browser.set_cookies["channelbus_ops_visit"]


async def test_the_sessions_id_is_kept_as_a_hash_alone(gate: Gate, browser: Browser) -> None:
    await browser.sign_in()
    session_id = browser.cookies["channelbus_ops"]
    async with gate.app.parts.database.transaction() as session:
        (kept,) = (await session.scalars(select(ConsoleSession))).all()
    assert kept.hash == hashlib.sha256(session_id.encode()).hexdigest()
    values = [str(value) for value in vars(kept).values()]
    assert not [v for v in values if session_id in v or ADMIN_TOKEN in v]


@pytest.mark.parametrize(
    "fields",
    [
        {"way": "token", "token": "wrong"},
        {"way": "token", "token": ""},
        {"way": "token"},
        {"way": "operator", "password": "wrong"},
        {"way": "operator", "operator": "nobody"},
        {"way": "operator", "account": "nobody"},
        {"way": "operator", "password": ""},
        {"way": "operator", "password": "x" * 129},
        {"way": "operator", "password": "\0"},
    ],
)
async def test_a_wrong_sign_in_is_refused_without_saying_what_was_wrong(
    gate: Gate, browser: Browser, fields: dict[str, str]
) -> None:
    right = await with_operator(gate, OPS_CONSOLE_ITEM)
    given = fields if fields["way"] == "token" else {**right, **fields}
    answer = await browser.sign_in(**given)
    assert answer.status == 401
    assert "Account name, password or token is wrong." in readable(answer)
    assert "channelbus_ops" not in browser.cookies


async def test_wrong_sign_ins_are_limited_for_an_address(gate: Gate, browser: Browser) -> None:
    gate.frozen = gate.now().replace(second=1)
    await browser.get("/ops/sign-in")
    wrong = [await browser.post("/ops/sign-in", way="token", token="wrong") for _ in range(10)]
    assert {answer.status for answer in wrong} == {401}
    right = await browser.post("/ops/sign-in", way="token", token=ADMIN_TOKEN)
    assert right.status == 429
    assert "Too many tries" in readable(right)
    gate.ahead = timedelta(minutes=1)
    assert (await browser.sign_in()).status == 303


async def test_an_operator_with_the_permission_gets_in(gate: Gate, browser: Browser) -> None:
    fields = await with_operator(gate, "BPC_ITEM_X", OPS_CONSOLE_ITEM)
    assert (await browser.sign_in(**fields)).status == 303
    assert "op1-name" in await browser.text()


async def test_an_operator_without_it_is_told_so(gate: Gate, browser: Browser) -> None:
    fields = await with_operator(gate, "BPC_ITEM_X")
    answer = await browser.sign_in(**fields)
    assert answer.status == 403
    assert "may not use the ops console" in readable(answer)
    assert "channelbus_ops" not in browser.cookies


async def test_the_partners_own_account_is_told_so(gate: Gate, browser: Browser) -> None:
    fields = await with_operator(gate, OPS_CONSOLE_ITEM)
    answer = await browser.sign_in(**{**fields, "operator": fields["account"]})
    assert answer.status == 403
    assert "channelbus_ops" not in browser.cookies


async def test_who_loses_the_permission_is_told_so_at_once(gate: Gate, browser: Browser) -> None:
    await browser.sign_in(**await with_operator(gate, OPS_CONSOLE_ITEM))
    async with gate.app.parts.database.transaction() as session:
        await session.execute(update(Operator).values(permissions=[]))
    for path in PAGES:
        answer = await browser.get(path)
        assert answer.status == 403
        assert "may not use the ops console" in readable(answer)
    assert (await browser.get("/ops/sign-in")).status == 200  # another account may try


async def test_a_disabled_operator_is_out(gate: Gate, browser: Browser) -> None:
    await browser.sign_in(**await with_operator(gate, OPS_CONSOLE_ITEM))
    async with gate.app.parts.database.transaction() as session:
        await session.execute(update(Operator).values(status="disabled"))
    assert (await browser.get("/ops")).status == 303


async def test_a_session_ends_after_twelve_hours_and_leaves(gate: Gate, browser: Browser) -> None:
    await browser.sign_in()
    gate.ahead = timedelta(hours=11, minutes=59)
    assert (await browser.get("/ops")).status == 200
    await prune_sessions(gate.app.parts.database, gate.now())
    assert (await browser.get("/ops")).status == 200
    gate.ahead = timedelta(hours=12, minutes=1)
    assert (await browser.get("/ops")).status == 303
    await prune_sessions(gate.app.parts.database, gate.now())
    async with gate.app.parts.database.transaction() as session:
        assert (await session.scalars(select(ConsoleSession))).all() == []


async def test_sign_out_ends_the_session_and_the_operators_token(
    gate: Gate, browser: Browser
) -> None:
    await browser.sign_in(**await with_operator(gate, OPS_CONSOLE_ITEM))
    await browser.get("/ops")
    kept = dict(browser.cookies)
    answer = await browser.post("/ops/sign-out")
    assert (answer.status, answer.headers["location"]) == (303, "/ops/sign-in")
    assert "channelbus_ops" not in browser.cookies
    browser.cookies = kept
    assert (await browser.get("/ops")).status == 303
    async with gate.app.parts.database.transaction() as session:
        (token,) = (await session.scalars(select(Token))).all()
    assert token.revoked_at is not None


async def test_a_new_administrators_token_ends_the_sessions_of_the_old(
    gateway_store: ServiceDatabase, browser: Browser
) -> None:
    await browser.sign_in()
    async with open_gate(
        gateway_store, gateway_ops_url=NOWHERE, admin_token="another-administrators-token"
    ) as renewed:
        elsewhere = Browser(renewed, cookies=dict(browser.cookies))
        assert (await elsewhere.get("/ops")).status == 303
    assert (await browser.get("/ops")).status == 200


@pytest.mark.parametrize("path", DEEDS)
async def test_a_form_of_another_session_does_nothing(
    gate: Gate, browser: Browser, path: str
) -> None:
    await browser.sign_in()
    other = Browser(gate)
    await other.sign_in()
    await other.get("/ops")
    for foreign in ("", "0" * 64, other.csrf, "é"):
        answer = await browser.post(path, csrf=foreign, reason="because", body="{}")
        assert answer.status == 403
        assert "comes from elsewhere" in readable(answer)
    assert (await browser.get("/ops")).status == 200


async def test_a_sign_in_from_elsewhere_does_nothing(browser: Browser) -> None:
    """Else a page elsewhere could sign its visitor in as somebody else."""
    told = {"way": "token", "token": ADMIN_TOKEN}
    assert (await browser.post("/ops/sign-in", csrf="0" * 64, **told)).status == 403
    await browser.get("/ops/sign-in")
    assert (await browser.post("/ops/sign-in", csrf="0" * 64, **told)).status == 403
    assert (await browser.post("/ops/sign-in", **told)).status == 303


async def test_a_body_that_is_no_form_is_refused(gate: Gate) -> None:
    for body in (b"\xff\xfe", b"&".join(b"a=1" for _ in range(50))):
        answer = await gate.send("POST", "/ops/sign-in", body=body)
        assert answer.status == 400
