"""A request that meets no database: a short answer that invites to try again, and no traceback."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import SecretStr
from sqlalchemy import text
from starlette.responses import Response

from chassis.app import service_app
from chassis.settings import ServiceSettings
from testkit.embedded.ports import free_port
from testkit.servers import PostgresServer
from tests.chassis.tally import settings_for

PHONE = "13800001111"
router = APIRouter()


@router.get("/api/things")
@router.get("/v2/things")
async def things(request: Request, broken: bool = False) -> Response:
    async with request.app.state.database.transaction() as session:
        statement = "SELEKT cast(:phone AS text)" if broken else "SELECT cast(:phone AS text)"
        await session.execute(text(statement), {"phone": PHONE})
    return Response("there")


async def client_of(settings: ServiceSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = service_app("tally", settings, routers=[router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        yield client
    await app.state.database.close()


@pytest.fixture
async def without() -> AsyncIterator[httpx.AsyncClient]:
    nobody = f"postgresql://a:b@127.0.0.1:{free_port()}"
    async for client in client_of(settings_for(nobody, "127.0.0.1:1", "away_")):
        yield client


async def test_on_our_paths_it_is_503_with_our_code(
    without: httpx.AsyncClient,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Break: do not register `failed` in `install_error_answers`."""
    answer = await without.get("/api/things")
    assert (answer.status_code, answer.json()["code"]) == (503, "CHB.0503")
    assert answer.headers["content-type"] == "application/problem+json"
    written = capsys.readouterr().out + caplog.text  # wherever logs go in this session
    assert "database away" in written
    assert "Traceback" not in written


async def test_on_the_vendors_paths_it_is_500_as_the_vendor_knows_it(
    without: httpx.AsyncClient,
) -> None:
    answer = await without.get("/v2/things")
    assert (answer.status_code, answer.json()["error_code"]) == (500, "CBC.0999")


@pytest.mark.postgres
async def test_a_statement_that_is_wrong_stays_a_failure_of_ours(
    postgres_server: PostgresServer,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Break: answer every error of the database as its absence; drop `hide_parameters`."""
    postgres_server.create_database("there_tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", "there_")
    async for client in client_of(settings):
        assert (await client.get("/api/things")).text == "there"
        answer = await client.get("/api/things?broken=true")
        assert (answer.status_code, answer.json()["code"]) == (500, "CBC.0999")
    written = capsys.readouterr().out + caplog.text
    assert "SELEKT" in written
    assert PHONE not in written
    postgres_server.drop_database("there_tally")


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: drop `env_ignore_empty`; the service would take nobody for its upstream."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@127.0.0.1:1")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("INTERNAL_KEYS", "k:AAAA")
    monkeypatch.setenv("UPSTREAM_URL", "")
    assert not ServiceSettings().connected
    assert ServiceSettings().database_url == SecretStr("postgresql://a:b@127.0.0.1:1")
