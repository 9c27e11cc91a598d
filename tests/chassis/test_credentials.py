"""TLS, and credentials that are renewed in their files: no restart, no request lost, no event."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from sqlalchemy import text

from chassis import credentials, relay, subscription
from chassis.app import basic_parts, service_app
from chassis.certificates import seconds_left
from chassis.database import Database
from chassis.kafka import connection_arguments
from chassis.metrics import CERTIFICATE_EXPIRY
from chassis.settings import ServiceSettings
from testkit.servers import PostgresServer
from tests.chassis.processes import Outcome, until
from tests.chassis.secured_kafka import USERS, SecuredKafka, secured_kafka
from tests.chassis.tally import counting, create_schema, settings_for, state

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GRACE_SECONDS = 1.0
WRITERS = 8


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("kafka")) as started:
        yield started


@pytest.fixture
async def settings(
    postgres_server: PostgresServer, kafka: SecuredKafka, request: pytest.FixtureRequest
) -> AsyncIterator[ServiceSettings]:
    """A tally's, which reaches Kafka by a certificate."""
    prefix = f"c{abs(hash(request.node.name)) % 10**8}_"
    kafka.server.create_topics([f"{prefix}billing"], 2)
    postgres_server.create_database(f"{prefix}tally")
    found = settings_for(
        postgres_server.url,
        f"127.0.0.1:{kafka.by_certificate}",
        prefix,
        kafka_security_protocol="SSL",
        kafka_ca_file=str(kafka.ca_file),
        credentials_grace_seconds=GRACE_SECONDS,
        consumer_watch_seconds=0.2,
        relay_poll_seconds=0.2,
        **kafka.client("first"),
    )
    await create_schema(found)
    yield found
    postgres_server.drop_database(f"{prefix}tally")


def by_password(kafka: SecuredKafka, settings: ServiceSettings, **more: Any) -> ServiceSettings:
    """The same by name and password."""
    changed: dict[str, Any] = {
        "kafka_bootstrap_servers": f"127.0.0.1:{kafka.by_password}",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_cert_file": None,
        "kafka_key_file": None,
    }
    return settings.model_copy(update={**changed, **more})


async def test_events_pass_over_tls_and_a_renewed_certificate_is_shown_without_a_restart(
    settings: ServiceSettings, kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without the look at the files in the relay, and in the member."""
    made = dict.fromkeys(("relay", "member"), 0)

    def counted(kind: str, module: Any, name: str) -> None:
        make = getattr(module, name)

        def count(*given: Any) -> Any:
            made[kind] += 1
            return make(*given)

        monkeypatch.setattr(module, name, count)

    counted("relay", relay, "connection_arguments")
    counted("member", subscription, "broker_security")
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    outcome = Outcome(settings)
    async with app.router.lifespan_context(app):
        await state(app.parts.database, "k", range(1, 4), NOW)
        await outcome.settled("k", 3)
        before = dict(made)
        kafka.client("first")  # another certificate in the same files

        async def anew() -> bool:
            return all(made[kind] > before[kind] for kind in made)

        await until(anew, 20)
        await state(app.parts.database, "other", range(1, 4), NOW)
        await outcome.settled("other", 3)
    await outcome.database.close()


async def test_who_is_not_believed_is_told_and_nothing_is_said_in_the_open(
    settings: ServiceSettings, kafka: SecuredKafka
) -> None:
    other = trustme.CA()
    other.cert_pem.write_to_path(kafka.folder / "other.pem")
    wrong = by_password(kafka, settings, kafka_sasl_username="bus", kafka_sasl_password="wrong")
    cases: dict[str, dict[str, Any]] = {
        "another authority vouches": {"kafka_ca_file": str(kafka.folder / "other.pem")},
        "another name": {"kafka_bootstrap_servers": f"localhost:{kafka.by_certificate}"},
        "another authority's client": kafka.client("stranger", other),
        "no certificate": {"kafka_cert_file": None, "kafka_key_file": None},
        "a wrong password": wrong.model_dump(),
    }
    for name, change in cases.items():
        with pytest.raises((KafkaError, OSError)):
            await _asks(settings.model_copy(update=change))
            pytest.fail(f"{name} was let in")
    assert await _asks(settings)


async def _asks(settings: ServiceSettings) -> bool:
    admin = AIOKafkaAdminClient(**connection_arguments(settings), request_timeout_ms=3000)
    try:
        await admin.start()
        return bool(await admin.list_topics())
    finally:
        await admin.close()


async def test_a_name_and_password_in_files_are_read_for_each_new_connection(
    settings: ServiceSettings, kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {name: tmp_path / name for name in ("kafka_sasl_username", "kafka_sasl_password")}

    def write(user: str, password: str) -> None:
        for path, said in zip(files.values(), (user, password), strict=True):
            path.write_text(said + "\n")

    write("bus", "not-yet-known")
    for name, path in files.items():
        monkeypatch.setenv(f"{name.upper()}_FILE", str(path))
    told = by_password(kafka, settings).model_dump(exclude=set(files))
    read = ServiceSettings(**told)
    with pytest.raises(KafkaError):
        await _asks(read)
    for user in ("bus", "renewed"):
        write(user, USERS[user])
        assert await _asks(read)


async def test_a_database_s_password_is_renewed_while_many_write(
    settings: ServiceSettings,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Seen to fail when the URL is kept, and when old connections are lent on."""
    login, url_file = f"{settings.database_prefix}login", tmp_path / "url"
    server = urlsplit(postgres_server.url)

    def write(password: str) -> None:
        host = server.netloc.rpartition("@")[2]
        url_file.write_text(f"postgresql://{login}:{password}@{host}/app\n")

    owner = Database(settings, "tally")
    async with owner.transaction() as session:
        for statement in (
            f"CREATE ROLE {login} LOGIN SUPERUSER PASSWORD 'first'",
            "CREATE TABLE written (id int)",
        ):
            await session.execute(text(statement))
    write("first")
    monkeypatch.setenv("DATABASE_URL_FILE", str(url_file))
    read = ServiceSettings(**settings.model_dump(exclude={"database_url"}))
    database = Database(read, "tally")
    written, done = 0, asyncio.Event()

    async def keep_writing() -> None:
        nonlocal written
        while not done.is_set():
            async with database.transaction() as session:
                await session.execute(text("INSERT INTO written VALUES (1)"))
            written += 1

    try:
        async with asyncio.TaskGroup() as writers:
            for _ in range(WRITERS):
                writers.create_task(keep_writing())
            await asyncio.sleep(0.5)
            old = await _sessions(owner, login)
            async with owner.transaction() as session:
                await session.execute(text(f"ALTER ROLE {login} PASSWORD 'second'"))
            write("second")

            async def renewed() -> bool:
                now = await _sessions(owner, login)
                return bool(now) and not now & old

            await until(renewed, GRACE_SECONDS * 10)
            done.set()
        async with owner.transaction() as session:
            assert await session.scalar(text("SELECT count(*) FROM written")) == written > 0
    finally:
        await database.close()
        async with owner.transaction() as session:
            await session.execute(text(f"DROP ROLE {login}"))
        await owner.close()


async def _sessions(database: Database, login: str) -> set[int]:
    found = text("SELECT pid FROM pg_stat_activity WHERE usename = :login")
    async with database.transaction() as session:
        return set(await session.scalars(found, {"login": login}))


def test_until_when_a_certificate_holds_is_told_as_its_file_says(tmp_path: Path) -> None:
    """Of authorities the one that lasts longest, of a chain the first; of nothing, no number."""
    authority, path = trustme.CA(), tmp_path / "certificate.pem"
    now = datetime.now(UTC)
    days = [10, 400, 30]
    pems = [
        authority.issue_cert("a", not_after=now + timedelta(days=one)).cert_chain_pems[0].bytes()
        for one in days
    ]
    path.write_bytes(b"a comment\n" + b"".join(pems))
    assert seconds_left(path, is_ca=False) == pytest.approx(10 * 86_400, abs=60)
    assert seconds_left(path, is_ca=True) == pytest.approx(400 * 86_400, abs=60)
    late = authority.issue_cert("a", not_after=datetime(2061, 1, 1, tzinfo=UTC))  # another form
    late.cert_chain_pems[0].write_to_path(path)
    wanted = datetime(2061, 1, 1, tzinfo=UTC).timestamp() - time.time()
    assert seconds_left(path, is_ca=False) == pytest.approx(wanted, abs=60)
    for said in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        path.write_text(said)
        assert math.isnan(seconds_left(path, is_ca=False))


async def test_each_use_of_a_certificate_is_exported(settings: ServiceSettings) -> None:
    credentials.tell_expiries(settings)
    told = {
        sample.labels["use"]: sample.value
        for metric in CERTIFICATE_EXPIRY.collect()
        for sample in metric.samples
    }
    assert {"kafka", "kafka-ca"} <= told.keys()
    assert told["kafka"] > 86_400
