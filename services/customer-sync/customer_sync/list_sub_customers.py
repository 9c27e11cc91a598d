"""list_sub_customers: a partner's associated customers, newest first (domain.md F4)."""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError
from chassis.identity import Principal
from customer_sync.count_customers import count_customers
from customer_sync.find_partner import find_owner
from customer_sync.models import ASSOCIATED
from customer_sync.models import visible_customers as customers
from wire.types import Instant, WireRequest

_FUZZY = {  # request field → (column, its mark in the grams, whether letters are folded)
    "account_name": (customers.c.account_name, "a", True),
    "customer": (customers.c.customer_name, "c", True),
    "label": (customers.c.label, "l", False),
}
_SHOWN = [
    customers.c.id, customers.c.account_name, customers.c.customer_name, customers.c.associated_on,
    customers.c.association_type, customers.c.label, customers.c.mobile,
    customers.c.verified_status, customers.c.country_code, customers.c.customer_type,
    customers.c.is_frozen, customers.c.account_manager_name, customers.c.xaccount_id,
    customers.c.xaccount_type, customers.c.customer_level, customers.c.email,
]  # fmt: skip
_NEWEST_FIRST = (customers.c.associated_on.desc(), customers.c.id.desc())


class CustomersWanted(WireRequest, operation="list_sub_customers"):
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
    def is_fuzzy(self) -> bool:
        """Whether a part of a text is searched."""
        return any(getattr(self, field) is not None for field in _FUZZY)

    @property
    def is_counted(self) -> bool:
        """Whether counters know how many there are."""
        others = self.model_fields_set - {
            "association_type", "indirect_partner_id", "offset", "limit",
        }  # fmt: skip
        return not others


async def list_sub_customers(
    session: AsyncSession, principal: Principal, wanted: CustomersWanted
) -> tuple[list[dict[str, Any]], int]:
    """One page and the number of all that match.

    Raises:
        WrongPrincipalError: the caller is no partner.
        ResellerNotYoursError: `indirect_partner_id` names another distributor's reseller.
        BadFieldError: a fuzzy filter holds a blank.

    """
    owner = await find_owner(session, principal, wanted.indirect_partner_id)
    conditions = _conditions(owner, wanted)
    if wanted.is_fuzzy:
        return await _search(session, conditions, wanted)
    page = select(*_SHOWN).where(*conditions).order_by(*_NEWEST_FIRST)
    rows = await _rows(session, page.limit(wanted.limit).offset(wanted.offset))
    if wanted.is_counted:
        return rows, await count_customers(session, owner, wanted.association_type)
    if wanted.offset == 0 and len(rows) < wanted.limit:
        return rows, len(rows)
    counted = select(func.count()).select_from(customers).where(*conditions)
    return rows, await session.scalar(counted) or 0


async def _search(
    session: AsyncSession, conditions: list[ColumnElement[bool]], wanted: CustomersWanted
) -> tuple[list[dict[str, Any]], int]:
    """All matches first, then their page: they must be counted anyway.

    With a limit the planner would take a rare match for a likely one, and walk through all
    customers from the newest on until it has ten.
    """
    matches = select(customers.c.id, customers.c.associated_on).where(*conditions).cte("matches")
    matches = matches.prefix_with("MATERIALIZED")
    newest = select(matches.c.id).order_by(matches.c.associated_on.desc(), matches.c.id.desc())
    count = select(func.count()).select_from(matches).scalar_subquery()
    ids = func.array(newest.limit(wanted.limit).offset(wanted.offset).scalar_subquery())
    found = (await session.execute(select(count, ids))).one()
    page = select(*_SHOWN).where(customers.c.id.in_(found[1])).order_by(*_NEWEST_FIRST)
    return await _rows(session, page), found[0]


async def _rows(session: AsyncSession, page: Select[Any]) -> list[dict[str, Any]]:
    return [_information(row) for row in (await session.execute(page)).mappings()]


def _conditions(owner: str, wanted: CustomersWanted) -> list[ColumnElement[bool]]:
    found = [customers.c.partner_id == owner, customers.c.association_status == ASSOCIATED]
    for field in _FUZZY:
        if (text := getattr(wanted, field)) is not None:
            found += _fuzzy(field, text)
    if wanted.association_type:
        found.append(customers.c.association_type == wanted.association_type)
    if wanted.associated_on_begin:
        found.append(customers.c.associated_on >= wanted.associated_on_begin)
    if wanted.associated_on_end:
        found.append(customers.c.associated_on <= wanted.associated_on_end)
    if wanted.customer_id:
        found.append(customers.c.id == wanted.customer_id)
    return found


def _fuzzy(field: str, text: str) -> list[ColumnElement[bool]]:
    """Candidates by their character pairs (by the character where there is one), then exactly."""
    if any(character.isspace() for character in text):
        raise BadFieldError(field, "no blanks")
    column, mark, folds = _FUZZY[field]
    size = min(len(text), 2)
    needle = func.lower(text) if folds else text
    grams = func.search_grams(mark, needle, cast([size], ARRAY(INTEGER)))
    haystack = func.lower(column) if folds else column
    return [customers.c.grams.op("@>")(grams), func.strpos(haystack, needle) > 0]


def _information(row: Any) -> dict[str, Any]:
    """CustomerInformation of domain.md B.2; what is not known is left out."""
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
    return {name: value for name, value in shown.items() if value is not None}
