"""Servers that are not to be believed or not ours: one line that says what to do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from aiokafka.errors import KafkaConnectionError

from chassis.app import basic_parts, service_app
from chassis.cli import _migrate
from chassis.group_lag import GroupLag
from chassis.kafka import why_unreachable
from chassis.settings import ServiceSettings
from chassis.subscription import Subscription
from chassis.unread import TopicReader
from testkit.servers import PostgresServer
from tests.chassis.conftest import PARTITIONS
from tests.chassis.processes import until
from tests.chassis.tally import counting, settings_for
from tests.chassis.test_connecting import TlsDoor

OLD = {
    "not_before": datetime.now(UTC) - timedelta(days=9),
    "not_after": datetime.now(UTC) - timedelta(days=1),
}
AHEAD = {
    "not_before": datetime.now(UTC) + timedelta(days=1),
    "not_after": datetime.now(UTC) + timedelta(days=9),
}
RENEW = "has expired: renew it there"
CASES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    # what the certificate is like, the address that is told, the authority, what is to be read
    "expired": (OLD, "127.0.0.1", "ca.pem", RENEW),
    "not yet": (AHEAD, "127.0.0.1", "ca.pem", "set the clocks right"),
    "another name": ({}, "localhost", "ca.pem", "of another server: name it in"),
    "another authority": ({}, "127.0.0.1", "other.pem", "put its authority there"),
}


def vouched(folder: Path, **validity: Any) -> ssl.SSLContext:
    """A server of 127.0.0.1, whose authority stands in ca.pem beside another one."""
    ours = trustme.CA()
    ours.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1", **validity).configure_cert(context)
    return context


@asynccontextmanager
async def shaking_hands(context: ssl.SSLContext) -> AsyncIterator[int]:
    """The port of what ends after the handshake: who does not believe comes no further."""
    listening = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


def of_kafka(folder: Path, address: str, authority: str, **more: Any) -> ServiceSettings:
    told = {"kafka_security_protocol": "SSL", "kafka_ca_file": str(folder / authority), **more}
    return settings_for("postgresql://u:p@unused", address, "bad_", **told)


@pytest.mark.parametrize("case", CASES)
async def test_a_broker_that_is_not_believed_is_told_with_what_to_do(
    case: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client says "unable to bootstrap" and no more. Break: leave out `why_unreachable`."""
    validity, host, authority, cure = CASES[case]
    async with shaking_hands(vouched(tmp_path, **validity)) as port:
        settings = of_kafka(tmp_path, f"{host}:{port}", authority)
        database: Any = None  # joining asks none
        member = Subscription(settings, database, counting(), TopicReader(settings))
        joining = asyncio.create_task(member._join())

        def lines() -> list[str]:
            written.append(capsys.readouterr().out)
            said = "".join(written) + caplog.text  # wherever logs go in this session
            return [line for line in said.splitlines() if "cannot join" in line]

        async def is_told() -> bool:
            return bool(lines())

        written: list[str] = []
        await until(is_told)
        found = lines()
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
    assert cure in found[0], found


async def test_our_own_certificate_that_has_expired_is_named(tmp_path: Path) -> None:
    """The broker hangs up without a word. Break: ask the server alone."""
    validity: dict[str, Any] = dict(OLD)
    expired = trustme.CA().issue_cert("bus.example", **validity)
    certificate, key = tmp_path / "c.pem", tmp_path / "c.key"
    expired.cert_chain_pems[0].write_to_path(certificate)
    expired.private_key_pem.write_to_path(key)
    files = {"kafka_cert_file": str(certificate), "kafka_key_file": str(key)}
    settings = of_kafka(tmp_path, "127.0.0.1:1", "ca.pem", **files)
    told = await why_unreachable(settings, KafkaConnectionError())
    assert told == f"KAFKA_CERT_FILE={certificate} has expired: renew it, and it is read again"


async def test_what_the_client_says_itself_is_not_asked_for(tmp_path: Path) -> None:
    settings = of_kafka(tmp_path, "127.0.0.1:1", "none.pem")
    assert await why_unreachable(settings, OSError("a file")) is None
    told = await why_unreachable(settings, KafkaConnectionError())
    assert told is not None
    assert "KAFKA_CA_FILE=" in told


async def _said_by_migrate(url: str) -> str:
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(_migrate, "partner", url, print_roles=False)
    said = ended.value.code
    assert isinstance(said, str)  # printed, and the exit status is 1
    assert "\n" not in said
    return said


@pytest.mark.postgres
async def test_a_migration_that_may_not_connect_ends_in_one_line(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """It ended in a traceback. Break: in `cli._migrate`, let DatabaseAwayError through."""
    for validity, host, authority, cure in CASES.values():
        context = vouched(tmp_path, **validity)
        async with TlsDoor(postgres_server.url, tmp_path).open(context) as door:
            assert cure in await _said_by_migrate(door.url(host, sslrootcert=authority))
    assert "names is not there" in await _said_by_migrate(door.url(sslrootcert="none.pem"))
    login, _, server_address = postgres_server.url.rpartition("@")
    wrong = f"{login[:-1]}@{server_address}/postgres"
    assert "not by this password: mend DATABASE_URL" in await _said_by_migrate(wrong)


@pytest.mark.kafka
@pytest.mark.postgres
async def test_topics_with_other_partitions_than_was_said_are_told(
    settings: ServiceSettings, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Replicas beyond them stand idle. Break: in `bus`, leave the warning out."""
    said = settings.model_copy(update={"kafka_partitions": PARTITIONS + 1})
    app = service_app(basic_parts("tally", said), routers=[], consumers=[counting()])
    wanted = f"{settings.topic_prefix}billing has {PARTITIONS}"

    async def is_told() -> bool:
        return any(warn() for warn in app.running.warnings)

    async with app.router.lifespan_context(app):
        await until(is_told)
        asked = httpx.ASGITransport(app=app.ops)
        async with httpx.AsyncClient(transport=asked, base_url="http://ops") as client:
            ready = await client.get("/readyz")
    (told,) = ready.json()["warnings"]
    assert ready.status_code == 200
    assert f"KAFKA_PARTITIONS says {PARTITIONS + 1} partitions, and topic {wanted}" in told
    assert wanted in capsys.readouterr().out + caplog.text


@pytest.mark.kafka
async def test_as_many_partitions_as_was_said_are_nothing_to_tell(
    settings: ServiceSettings,
) -> None:
    """Break: compare with a number of its own."""
    reader = TopicReader(settings)
    for partitions in (None, PARTITIONS):
        said = settings.model_copy(update={"kafka_partitions": partitions})
        lag = GroupLag(said, [], reader)
        await lag.look()
        assert lag.misfit is None
        await lag._close()
    await reader.close()
