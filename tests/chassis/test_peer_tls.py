"""HTTP between the services over TLS: verified always, and renewed without a restart."""

import asyncio
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme
from starlette.types import Receive, Scope, Send

from chassis.errors import OutsideError
from chassis.identity import Principal
from chassis.peer_tls import CertificateUnusableError, ServerTls, server_tls
from chassis.settings import ServiceSettings
from chassis.sideways import Sideways
from tests.chassis.tally import settings_for
from tests.gateway.gate import answer_json, listening

ASKING = Principal(id="p1", kind="partner", partner_id="p1", caller="test")
ASKERS = 16
RENEWED_SECONDS_MAX = 20.0


@dataclass
class Files:
    """A service's certificate, and who vouches for it."""

    folder: Path
    authority: trustme.CA

    def write(self, days: int = 30) -> None:
        """A certificate of 127.0.0.1 in the files, which ends so long from now."""
        end = datetime.now(UTC) + timedelta(days=days)
        issued = self.authority.issue_cert("127.0.0.1", not_after=end)
        issued.private_key_pem.write_to_path(self.folder / "tls.key")
        issued.cert_chain_pems[0].write_to_path(self.folder / "tls.crt")

    def believe(self, *authorities: trustme.CA) -> None:
        """These, and no other."""
        pems = b"".join(one.cert_pem.bytes() for one in authorities)
        (self.folder / "ca.crt").write_bytes(pems)

    def settings(self, **more: str) -> ServiceSettings:
        """Of a service that shows it."""
        return settings_for(
            "postgresql://nobody@127.0.0.1:1", "127.0.0.1:1", "t_",
            http_cert_file=str(self.folder / "tls.crt"), http_key_file=str(self.folder / "tls.key"),
            http_ca_file=str(self.folder / "ca.crt"), credentials_grace_seconds=1, **more,
        )  # fmt: skip

    def served(self) -> ServerTls:
        """For the listener."""
        tls = server_tls(self.settings())
        assert tls is not None
        return tls


@pytest.fixture
def files(tmp_path: Path) -> Files:
    found = Files(tmp_path, trustme.CA())
    found.write()
    found.believe(found.authority)
    return found


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """A service that says yes."""
    await receive()
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await answer_json(send, 200, {"scheme": scope["scheme"]})


async def ask(settings: ServiceSettings, url: str) -> object:
    """One question of a client of its own."""
    sideways = Sideways(settings)
    await sideways.start()
    try:
        return await sideways.get(url, "/x", ASKING)
    finally:
        await sideways.close()


async def test_a_service_is_believed_by_its_name_and_its_authority_alone(files: Files) -> None:
    """Seen to fail with `ssl=False`, and with `check_hostname` off."""
    async with listening(answer, files.served()) as url:
        assert await ask(files.settings(), url) == {"scheme": "https"}
        with pytest.raises(OutsideError, match=r"Hostname mismatch.*HTTP_CA_FILE"):
            await ask(files.settings(), url.replace("127.0.0.1", "localhost"))
        with pytest.raises(OutsideError):
            await ask(files.settings(), url.replace("https", "http"))
        files.believe(trustme.CA())
        with pytest.raises(OutsideError, match="unable to get local issuer"):
            await ask(files.settings(), url)
        nobody = files.settings().model_copy(update={"http_ca_file": None})
        with pytest.raises(OutsideError, match="certificate"):
            await ask(nobody, url)


async def test_an_expired_certificate_is_told_as_such(files: Files) -> None:
    files.write(days=-1)
    async with listening(answer, files.served()) as url:
        with pytest.raises(OutsideError, match=r"certificate has expired: see HTTP_CA_FILE here"):
            await ask(files.settings(), url)


async def test_certificate_and_authority_are_renewed_while_many_ask(files: Files) -> None:
    """None fails, and old connections end. Seen to fail without each of the looks at the files."""
    tls, second = files.served(), trustme.CA()
    done = asyncio.Event()
    asked = 0
    renewing = asyncio.create_task(tls.keep_renewed())
    async with listening(answer, tls) as url:
        sideways = Sideways(files.settings())
        await sideways.start()

        async def keep_asking() -> None:
            nonlocal asked
            while not done.is_set():
                await sideways.get(url, "/x", ASKING)
                asked += 1

        async def is_shown(authority: trustme.CA) -> None:
            give_up_at = time.monotonic() + RENEWED_SECONDS_MAX
            while not await _vouched_for(authority, url):
                assert time.monotonic() < give_up_at, "the new certificate is not shown"
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as askers:
            for _ in range(ASKERS):
                askers.create_task(keep_asking())
            await is_shown(files.authority)
            first, files.authority = files.authority, second
            files.believe(first, second)  # whom clients believe is said first
            await asyncio.sleep(0.5)
            files.write()
            await is_shown(second)
            files.believe(second)  # the client makes new connections: the old authority is gone
            await asyncio.sleep(0.5)
            before = asked
            while asked < before + ASKERS * 2:
                await asyncio.sleep(0.01)
            done.set()
        await sideways.close()
    renewing.cancel()


async def test_a_connection_of_before_ends_with_its_next_answer(files: Files) -> None:
    tls = files.served()
    context = ssl.create_default_context()
    files.authority.configure_trust(context)
    async with listening(answer, tls) as url, aiohttp.ClientSession() as session:

        async def said() -> str | None:
            async with session.get(url, ssl=context) as got:
                return got.headers.get("connection")

        assert [await said(), await said()] == [None, None]
        files.write()
        tls.renew()
        assert [await said(), await said()] == ["close", None]


async def test_half_of_a_new_pair_leaves_the_former_certificate(files: Files) -> None:
    """Seen to fail when the pair is read into the context in use alone."""
    tls = files.served()
    async with listening(answer, tls) as url:
        for name in ("tls.key", "tls.crt"):
            whole = (files.folder / name).read_bytes()
            (files.folder / name).write_text("")
            tls.renew()
            assert await ask(files.settings(), url) == {"scheme": "https"}
            (files.folder / name).write_bytes(whole)
        issued = files.authority.issue_cert("127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(files.folder / "tls.crt")
        tls.renew()
        assert tls.renewals == 0
        assert await ask(files.settings(), url) == {"scheme": "https"}


def test_what_is_no_certificate_is_refused_at_the_start_in_a_line(files: Files) -> None:
    (files.folder / "tls.key").write_text("no key")
    with pytest.raises(CertificateUnusableError, match=r"^HTTP_CERT_FILE=.*HTTP_KEY_FILE=.*: .+$"):
        server_tls(files.settings())
    with pytest.raises(ValueError, match="HTTP_CERT_FILE and HTTP_KEY_FILE belong together"):
        settings_for("postgresql://n@127.0.0.1:1", "127.0.0.1:1", "t_", http_cert_file="x")


async def _vouched_for(authority: trustme.CA, url: str) -> bool:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    host, _, port = urlsplit(url).netloc.partition(":")
    try:
        async with asyncio.timeout(RENEWED_SECONDS_MAX):
            _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    except ssl.SSLError:
        return False
    with closing(writer):
        return True
