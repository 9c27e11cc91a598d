"""list_enterprise_sub_customers: a master's members, those that left included."""

from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError
from chassis.identity import Principal
from customer_sync.customers.models import PENDING, Customer
from customer_sync.enterprise.find_master import find_master
from customer_sync.enterprise.models import CREATING, NORMAL, Member, Organization
from wire.types import WireQuery

_STATUS = case(
    ((Member.status == NORMAL) & (Customer.association_status == PENDING), CREATING),
    else_=Member.status,
)


class ListEnterpriseSubCustomers(WireQuery, operation="list_enterprise_sub_customers"):
    """The filters, all of which must hold; an empty text is one of its own."""

    sub_customer_account_name: str | None = None
    sub_customer_display_name: str | None = None
    fuzzy_query: int = 0
    org_id: str | None = None
    offset: int = 0
    limit: int = 10


async def list_enterprise_sub_customers(
    session: AsyncSession, principal: Principal, wanted: ListEnterpriseSubCustomers
) -> tuple[list[dict[str, Any]], int]:
    """One page, oldest first, and the number of all that match.

    Raises:
        WrongPrincipalError: no enterprise master.
        BadFieldError: a name holds a blank.

    """
    master = await find_master(session, principal)
    conditions = [Member.master_id == master.id, *_conditions(wanted)]
    members = select(
        Member.customer_id,
        Customer.account_name,
        Member.display_name,
        _STATUS,
        Member.organization_id,
        Organization.name,
    )
    joined = members.join(Customer, Customer.id == Member.customer_id).join(
        Organization, Organization.id == Member.organization_id
    )
    matching = joined.where(*conditions)
    counted = select(func.count()).select_from(matching.subquery())
    page = matching.order_by(Member.customer_id).limit(wanted.limit).offset(wanted.offset)
    rows = await session.execute(page)
    return [_information(*row) for row in rows], await session.scalar(counted) or 0


def _conditions(wanted: ListEnterpriseSubCustomers) -> list[ColumnElement[bool]]:
    """Both are folded; for what a member is called its case counts, as for a label."""
    found: list[ColumnElement[bool]] = []
    by_name, by_display = wanted.sub_customer_account_name, wanted.sub_customer_display_name
    for field, text in (
        ("sub_customer_account_name", by_name),
        ("sub_customer_display_name", by_display),
    ):
        if text is not None and any(character.isspace() for character in text):
            raise BadFieldError(field, "no blanks")
    if by_name is not None:
        named = func.fold_name(Customer.account_name)
        found.append(_matches(named, func.fold_name(by_name), fuzzy=wanted.fuzzy_query == 1))
    if by_display is not None:
        called = func.fold_forms(Member.display_name)
        found.append(_matches(called, func.fold_forms(by_display), fuzzy=wanted.fuzzy_query == 1))
    if wanted.org_id is not None:
        found.append(Member.organization_id == wanted.org_id)
    return found


def _matches(column: Any, text: Any, *, fuzzy: bool) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = func.strpos(column, text) > 0 if fuzzy else column == text
    return condition


def _information(
    customer_id: str,
    account_name: str,
    display_name: str,
    status: int,
    organization_id: str,
    organization_name: str | None,
) -> dict[str, Any]:
    """SubCustomerInfoV2; a root without a name is not named."""
    shown: dict[str, Any] = {
        "id": customer_id,
        "name": account_name,
        "display_name": display_name,
        "status": status,
        "org_id": organization_id,
    }
    return shown if organization_name is None else {**shown, "org_name": organization_name}
