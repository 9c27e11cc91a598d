"""An enterprise master gives cash or credit to an independent member (企业主账号向子账号拨款)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import open_dated_credit
from billing.accounts.models import ZERO
from billing.accounts.post_movement import (
    ADJUST,
    ADJUST_CREDIT,
    Cause,
    post_movement,
    refuse_beyond_transferable,
)
from billing.accounts.write_off_arrears import write_off_arrears
from billing.enterprise.begin_transfer import (
    MemberAmount,
    Parties,
    begin_transfer,
    credit_of,
    keep_transfer,
)
from billing.enterprise.models import CheckFailedError
from chassis import audit
from chassis.identity import Principal


class TransferToMember(MemberAmount, operation="update_sub_enterprise_amount"):
    """The body of update_sub_enterprise_amount."""


async def transfer_to_member(
    session: AsyncSession, principal: Principal, command: TransferToMember, now: datetime
) -> None:
    """Move it. Cash pays first what the member owes; credit is credit of the same end there.

    Credit goes with its line: the master's is less by as much as the member's is more.

    Raises:
        CheckFailedError: the member is in custody, or the master owes.
        CreditEndedError: the master has no credit of that end.
        BalanceInsufficientError: it has less.
        WrongPrincipalError, NotOwnMemberError, TransferUnderWayError, TransIdUsedError,
        TransferFailedError

    """
    parties = await begin_transfer(session, principal, command)
    if parties.member.financial_custody:
        raise CheckFailedError("FINANCIAL_CUSTODY: its master pays for it")
    if parties.of_master.arrears.balance < 0:
        raise CheckFailedError("IS_DEBT: the master owes")
    member_id = parties.member.customer_id
    if command.is_credit:
        movement_id = _move_credit(session, parties, command, now)
    else:
        giver = parties.of_master.balance
        refuse_beyond_transferable(giver, command.amount)
        cause = Cause(ADJUST, now, customer_id=member_id)
        sides = (giver, -command.amount), (parties.of_member.balance, command.amount)
        movement_id = post_movement(session, cause, *sides).movement_id
        await write_off_arrears(session, parties.of_member, now)
    keep_transfer(session, parties, command, movement_id, now, is_reclaim=False)
    told = {"amount": str(command.amount), "balance_type": command.balance_type}
    audit.record(session, principal, "funds.transfer", member_id, now, **told)


def _move_credit(
    session: AsyncSession, parties: Parties, command: TransferToMember, now: datetime
) -> str:
    amount = command.amount
    giver = credit_of(parties.of_master, command.expire_time, now)
    taker = open_dated_credit(parties.of_member, command.expire_time)
    session.add(taker)
    cause = Cause(ADJUST_CREDIT, now, customer_id=parties.member.customer_id)
    giver.credit_amount = (giver.credit_amount or ZERO) - amount
    taker.credit_amount = (taker.credit_amount or ZERO) + amount
    movement = post_movement(
        session,
        cause,
        (giver, -amount),
        (parties.of_master.credit_line, amount),
        (parties.of_member.credit_line, -amount),
        (taker, amount),
    )
    return movement.movement_id
