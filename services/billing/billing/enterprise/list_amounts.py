"""What a master may give its members, and take back from one."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import BALANCE, CREDIT, ZERO, Account, AccountMissingError
from billing.enterprise.begin_transfer import OF_BALANCE, given_to_member
from billing.enterprise.find_members import find_master, own_member
from chassis.identity import Principal
from wire.json import known
from wire.types import WireQuery
from wire.vocabulary import YUAN


class ShowTransferable(WireQuery, operation="show_multi_account_transfer_amount"):
    """The query; offset and limit count for credit alone."""

    balance_type: str
    offset: int = 0
    limit: int = 10


class ListReclaimable(WireQuery, operation="list_enterprise_multi_account"):
    """The query; offset and limit count for credit alone."""

    sub_customer_id: str
    balance_type: str
    offset: int = 0
    limit: int = 10


async def show_transferable(
    session: AsyncSession, principal: Principal, query: ShowTransferable, now: datetime
) -> dict[str, Any]:
    """The master's own: its cash that is not earmarked, or each credit of its own end.

    Raises:
        WrongPrincipalError: no enterprise master.
        AccountMissingError

    """
    master = await find_master(session, principal)
    name = "avail_transfer_amount"
    if query.balance_type == OF_BALANCE:
        balance = await _balance(session, master.customer_id)
        return _one({name: balance.transferable}, balance)
    credits = await _credits(session, master.customer_id, now)
    return _page(credits, query.offset, query.limit, lambda one: {name: one.available})


async def list_reclaimable(
    session: AsyncSession, principal: Principal, query: ListReclaimable, now: datetime
) -> dict[str, Any]:
    """Of a member: what is left of the cash it was given, or the whole line of each credit.

    Raises:
        WrongPrincipalError: no enterprise master.
        NotOwnMemberError, AccountMissingError

    """
    master = await find_master(session, principal)
    member = await own_member(session, master, query.sub_customer_id)
    name = "avail_retrieve_amount"
    if query.balance_type == OF_BALANCE:
        balance = await _balance(session, member.customer_id)
        given = await given_to_member(session, master.customer_id, member.customer_id)
        return _one({name: max(min(balance.available, given), ZERO)}, balance)
    credits = await _credits(session, member.customer_id, now)
    return _page(credits, query.offset, query.limit, lambda one: {name: _line(one) - one.held})


def _line(credit: Account) -> Decimal:
    return credit.credit_amount or ZERO


async def _balance(session: AsyncSession, owner_id: str) -> Account:
    found = await session.scalar(
        select(Account).where(Account.owner_id == owner_id, Account.account_type == BALANCE)
    )
    if found is None:
        raise AccountMissingError(owner_id)
    return found


async def _credits(session: AsyncSession, owner_id: str, now: datetime) -> list[Account]:
    """What has a line and has not ended: what ends first stands first, without end last."""
    found = await session.scalars(
        select(Account)
        .where(
            Account.owner_id == owner_id,
            Account.account_type == CREDIT,
            Account.lasts(now),
            Account.credit_amount > 0,
        )
        .order_by(Account.expires_at.asc().nulls_last())
    )
    return list(found)


def _one(amount: dict[str, Decimal], balance: Account) -> dict[str, Any]:
    info = {**amount, "measure_id": YUAN, "currency": balance.currency}
    return {"total_count": 1, "amount_infos": [info]}


def _page(
    credits: list[Account], offset: int, limit: int, amount: Callable[[Account], dict[str, Any]]
) -> dict[str, Any]:
    infos = [
        known(
            {
                **amount(one),
                "measure_id": YUAN,
                "currency": one.currency,
                "amount": one.available,
                "credit_amount": one.credit_amount,
                "expire_time": one.expires_at,
            }
        )
        for one in credits[offset : offset + limit]
    ]
    return {"total_count": len(credits), "amount_infos": infos}
