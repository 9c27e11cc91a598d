"""One place composes the connection: hosts, TLS, database and parameters of DATABASE_URL."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from pydantic import SecretStr, ValidationError

from chassis import connecting
from chassis.connecting import Connector
from chassis.failures import DatabaseAwayError
from chassis.settings import ServiceSettings
from testkit.embedded.ports import free_port
from testkit.servers import PostgresServer
from tests.chassis.tally import settings_for

SESSION = {"timezone": "UTC"}
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")


@pytest.mark.parametrize(
    ("url", "composed"),
    [
        ("postgresql://u:p@h:5432", "postgresql://u:p@h:5432/c_order"),
        ("postgresql://u:p@h:5432/", "postgresql://u:p@h:5432/c_order"),
        ("postgres://u:p@h/app", "postgres://u:p@h/c_order"),
        ("postgresql://u:p@h?sslmode=require", "postgresql://u:p@h/c_order?sslmode=require"),
        (
            "postgresql://u:p@a:1,[::1]:2/?sslmode=verify-full&sslrootcert=/ca.pem",
            "postgresql://u:p@a:1,[::1]:2/c_order?sslmode=verify-full&sslrootcert=/ca.pem",
        ),
        ("postgresql://u:p%2Fq@/x?host=/run", "postgresql://u:p%2Fq@/c_order?host=/run"),
    ],
)
def test_the_database_stands_before_the_parameters(url: str, composed: str) -> None:
    """Break: append the name to the URL."""
    assert settings_for(url, "unused", "c_").database_of("order") == composed


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://u:secret@h?sslmode=require&channel_binding=require", "channel_binding"),
        ("postgresql://u:secret@h?connect_timeout=", "connect_timeout"),
        ("mysql://u:secret@h", "postgresql://"),
        ("u:secret@h:5432", "postgresql://"),
    ],
)
def test_what_no_connection_can_be_made_with_is_refused_by_name(url: str, named: str) -> None:
    """The driver would tell it to the server, which refuses each connection. Break: `check_url`."""
    with pytest.raises(ValidationError, match=named) as refused:
        ServiceSettings(
            database_url=SecretStr(url),
            kafka_bootstrap_servers="unused",
            internal_keys=SecretStr("k:AAAA"),
        )
    assert "secret" not in str(refused.value).replace("SecretStr", "")


@dataclass
class TlsDoor:
    """PostgreSQL's TLS before a server whose build has none, as a proxy in front of it has it."""

    server_url: str
    folder: Path
    port: int = 0

    @asynccontextmanager
    async def open(self, context: ssl.SSLContext) -> AsyncIterator["TlsDoor"]:
        """Serve while the context lasts."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError):
                assert await reader.readexactly(8) == SSL_REQUEST
                writer.write(b"S")
                await writer.start_tls(context)
                port = urlsplit(self.server_url).port
                server = await asyncio.open_connection("127.0.0.1", port)
                try:
                    await asyncio.gather(_pass(reader, server[1]), _pass(server[0], writer))
                finally:
                    server[1].close()
            writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listening.close()

    def url(self, host: str = "127.0.0.1", **files: str) -> str:
        login = urlsplit(self.server_url).netloc.rpartition("@")[0]
        query = "&".join(f"{name}={self.folder / told}" for name, told in files.items())
        return f"postgresql://{login}@{host}:{self.port}/postgres?sslmode=verify-full&{query}"


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
    writer.close()


@pytest.fixture
async def door(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[TlsDoor]:
    """It shows a certificate for 127.0.0.1 and asks for one of the same authority."""
    ours, other = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ca.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    _issue(ours, tmp_path, "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    ours.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    async with TlsDoor(postgres_server.url, tmp_path).open(context) as opened:
        yield opened


def _issue(authority: trustme.CA, folder: Path, name: str) -> None:
    certificate = authority.issue_cert("client.example")
    certificate.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    certificate.private_key_pem.write_to_path(folder / f"{name}.key")


async def answer(connector: Connector) -> int:
    connection = await connector.connect()
    try:
        assert connection._transport.get_extra_info("ssl_object") is not None
        return int(await connection.fetchval("SELECT 1"))
    finally:
        await connection.close()


CLIENT = {"sslcert": "client.pem", "sslkey": "client.key"}


@pytest.mark.postgres
async def test_tls_is_verified_to_the_server_s_name(door: TlsDoor) -> None:
    """Break: drop the query in `with_database`, or in `_one_url_per_host`."""
    assert await answer(Connector(door.url(sslrootcert="ca.pem", **CLIENT), SESSION)) == 1
    with pytest.raises(DatabaseAwayError, match="CERTIFICATE_VERIFY_FAILED"):
        await answer(Connector(door.url(sslrootcert="other.pem", **CLIENT), SESSION))
    with pytest.raises(DatabaseAwayError, match="not valid for 'localhost'"):
        await answer(Connector(door.url("localhost", sslrootcert="ca.pem", **CLIENT), SESSION))


@pytest.mark.postgres
async def test_a_client_s_certificate_is_shown_and_its_files_are_read_again(door: TlsDoor) -> None:
    """A renewed one needs no restart. Break: keep the driver's context in `Connector`."""
    url = door.url(sslrootcert="ca.pem", sslcert="renewed.pem", sslkey="renewed.key")
    connector = Connector(url, SESSION)
    _issue(trustme.CA(), door.folder, "renewed")  # another authority's: refused
    with pytest.raises(DatabaseAwayError):
        await answer(connector)
    for end in ("pem", "key"):
        (door.folder / f"client.{end}").rename(door.folder / f"renewed.{end}")
    assert await answer(connector) == 1


@pytest.mark.postgres
async def test_a_silent_host_is_passed_over_and_asked_last_from_then_on(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that died answers nobody. Break: give each host all of the time, or forget `_best`."""
    asked: list[asyncio.StreamWriter] = []

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)

    monkeypatch.setattr(connecting, "CONNECT_SECONDS_MAX", 3.0)
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    dead = silent.sockets[0].getsockname()[1]
    login, _, alive = urlsplit(postgres_server.url).netloc.rpartition("@")
    hosts = f"127.0.0.1:{dead},127.0.0.1:{free_port()},{alive}"
    connector = Connector(f"postgresql://{login}@{hosts}/postgres", SESSION)
    for _ in range(3):
        await (await connector.connect()).close()
    assert len(asked) == 1
    silent.close()
    for writer in asked:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
