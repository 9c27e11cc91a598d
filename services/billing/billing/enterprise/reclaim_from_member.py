"""An enterprise master takes back what it gave a member (企业主账号从子账号回收拨款)."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import open_dated_credit
from billing.accounts.facts import arrears_opened
from billing.accounts.models import ZERO, BalanceInsufficientError
from billing.accounts.post_movement import ADJUST, ADJUST_CREDIT, Cause, post_movement
from billing.accounts.write_off_arrears import write_off_arrears
from billing.enterprise.begin_transfer import (
    MemberAmount,
    Parties,
    begin_transfer,
    credit_of,
    given_to_member,
    keep_transfer,
)
from billing.enterprise.owe_credit import owe_credit
from chassis import audit, outbox
from chassis.identity import Principal


class ReclaimFromMember(MemberAmount, operation="reclaim_sub_enterprise_amount"):
    """The body of reclaim_sub_enterprise_amount."""


async def reclaim_from_member(
    session: AsyncSession, principal: Principal, command: ReclaimFromMember, now: datetime
) -> None:
    """Move it back: of cash what is left of what was given, of credit the whole line.

    Credit that the member has spent comes back as well; it then owes what that had paid.

    Raises:
        BalanceInsufficientError: the member has less cash, was given less, or has a smaller line.
        CreditEndedError: the member has no credit of that end.
        WrongPrincipalError, NotOwnMemberError, TransferUnderWayError, TransIdUsedError,
        TransferFailedError

    """
    parties = await begin_transfer(session, principal, command)
    member_id = parties.member.customer_id
    if command.is_credit:
        movement_id = await _reclaim_credit(session, parties, command, now)
    else:
        amount, giver = command.amount, parties.of_member.balance
        if amount > giver.available:
            raise BalanceInsufficientError("too little on the member's balance")
        if amount > await given_to_member(session, parties.master.customer_id, member_id):
            raise BalanceInsufficientError("the master gave the member less")
        cause = Cause(ADJUST, now, customer_id=member_id)
        sides = (giver, -amount), (parties.of_master.balance, amount)
        movement_id = post_movement(session, cause, *sides).movement_id
        await write_off_arrears(session, parties.of_master, now)
    keep_transfer(session, parties, command, movement_id, now, is_reclaim=True)
    told = {"amount": str(command.amount), "balance_type": command.balance_type}
    audit.record(session, principal, "funds.reclaim", member_id, now, **told)


async def _reclaim_credit(
    session: AsyncSession, parties: Parties, command: ReclaimFromMember, now: datetime
) -> str:
    amount = command.amount
    giver = credit_of(parties.of_member, command.expire_time, now)
    line = giver.credit_amount or ZERO
    if amount > line - giver.held:
        raise BalanceInsufficientError("too little on the member's credit line")
    taker = open_dated_credit(parties.of_master, command.expire_time)
    session.add(taker)
    left = min(amount, giver.available)
    owed = amount - left
    giver.credit_amount = line - amount
    taker.credit_amount = (taker.credit_amount or ZERO) + amount
    cause = Cause(ADJUST_CREDIT, now, customer_id=parties.member.customer_id)
    movement = post_movement(
        session,
        cause,
        (taker, amount),
        (parties.of_master.credit_line, -amount),
        (giver, -left),
        (parties.of_member.credit_line, amount),
        (parties.of_member.arrears, -owed),
    )
    if owed:
        await _owe(session, parties, giver.account_id, owed, now)
    return movement.movement_id


async def _owe(
    session: AsyncSession, parties: Parties, account_id: str, owed: Decimal, now: datetime
) -> None:
    """The lines that the credit had paid are owed; what cash there is pays them at once."""
    member = parties.of_member
    is_endless = account_id == member.credit.account_id
    await owe_credit(session, member.owner_id, None if is_endless else account_id, owed, now)
    outbox.publish(session, arrears_opened(member.arrears, now))
    await write_off_arrears(session, member, now)
