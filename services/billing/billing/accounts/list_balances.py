"""Balances, as the partner and the customer may see them."""

from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import ARREARS, BALANCE, CREDIT, Account, AccountMissingError
from billing.copies import ASSOCIATED, Customer, Partner
from chassis.errors import BadFieldError
from chassis.identity import Principal
from chassis.tenancy import acted_for
from wire.types import WireQuery, WireRequest
from wire.vocabulary import RESALE_TYPES, YUAN

TRANSFERABLE = 8  # docs/domain/accounts.md B.10: virtual, what may be transferred now
CUSTOMERS_MAX = 1000


class ListPartnerBalances(WireQuery, operation="list_partner_balances"):
    """The query."""

    indirect_partner_id: str | None = None


class WantedCustomer(WireRequest):
    """One customer that is asked for."""

    customer_id: str


class ListCustomersBalances(WireRequest, operation="list_customers_balances_detail"):
    """The body."""

    customer_infos: list[WantedCustomer]
    indirect_partner_id: str | None = None


async def list_partner_balances(
    session: AsyncSession, principal: Principal, query: ListPartnerBalances, now: datetime
) -> dict[str, Any]:
    """The partner's accounts: balance, credit when it has a line, and what is transferable.

    Raises:
        WrongPrincipalError, NotOwnResellerError, AccountMissingError

    """
    partner_id = await acted_for(session, principal, query.indirect_partner_id, Partner)
    accounts = await _accounts_of(session, partner_id, now)
    rows = [_row(account) for account in _shown(accounts)]
    balance = next(account for account in accounts if account.account_type == BALANCE)
    rows.append({**_row(balance), "account_type": TRANSFERABLE, "amount": balance.transferable})
    return {"account_balances": rows}


async def show_customer_balances(
    session: AsyncSession, principal: Principal, now: datetime
) -> dict[str, Any]:
    """The customer's own accounts, and what it owes.

    Raises:
        WrongPrincipalError: the caller is no customer.
        AccountMissingError

    """
    accounts = await _accounts_of(session, principal.id, now)
    arrears = next(account for account in accounts if account.account_type == ARREARS)
    return {
        "account_balances": [_row(account) for account in _shown(accounts)],
        "debt_amount": -arrears.balance,
        "measure_id": YUAN,
        "currency": arrears.currency,
    }


async def list_customers_balances(
    session: AsyncSession, principal: Principal, wanted: ListCustomersBalances, now: datetime
) -> dict[str, Any]:
    """What the named resale customers may spend and owe; others are silently left out.

    Raises:
        WrongPrincipalError, NotOwnResellerError, BadFieldError

    """
    if len(wanted.customer_infos) > CUSTOMERS_MAX:
        raise BadFieldError("customer_infos", f"more than {CUSTOMERS_MAX}")
    partner_id = await acted_for(session, principal, wanted.indirect_partner_id, Partner)
    ids = list(dict.fromkeys(info.customer_id for info in wanted.customer_infos))
    spendable = Account.balance - Account.held
    of_type = Account.account_type
    found = await session.execute(
        select(
            Customer.customer_id,
            func.sum(case((of_type.in_((BALANCE, CREDIT)), spendable), else_=0)).label("amount"),
            func.sum(case((of_type == ARREARS, -Account.balance), else_=0)).label("debt_amount"),
            Customer.currency,
        )
        .join(Account, Account.owner_id == Customer.customer_id)
        .where(
            Customer.customer_id.in_(ids),
            Customer.partner_id == partner_id,
            Customer.association_type.in_(RESALE_TYPES),
            Customer.association_status == ASSOCIATED,
            Account.lasts(now),
        )
        .group_by(Customer.customer_id, Customer.currency)
    )
    rows = {row["customer_id"]: {**row, "measure_id": YUAN} for row in found.mappings()}
    return {"customer_balances": [rows[customer_id] for customer_id in ids if customer_id in rows]}


async def _accounts_of(session: AsyncSession, owner_id: str, now: datetime) -> list[Account]:
    found = await session.scalars(
        select(Account)
        .where(Account.owner_id == owner_id, Account.lasts(now))
        .order_by(Account.account_type, Account.expires_at)
    )
    accounts = list(found)
    if not accounts:
        raise AccountMissingError(owner_id)
    return accounts


def _shown(accounts: list[Account]) -> list[Account]:
    """Credit shows once there is a line; contra accounts are nobody's business."""
    return [
        account
        for account in accounts
        if not account.is_contra and (account.account_type != CREDIT or account.has_line)
    ]


def _row(account: Account) -> dict[str, Any]:
    row = {
        "account_id": account.account_id,
        "account_type": account.account_type,
        "amount": account.available,
        "currency": account.currency,
        "designated_amount": account.designated_amount,
        "measure_id": YUAN,
    }
    if account.account_type == CREDIT:
        row["credit_amount"] = account.credit_amount
    return row
