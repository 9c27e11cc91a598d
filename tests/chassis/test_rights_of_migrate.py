"""Whoever migrates owns the database and no more: a superuser made roles and database before."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from chassis.connecting import with_database
from chassis.database import REQUEST_ROLE, Database
from chassis.identity import Principal
from chassis.migrations import migrate
from chassis.roles import ForeignOwnerError, roles_script
from chassis.settings import ServiceSettings
from local.services import SERVICES
from testkit.embedded.postgres import binary
from testkit.keys import INTERNAL_KEYS
from testkit.servers import PostgresServer, blocking

pytestmark = pytest.mark.postgres

IN_URL = "o%27brien%20%22app%22:secret"  # a login as odd as a platform may name it
_SECRET = 'ALTER ROLE "o\'brien ""app""" PASSWORD \'secret\''
PARTNER = Principal(id="p1", kind="reseller", partner_id="p1")

_RIGHTS = """
    SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls FROM pg_roles
    WHERE rolname = CURRENT_USER
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of its own: roles are a server's, and here is none yet."""
    server = PostgresServer.private(in_memory=True)
    yield server
    server.close()


@pytest.fixture(scope="module")
def owner_url(server: PostgresServer) -> str:
    """The server's URL for the login."""
    scheme, _, rest = server.url.partition("://")
    return f"{scheme}://{IN_URL}@{rest.rpartition('@')[2]}"


def superuser_runs(server: PostgresServer, script: str) -> str:
    """What psql says."""
    url = with_database(server.url, "postgres")
    command = [str(binary("psql")), "--no-psqlrc", "--set=ON_ERROR_STOP=1", url]
    ran = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def command(owner_url: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The order service's command, as a platform runs it."""
    told = {
        "DATABASE_URL": owner_url,
        "KAFKA_BOOTSTRAP_SERVERS": "unused:9092",
        "INTERNAL_KEYS": "k1:c2VjcmV0",
        **more,
    }
    return subprocess.run(
        [str(Path(sys.executable).with_name("order")), *arguments],
        env={**os.environ, **told}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def settings(owner_url: str) -> ServiceSettings:
    told: dict[str, Any] = {
        "database_url": owner_url,
        "kafka_bootstrap_servers": "unused:9092",
        "internal_keys": INTERNAL_KEYS,
    }
    return ServiceSettings(**told)


async def who_asks(owner_url: str, service: str) -> tuple[str, bool]:
    """Whom a request's transaction runs as, and whether the login has a right of a superuser."""
    database = Database(settings(owner_url), service)
    try:
        async with database.transaction() as session:
            more = await session.scalar(text(_RIGHTS))
        async with database.transaction_as(PARTNER) as session:
            return await session.scalar(text("SELECT CURRENT_USER::text")), more
    finally:
        await database.close()


def test_a_login_that_only_owns_its_database_migrates_and_serves(
    server: PostgresServer, owner_url: str
) -> None:
    printed = command(owner_url, "migrate", "--print-roles")
    assert printed.returncode == 0, printed.stderr
    superuser_runs(server, printed.stdout + _SECRET)
    migrated = command(owner_url, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert blocking(who_asks(owner_url, "order")) == (REQUEST_ROLE, False)


@pytest.mark.parametrize("service", [one.package for one in SERVICES])
def test_each_service_is_migrated_by_the_owner(
    server: PostgresServer, owner_url: str, service: str
) -> None:
    url = settings(owner_url).database_of(service)
    for _ in range(2):  # once more changes nothing
        superuser_runs(server, roles_script(url) + _SECRET)
    migrate(service, url)
    migrate(service, url)
    assert blocking(who_asks(owner_url, service)) == (REQUEST_ROLE, False)


def test_what_the_login_may_not_make_is_said_in_one_line(
    server: PostgresServer, owner_url: str
) -> None:
    superuser_runs(server, roles_script(settings(owner_url).database_of("order")) + _SECRET)
    refused = command(owner_url, "migrate", DATABASE_PREFIX="not_made_")
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "permission denied to create database: let a superuser run what `migrate --print-roles`"
        " prints"
    ]


def test_a_database_of_another_is_refused_before_anything_is_changed(
    server: PostgresServer,
) -> None:
    """What `--print-roles` prints leaves what is there as it is. Break: leave out `prove_owned`."""
    host = server.url.rpartition("@")[2].partition("/")[0]
    first, second = (f"postgresql://{login}:p@{host}/foreign" for login in ("first", "second"))
    for url in (first, second):
        superuser_runs(server, roles_script(url))
    superuser_runs(server, "ALTER ROLE first PASSWORD 'p'; ALTER ROLE second PASSWORD 'p';")
    with pytest.raises(ForeignOwnerError) as refused:
        migrate("partner", second)
    assert str(refused.value) == (
        "the database foreign belongs to first, and this login is second: migrate as first, or let"
        ' a superuser run ALTER DATABASE "foreign" OWNER TO "second"; nothing was changed'
    )
    migrate("partner", first, "0002")
    superuser_runs(server, 'ALTER DATABASE "foreign" OWNER TO "second";')
    with pytest.raises(ForeignOwnerError, match='REASSIGN OWNED BY "first" TO "second" in it'):
        migrate("partner", second)
    superuser_runs(server, '\\c "foreign"\nREASSIGN OWNED BY "first" TO "second";')
    migrate("partner", second)


def test_no_login_no_script() -> None:
    with pytest.raises(ValueError, match="names no login"):
        roles_script("postgresql://db.internal:5432/channelbus_order")
