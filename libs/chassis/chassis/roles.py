"""The roles that a service's database needs, and the script by which they are made beforehand.

The login that runs `migrate` needs to own the database and no more, where the roles are there
already.
"""

from urllib.parse import unquote, urlsplit

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


class RightsMissingError(RuntimeError):
    """The login may not do what the migration needs."""

    def __init__(self, why: str):
        super().__init__(f"{why}: let a superuser run what `migrate --print-roles` prints")


def roles_script(database_url: str) -> str:
    """What a superuser runs so that the URL's login can migrate its own database and serve.

    Raises:
        ValueError: the URL names no login.

    """
    parts = urlsplit(database_url)
    login, database = unquote(parts.username or ""), unquote(parts.path.removeprefix("/"))
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
