"""What a transfer to a member and a reclaim from one have in common."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import BALANCE, CREDIT, ZERO, Account
from billing.accounts.post_movement import OwnerAccounts, lock_accounts
from billing.copies import ASSOCIATED, Customer
from billing.enterprise.find_members import find_master, own_member
from billing.enterprise.models import (
    CreditEndedError,
    EnterpriseTransfer,
    TransferFailedError,
    TransferUnderWayError,
    TransIdUsedError,
)
from chassis.identity import Principal
from chassis.ids import new_id
from wire.types import Amount, Id, Instant, WireRequest

OF_BALANCE: Literal["BALANCE_TYPE_DEBIT"] = "BALANCE_TYPE_DEBIT"
BalanceType = Literal["BALANCE_TYPE_DEBIT", "BALANCE_TYPE_CREDIT"]


class MemberAmount(WireRequest):
    """The fields of both bodies; `expire_time` counts for credit alone."""

    customer_id: Id
    amount: Amount
    trans_id: str | None = Field(default=None, max_length=32)
    balance_type: BalanceType = OF_BALANCE
    expire_time: Instant | None = None

    @property
    def is_credit(self) -> bool:
        """Whether credit is meant, and not cash."""
        return self.balance_type != OF_BALANCE


@dataclass(frozen=True, slots=True)
class Parties:
    """Master and member, and their accounts, which are locked."""

    master: Customer
    member: Customer
    of_master: OwnerAccounts
    of_member: OwnerAccounts


async def begin_transfer(
    session: AsyncSession, principal: Principal, command: MemberAmount
) -> Parties:
    """Who they are; nobody else moves money between this master and a member meanwhile.

    Raises:
        WrongPrincipalError: no enterprise master.
        NotOwnMemberError
        TransferUnderWayError: of the same master.
        TransIdUsedError: by the same master, for whatever.
        TransferFailedError: one of both is no customer of the partner at present, or the
            currencies differ.

    """
    master = await find_master(session, principal)
    member = await own_member(session, master, command.customer_id)
    key = func.hashtextextended(f"billing.enterprise {master.customer_id}", 0)
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(key))):
        raise TransferUnderWayError
    used = (master.customer_id, command.trans_id)
    if command.trans_id and await session.get(EnterpriseTransfer, used) is not None:
        raise TransIdUsedError
    for one in (master, member):
        if one.association_status != ASSOCIATED:
            raise TransferFailedError(f"the customer is {one.association_status}")
    if master.currency != member.currency:
        raise TransferFailedError("more than one currency")
    locked = await lock_accounts(session, master.customer_id, member.customer_id)
    return Parties(master, member, locked[master.customer_id], locked[member.customer_id])


def keep_transfer(
    session: AsyncSession,
    parties: Parties,
    command: MemberAmount,
    movement_id: str,
    now: datetime,
    *,
    is_reclaim: bool,
) -> None:
    """Remember it by its number, which is made here where the caller gave none."""
    session.add(
        EnterpriseTransfer(
            master_id=parties.master.customer_id,
            trans_id=command.trans_id or new_id(),
            member_id=parties.member.customer_id,
            is_reclaim=is_reclaim,
            account_type=CREDIT if command.is_credit else BALANCE,
            expires_at=command.expire_time if command.is_credit else None,
            amount=command.amount,
            movement_id=movement_id,
            at=now,
            partner_id=parties.master.partner_id,
            distributor_id=parties.master.distributor_id,
        )
    )


def credit_of(accounts: OwnerAccounts, expires_at: datetime | None, now: datetime) -> Account:
    """The credit of exactly that end.

    Raises:
        CreditEndedError: there is no line with it, or the end has come.

    """
    found = accounts.credit_of(expires_at)
    if found is None or not found.has_line or (expires_at is not None and expires_at <= now):
        raise CreditEndedError
    return found


async def given_to_member(session: AsyncSession, master_id: str, member_id: str) -> Decimal:
    """The cash that this master has given the member and not taken back."""
    signed = case((EnterpriseTransfer.is_reclaim, -EnterpriseTransfer.amount),
                  else_=EnterpriseTransfer.amount)  # fmt: skip
    found = await session.scalar(
        select(func.sum(signed)).where(
            EnterpriseTransfer.member_id == member_id,
            EnterpriseTransfer.master_id == master_id,
            EnterpriseTransfer.account_type == BALANCE,
        )
    )
    return found or ZERO
