"""list_sub_customers: a partner's associated customers, newest first (docs/domain/customers.md F4).

Written in SQL, for the driver: through SQLAlchemy the page cost four times as much. Customers are
read from the view `visible_customers`, whose condition is the second wall; tallies are tables below
the row-level policy itself.
"""

from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from chassis.database import Database
from chassis.errors import BadFieldError
from chassis.folding import fold_forms, fold_name
from chassis.identity import Principal
from chassis.tenancy import DISTRIBUTOR, acted_for
from customer_sync.copies import Partner
from customer_sync.search.count_customers import (
    count_associated,
    count_associated_between,
    count_with_gram,
    count_with_text,
)
from customer_sync.search.fold_customers import FOLDED
from wire.json import known
from wire.operations import INTERNATIONAL
from wire.types import Instant, WireRequest

_FUZZY = {  # request field → (column, its mark in the grams, how its texts are folded)
    "account_name": ("account_name", "a", fold_name),
    "customer": ("customer_name", "c", fold_name),
    "label": ("label", "l", fold_forms),
}
_GRAM_CHARACTERS_MAX = 2  # texts up to this length stand in the grams as they are
_RARE_MAX = 2_000  # matches; of more, a page is soon met when walking from the newest customer on
_WALK_ROWS_MAX = 20_000
_DEEP_OFFSET = 1_000  # customers; from here on those before the page are skipped in the index alone
_SHOWN = (
    "id, account_name, customer_name, associated_on, association_type, label, mobile,"
    " verified_status, country_code, customer_type, is_frozen, account_manager_name, xaccount_id,"
    " xaccount_type, customer_level, email"
)
_FOLDED = "folded_account_name, folded_customer_name, folded_label"
_NEWEST_FIRST = "ORDER BY associated_on DESC, id DESC"


class ListSubCustomers(WireRequest, operation="list_sub_customers"):
    """The filters, all of which must hold; both ends of the time window belong to it."""

    account_name: str | None = None
    customer: str | None = None
    label: str | None = None
    association_type: Literal["1", "2", "3"] | None = None
    associated_on_begin: Instant | None = None
    associated_on_end: Instant | None = None
    customer_id: str | None = None
    indirect_partner_id: str | None = None
    offset: int = 0
    limit: int = 10

    @property
    def filters(self) -> set[str]:
        """The fields that narrow the owner's customers."""
        told = self.model_dump(exclude_none=True).keys()
        return set(told) - {"offset", "limit", "indirect_partner_id"}


class ListSubCustomersAbroad(ListSubCustomers, operation="list_sub_customers", site=INTERNATIONAL):
    """The same on the international site, whose resale is type 3 (docs/domain/customers.md B.2)."""


@dataclass(slots=True)
class _Where:
    """Conditions for the driver; `$n` stand for the values, the owner is `$1`."""

    sql: str
    values: list[Any]

    def and_(self, condition: str, *values: Any) -> None:
        """One more condition; a `{}` in it stands for each value."""
        first = len(self.values) + 1
        numbers = [f"${number}" for number in range(first, first + len(values))]
        self.sql += f" AND {condition.format(*numbers)}"
        self.values += values


async def list_sub_customers(
    database: Database, principal: Principal, wanted: ListSubCustomers
) -> tuple[list[dict[str, Any]], int]:
    """One page and the number of all that match.

    Raises:
        NotOwnResellerError: `indirect_partner_id` names another distributor's reseller.
        BadFieldError: a fuzzy filter holds a blank.

    """
    owner = await _owner(database, principal, wanted.indirect_partner_id)
    _refuse_blanks(wanted)
    async with database.read_as(principal) as connection:
        wanted = await _folded(connection, wanted)
        where = _conditions(owner, wanted)
        if not wanted.filters & _FUZZY.keys():
            return await _list(connection, owner, wanted, where)
        if len(wanted.filters) > 1:
            return await _search(connection, wanted, where)
        return await _search_text(connection, owner, wanted, where)


def _refuse_blanks(wanted: ListSubCustomers) -> None:
    """The vendor's rule; the texts of customers may have them."""
    for name in _FUZZY:
        if any(character.isspace() for character in getattr(wanted, name) or ""):
            raise BadFieldError(name, "no blanks")


async def _folded(connection: asyncpg.Connection, wanted: ListSubCustomers) -> ListSubCustomers:
    """What is looked for, as rows are folded."""
    folded = {}
    for name, (_, _, fold) in _FUZZY.items():
        if (value := getattr(wanted, name)) is not None:
            folded[name] = await fold(connection, value)
            if not folded[name]:
                raise BadFieldError(name, "nothing but characters without a width")
    return wanted.model_copy(update=folded) if folded else wanted


async def _owner(database: Database, principal: Principal, indirect_partner_id: str | None) -> str:
    """Whose customers; only a reseller must be looked up."""
    if principal.kind == DISTRIBUTOR and indirect_partner_id:
        async with database.transaction_as(principal) as session:
            return await acted_for(session, principal, indirect_partner_id, Partner)
    return principal.id


async def _list(
    connection: asyncpg.Connection, owner: str, wanted: ListSubCustomers, where: _Where
) -> tuple[list[dict[str, Any]], int]:
    rows = await _page(connection, wanted, where)
    if wanted.filters and wanted.offset == 0 and len(rows) < wanted.limit:
        return rows, len(rows)
    if wanted.customer_id is not None:
        found = f"SELECT count(*) FROM visible_customers WHERE {where.sql}"
        return rows, await connection.fetchval(found, *where.values)
    kind = wanted.association_type
    if wanted.associated_on_begin or wanted.associated_on_end:
        window = (wanted.associated_on_begin, wanted.associated_on_end)
        return rows, await count_associated_between(connection, owner, *window, kind)
    return rows, await count_associated(connection, owner, kind)


async def _page(
    connection: asyncpg.Connection, wanted: ListSubCustomers, where: _Where
) -> list[dict[str, Any]]:
    """From the newest on, along the index, until the page is full."""
    limit, offset = f"${len(where.values) + 1}", f"${len(where.values) + 2}"
    page = f"FROM visible_customers WHERE {where.sql} {_NEWEST_FIRST} LIMIT {limit} OFFSET {offset}"
    if wanted.offset >= _DEEP_OFFSET:
        page = f"FROM visible_customers WHERE id IN (SELECT id {page}) {_NEWEST_FIRST}"
    shown = f"SELECT {_SHOWN} {page}"
    rows = await connection.fetch(shown, *where.values, wanted.limit, wanted.offset)
    return [_information(row) for row in rows]


async def _search_text(
    connection: asyncpg.Connection, owner: str, wanted: ListSubCustomers, where: _Where
) -> tuple[list[dict[str, Any]], int]:
    """One text alone: characters, pairs and what is frequent of longer texts are tallied."""
    [name] = wanted.filters
    column, mark, _ = _FUZZY[name]
    value = getattr(wanted, name)
    count: int | None
    if len(value) > _GRAM_CHARACTERS_MAX:
        count = await count_with_text(connection, owner, column, mark, value)
    else:
        count = await count_with_gram(connection, owner, mark, value)
    if count is not None and count > _RARE_MAX:
        rows = await _walk(connection, owner, wanted, _strpos(column), value)
        if len(rows) == wanted.limit:
            return rows, count
    return await _search(connection, wanted, where)


async def _walk(
    connection: asyncpg.Connection, owner: str, wanted: ListSubCustomers, matches: str, value: str
) -> list[dict[str, Any]]:
    """The page as far as the newest customers have it; a frequent text fills it soon."""
    rows = await connection.fetch(
        f"""
        SELECT {_SHOWN} FROM (
            SELECT {_SHOWN}, {_FOLDED} FROM visible_customers
            WHERE partner_id = $1 AND association_status = 'associated'
            {_NEWEST_FIRST} LIMIT {_WALK_ROWS_MAX}
        ) AS newest
        WHERE {matches.format("$2")} {_NEWEST_FIRST} LIMIT $3 OFFSET $4
        """,
        owner, value, wanted.limit, wanted.offset,
    )  # fmt: skip
    return [_information(row) for row in rows]


async def _search(
    connection: asyncpg.Connection, wanted: ListSubCustomers, where: _Where
) -> tuple[list[dict[str, Any]], int]:
    """All matches first, then their page: they must be counted anyway.

    With a limit the planner would take a rare match for a likely one, and walk through all
    customers from the newest on until it has ten.
    """
    limit, offset = f"${len(where.values) + 1}", f"${len(where.values) + 2}"
    found = await connection.fetch(
        f"""
        WITH matches AS MATERIALIZED (
            SELECT id, associated_on FROM visible_customers WHERE {where.sql}
        ), newest AS (
            SELECT id FROM matches {_NEWEST_FIRST} LIMIT {limit} OFFSET {offset}
        )
        SELECT all_matches.number, page.*
        FROM (SELECT count(*) AS number FROM matches) AS all_matches LEFT JOIN (
            SELECT {_SHOWN} FROM visible_customers WHERE id IN (SELECT id FROM newest)
        ) AS page ON true
        {_NEWEST_FIRST}
        """,
        *where.values, wanted.limit, wanted.offset,
    )  # fmt: skip
    return [_information(row) for row in found if row["id"] is not None], found[0]["number"]


def _conditions(owner: str, wanted: ListSubCustomers) -> _Where:
    where = _Where("partner_id = $1 AND association_status = 'associated'", [owner])
    for name in _FUZZY:
        if (value := getattr(wanted, name)) is not None:
            _match(where, name, value)
    if wanted.association_type:
        where.and_("association_type = {}", wanted.association_type)
    if wanted.associated_on_begin:
        where.and_("associated_on >= {}", wanted.associated_on_begin)
    if wanted.associated_on_end:
        where.and_("associated_on <= {}", wanted.associated_on_end)
    if wanted.customer_id:
        where.and_("id = {}", wanted.customer_id)
    return where


def _match(where: _Where, name: str, value: str) -> None:
    """Candidates by their character pairs, then exactly where the value is longer than a pair."""
    column, mark, _ = _FUZZY[name]
    sizes = [min(len(value), _GRAM_CHARACTERS_MAX)]
    grams = f"(SELECT search_grams('{mark}', {{}}::text, {{}}::integer[]))"
    where.and_(f"grams @> {grams}", value, sizes)
    if len(value) > _GRAM_CHARACTERS_MAX:
        where.and_(_strpos(column), value)


def _strpos(column: str) -> str:
    """Whether the column holds a folded value."""
    return f"strpos({FOLDED[column]}, {{}}::text) > 0"


def _information(row: Any) -> dict[str, Any]:
    """CustomerInformation of docs/domain/customers.md B.2; what is not known is left out."""
    manager = row["account_manager_name"]
    shown = {
        "customer": row["customer_name"],
        "account_name": row["account_name"],
        "customer_id": row["id"],
        "associated_on": row["associated_on"],
        "association_type": row["association_type"],
        "label": row["label"],
        "telephone": row["mobile"],
        "verified_status": row["verified_status"],
        "country_code": row["country_code"],
        "customer_type": row["customer_type"],
        "is_frozen": row["is_frozen"],
        "account_managers": [{"account_name": manager}] if manager else [],
        "xaccount_id": row["xaccount_id"],
        "xaccount_type": row["xaccount_type"],
        "customer_level": row["customer_level"],
        "email": row["email"],
    }
    return known(shown)
