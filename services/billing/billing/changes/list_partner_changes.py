"""A partner's income and expense (list_partner_account_change_records)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.post_movement import RECLAIM, TRANSFER, UNLINK
from billing.changes.find_changes import Wanted, change, find_changes
from billing.copies import Customer, Partner
from chassis.identity import Principal
from chassis.tenancy import acted_for
from wire.json import known
from wire.types import BeijingDate, WireQuery

INCOME, EXPENSE = "1", "2"
WITH_CUSTOMER = frozenset({TRANSFER, RECLAIM, UNLINK})  # docs/domain/accounts.md I.3


class ListPartnerChanges(WireQuery, operation="list_partner_account_change_records"):
    """The query; days are Beijing's, the last year up to today where they are not given."""

    balance_type: str
    trade_type: str | None = None
    trade_time_begin: BeijingDate | None = None
    trade_time_end: BeijingDate | None = None
    indirect_partner_id: str | None = None
    limit: int = 10
    offset: int = 0


async def list_partner_changes(
    session: AsyncSession, principal: Principal, query: ListPartnerChanges, now: datetime
) -> dict[str, Any]:
    """The newest first; who the other side is, where a customer or a reseller is one.

    Raises:
        NotOwnResellerError, AccountMissingError, BadFieldError

    """
    partner_id = await acted_for(session, principal, query.indirect_partner_id, Partner)
    wanted = Wanted(
        query.balance_type,
        query.trade_type,
        query.trade_time_begin,
        query.trade_time_end,
        query.limit,
        query.offset,
    )
    found = await find_changes(session, partner_id, wanted, now)
    named = {row.customer_id for row in found.rows if row.reason in WITH_CUSTOMER}
    names = await _login_names(session, named - {None})
    return {
        "total_count": found.total,
        "currency": found.currency,
        "records": [_record(row, names) for row in found.rows],
    }


async def _login_names(session: AsyncSession, ids: set[str]) -> dict[str, str]:
    """Of customers and resellers."""
    if not ids:
        return {}
    customers = await session.execute(
        select(Customer.customer_id, Customer.account_name).where(Customer.customer_id.in_(ids))
    )
    resellers = await session.execute(
        select(Partner.partner_id, Partner.account_name).where(Partner.partner_id.in_(ids))
    )
    return {whose: name for whose, name in (*customers, *resellers) if name is not None}


def _record(row: Row[Any], names: Mapping[str, str]) -> dict[str, Any]:
    """As the SDK's AccountChangeRecord."""
    record = {**change(row), "type": INCOME if row.amount > 0 else EXPENSE}
    if row.reason in WITH_CUSTOMER:
        record["customer_id"] = row.customer_id
        record["account_name"] = names.get(row.customer_id)
    return known(record)
