"""The roles that a service's database needs, and the script by which they are made beforehand.

The login that runs `migrate` needs to own the database and no more, where the roles are there
already.
"""

from urllib.parse import unquote

import asyncpg

from chassis.connecting import DatabaseUrl
from chassis.database import REQUEST_ROLE

# Asked first: PostgreSQL refuses to make a role before it looks whether there is one.
REQUEST_ROLE_MADE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{REQUEST_ROLE}') THEN
        CREATE ROLE {REQUEST_ROLE} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
"""
REQUEST_ROLE_GIVEN = f"""
DO $$ BEGIN
    IF NOT pg_has_role(CURRENT_USER, '{REQUEST_ROLE}', 'MEMBER') THEN
        GRANT {REQUEST_ROLE} TO CURRENT_USER;
    END IF;
END $$;
"""

_SCRIPT = """\
-- For psql as a superuser, once; what is there already stays as it is.
-- The login's password is not in here: set it with \\password or where your platform keeps it.
SELECT 'CREATE ROLE {role} NOLOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {role_text}) \\gexec
SELECT {make_login}
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {login_text}) \\gexec
GRANT {role} TO {login};
SELECT {make_database}
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = {database_text}) \\gexec
"""


_OWNERS = """
    SELECT current_database() AS database, CURRENT_USER AS login,
        (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database())
            AS owner,
        has_schema_privilege('public', 'CREATE') AS makes,
        (SELECT min(pg_get_userbyid(relowner)) FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
            AND to_regclass('alembic_version') IS NOT NULL AND NOT pg_has_role(relowner, 'USAGE')
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        ) AS owner_of_tables
"""


class ForeignOwnerError(RuntimeError):
    """The database, or what is in it, belongs to a role that the login is no member of."""

    def __init__(self, what: str, owner: str, login: str, handed_over: str):
        super().__init__(
            f"{what} to {owner}, and this login is {login}: migrate as {owner}, or let a superuser"
            f" run {handed_over}; nothing was changed"
        )


async def prove_owned(connection: asyncpg.Connection) -> None:
    """Asked before anything is migrated: half-way it would come too late.

    Raises:
        ForeignOwnerError: it is another's.

    """
    told = await connection.fetchrow(_OWNERS)
    database, login = told["database"], told["login"]
    if not told["makes"]:
        handed_over = f"ALTER DATABASE {_name(database)} OWNER TO {_name(login)}"
        raise ForeignOwnerError(
            f"the database {database} belongs", told["owner"], login, handed_over
        )
    if (owner := told["owner_of_tables"]) is not None:
        handed_over = f"REASSIGN OWNED BY {_name(owner)} TO {_name(login)} in it"
        raise ForeignOwnerError(f"tables of {database} belong", owner, login, handed_over)


class RightsMissingError(RuntimeError):
    """The login may not do what the migration needs."""

    def __init__(self, why: str):
        super().__init__(f"{why}: let a superuser run what `migrate --print-roles` prints")


def roles_script(database_url: str) -> str:
    """What a superuser runs so that the URL's login can migrate its own database and serve.

    Raises:
        ValueError: the URL names no login.

    """
    parts = DatabaseUrl.read(database_url)
    login, database = unquote(parts.user), unquote(parts.database)
    if not login:
        raise ValueError("DATABASE_URL names no login")
    return _SCRIPT.format(
        role=REQUEST_ROLE,
        role_text=_text(REQUEST_ROLE),
        login=_name(login),
        login_text=_text(login),
        database_text=_text(database),
        make_login=_text(f"CREATE ROLE {_name(login)} LOGIN"),
        make_database=_text(f"CREATE DATABASE {_name(database)} OWNER {_name(login)}"),
    )


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
