"""A row or two in every table of a service, made from what the catalogue says of its columns."""

from typing import Any

import asyncpg

# By the type's name; `{n}` is the row's number, so that references between tables fit.
_VALUES = {
    "text": "'x{n}'",
    "int8": "{n}",
    "int4": "{n}",
    "numeric": "0",
    "bool": "false",
    "timestamptz": "'2026-11-0{n}T00:00:00Z'",
    "interval": "'0'",
    "date": "'2026-11-0{n}'",
    "jsonb": "'{{}}'",
    "bytea": "'\\x0{n}'",
    "uuid": "'00000000-0000-7000-8000-00000000000{n}'",
}
_PARTNERS = {1: "a", 2: "b"}
# What only some rows have, says a check: approved applications, coupons without a quota, cards.
_EMPTY = {
    ("applications", "approved_amount"), ("applications", "coupon_id"), ("coupons", "origin"),
    ("coupons", "name"), ("coupons", "main_coupon_id"),
}  # fmt: skip
# Where nobody is a text, since it is part of a key.
_NOBODY = {("tallies", "distributor_id"), ("tally_changes", "distributor_id")}
_COLUMNS = """
    SELECT c.relname AS table, a.attname AS column, t.typname AS type
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND c.relname <> 'alembic_version'
      AND a.attgenerated = '' AND a.attidentity = ''
    ORDER BY c.relname, a.attnum
"""


async def fill(connection: asyncpg.Connection, rows: int = 2) -> list[str]:
    """Row 1 is partner a's, row 2 partner b's; the tables that have rows now.

    References and triggers are not looked at meanwhile: it takes a superuser.
    """
    tables: dict[str, list[Any]] = {}
    for column in await connection.fetch(_COLUMNS):
        tables.setdefault(column["table"], []).append(column)
    await connection.execute("SET session_replication_role = replica")
    for table, columns in tables.items():
        names = ", ".join(f'"{column["column"]}"' for column in columns)
        for n in range(1, rows + 1):
            values = ", ".join(_value(column, n) for column in columns)
            await connection.execute(
                f'INSERT INTO "{table}" ({names}) VALUES ({values}) ON CONFLICT DO NOTHING'
            )
    await connection.execute("SET session_replication_role = DEFAULT")
    return sorted(tables)


def _value(column: Any, n: int) -> str:
    if column["column"] == "partner_id":
        return f"'{_PARTNERS[n]}'"
    if (column["table"], column["column"]) in _NOBODY:
        return "''"
    if column["column"] == "distributor_id" or (column["table"], column["column"]) in _EMPTY:
        return "NULL"
    if column["type"].startswith("_"):
        return "'{}'"
    return _VALUES[column["type"]].format(n=n)
