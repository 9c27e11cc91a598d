"""How a connection to a service's database is made, and what it must prove before it is used.

Nothing is told at start-up that a pooler between would refuse: a session is set up by statements,
and asked afterwards whether it kept what it was told. The server must take writes.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import asyncpg

from chassis.beginning import Connection
from chassis.cures import cure_of_certificate
from chassis.failures import DatabaseAwayError, sqlstate_of

CONNECT_SECONDS_MAX = 10  # for all hosts together
PROOF_SECONDS_MAX = 5  # for one statement; a pooler of one connection makes the second one wait
PROOF_ROUNDS = 5  # others may take a shared session between two statements, and hide it
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_SET = """
    SELECT pg_backend_pid(), array_agg(set_config(name, value, false) ORDER BY name)
    FROM unnest($1::text[], $2::text[]) AS told (name, value)
"""
_ASK = """
    SELECT pg_backend_pid(), array_agg(current_setting(name, true) ORDER BY name),
           current_setting('transaction_read_only') = 'on',
           (SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = $2)
    FROM unnest($1::text[]) AS told (name)
"""
_MARK = "SELECT set_config('channelbus.session', $1, false)"
_MARKED = "SELECT current_setting('channelbus.session', true)"

# PostgreSQL's for a statement prepared elsewhere, twice, or (PgBouncer) for a refused transaction.
_SHARED_SESSION = ("26000", "42P05", "08P01")
_POOLING = "pooling mode"  # what PgBouncer says of a transaction when it pools single statements

# What the driver reads; it would hand anything else to the server, which refuses the connection.
_PARAMETERS = {
    *("host", "port", "user", "password", "passfile", "target_session_attrs"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib"),
}


class SharedSessionError(DatabaseAwayError):
    """The session is not ours alone: between two transactions a pooler gives it to others."""

    def __init__(self, why: str):
        super().__init__(
            f"DATABASE_URL leads to a pooler in transaction mode ({why}): give a direct connection,"
            " or set the pooler to session mode"
        )


# RFC 3986 appendix B. `urlsplit` refuses a second host in brackets from some release of Python on.
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z]+)://(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#@]*)"
    r"/?(?P<database>[^?#]*)(?:\?(?P<query>[^#]*))?"
)


class DatabaseUrl(NamedTuple):
    """The parts of DATABASE_URL, each as it is written there."""

    scheme: str
    login: str | None  # user:password
    hosts: str  # by comma
    database: str
    query: str | None

    @classmethod
    def read(cls, url: str) -> "DatabaseUrl":
        """Split it; ValueError when it is none."""
        found = _PARTS.fullmatch(url)
        if found is None or found["scheme"] not in ("postgresql", "postgres"):
            raise ValueError("expected postgresql://user:password@host:port")
        return cls(**found.groupdict())

    @property
    def user(self) -> str:
        """Empty where none is named."""
        return (self.login or "").partition(":")[0]

    def __str__(self) -> str:
        login = "" if self.login is None else f"{self.login}@"
        query = "" if self.query is None else f"?{self.query}"
        return f"{self.scheme}://{login}{self.hosts}/{self.database}{query}"


def check_url(url: str) -> None:
    """Refuse what no connection could be made with.

    Raises:
        ValueError: another scheme, or a parameter that the driver does not know.

    """
    given = parse_qsl(DatabaseUrl.read(url).query or "", keep_blank_values=True)
    unknown = {name for name, _ in given} - _PARAMETERS
    if unknown:
        raise ValueError(f"unknown parameters: {', '.join(sorted(unknown))}")


def with_database(url: str, name: str) -> str:
    """The server's URL with the database's name before its parameters."""
    return str(DatabaseUrl.read(url)._replace(database=name))


def with_hosts(url: str, hosts: str) -> str:
    """The URL with other servers, by comma."""
    return str(DatabaseUrl.read(url)._replace(hosts=hosts))


def with_tls(url: str, mode: str | None, ca_file: str | None) -> str:
    """The URL with these among its parameters; what it says itself must be the same.

    Raises:
        ValueError: it says otherwise.

    """
    parts = DatabaseUrl.read(url)
    query = parts.query or ""
    said = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in (("sslmode", mode), ("sslrootcert", ca_file)):
        if value is None or said.get(name) == value:
            continue
        if name in said:
            raise ValueError(f"DATABASE_URL says another {name} than is set beside it")
        query += f"{'&' if query else ''}{urlencode({name: value})}"
    return str(parts._replace(query=query or None))


class Connector:
    """Connects to the host that takes writes, and sets up the session by `session`."""

    def __init__(
        self, url: str | Callable[[], str], session: Mapping[str, str], role: str | None = None
    ):
        self._url = url
        self._urls = _one_url_per_host(self._said())
        self._best = 0  # the host that was good last
        self._session = dict(sorted(session.items()))
        self._role = role

    async def connect(self, *_: Any, **options: Any) -> asyncpg.Connection:
        """A new connection; this is the one place where a failing socket means the database.

        Raises:
            DatabaseAwayError: no host answers and takes writes, or the session is another's.

        """
        failure: Exception | None = None
        self._read_again()
        for turn in range(len(self._urls)):
            host = (self._best + turn) % len(self._urls)
            try:
                connection = await self._connect(self._urls[host], options)
            except (OSError, *DRIVER_ERRORS) as error:
                failure = error
            else:
                self._best = host
                return connection
        raise DatabaseAwayError(_told(failure)) from failure

    def _said(self) -> str:
        return self._url if isinstance(self._url, str) else self._url()

    def _read_again(self) -> None:
        """Where the URL may have changed since the last connection."""
        try:
            urls = _one_url_per_host(self._said())
        except ValueError as error:
            raise DatabaseAwayError(f"DATABASE_URL: {error}") from error
        if urls != self._urls:
            self._urls, self._best = urls, 0

    async def _connect(self, url: str, options: dict[str, Any]) -> asyncpg.Connection:
        async with asyncio.timeout(CONNECT_SECONDS_MAX / len(self._urls)):
            told = {"connection_class": Connection, **options}
            connection = await asyncpg.connect(url, target_session_attrs="read-write", **told)
            try:
                await self._set_up(connection)
            except BaseException:
                connection.terminate()
                raise
            return connection

    async def _set_up(self, connection: asyncpg.Connection) -> None:
        names, values = list(self._session), list(self._session.values())
        try:
            set_in, told = await connection.fetchrow(_SET, names, values)
            asked_in, kept, is_read_only, may_become = await connection.fetchrow(
                _ASK, names, self._role
            )
        except asyncpg.PostgresError as error:
            if sqlstate_of(error) in _SHARED_SESSION:
                raise SharedSessionError(str(error)) from error
            raise
        if (set_in, told) != (asked_in, kept):
            raise SharedSessionError("it forgot what it was told")
        if is_read_only:
            raise DatabaseAwayError("the server takes no writes")
        if self._role is not None and not may_become:
            raise DatabaseAwayError(f"the login may not act as {self._role}: run migrate")

    async def prove_sessions(self) -> None:
        """Show with two connections that neither has what the other was told.

        A pooler that shares sessions gives what one left to the other, or, while the other holds
        it in a transaction, another one to the first.

        Raises:
            SharedSessionError: a session is not its own.
            DatabaseAwayError: not reached.

        """
        one = await self.connect(command_timeout=PROOF_SECONDS_MAX)
        try:
            other = await self.connect(command_timeout=PROOF_SECONDS_MAX)
            try:
                for _ in range(PROOF_ROUNDS):
                    await _prove_apart(one, other)
            finally:
                other.terminate()
        except (OSError, *DRIVER_ERRORS) as error:
            if sqlstate_of(error) in _SHARED_SESSION or _POOLING in str(error):
                raise SharedSessionError(str(error)) from error
            raise DatabaseAwayError(repr(error)) from error
        finally:
            one.terminate()


async def _prove_apart(one: asyncpg.Connection, other: asyncpg.Connection) -> None:
    marks = {one: token_hex(8), other: token_hex(8)}
    for connection, mark in marks.items():
        await connection.fetchval(_MARK, mark)
    async with other.transaction():
        for connection in (other, one):
            if await connection.fetchval(_MARKED) != marks[connection]:
                raise SharedSessionError("two sessions are one")


def _told(failure: Exception | None) -> str:
    """With what to do, where that is known."""
    cure = cure_of_certificate(failure, "DATABASE_URL", "DATABASE_CA_FILE")
    if isinstance(failure, asyncpg.InvalidAuthorizationSpecificationError):
        cure = "the server does not know this login, or not by this password: mend DATABASE_URL"
    elif isinstance(failure, FileNotFoundError):
        cure = "a file of TLS that DATABASE_URL or DATABASE_CA_FILE names is not there"
    return f"{failure!r}: {cure}" if cure else repr(failure)


def _one_url_per_host(url: str) -> list[str]:
    """So that each host gets its share of the time: one that is silent must not use up all."""
    parts = DatabaseUrl.read(url)
    return [str(parts._replace(hosts=host)) for host in parts.hosts.split(",")]
