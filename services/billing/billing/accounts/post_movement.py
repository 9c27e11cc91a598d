"""The ledger: balanced movements between locked accounts, each stated as an event."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.facts import funds_moved
from billing.accounts.models import (
    ARREARS,
    BALANCE,
    CHARGES,
    CREDIT,
    CREDIT_LINE,
    FUNDING,
    ZERO,
    Account,
    AccountMissingError,
    BalanceInsufficientError,
    Movement,
    Posting,
)
from chassis import outbox
from chassis.ids import new_id

# Why money moves: trade_detail_type, in the vendor's spelling (docs/domain/accounts.md B.10).
RECHARGE = "SOURCE_OPERAIION_RECHARGE"
ADJUST_CREDIT = "SOURCE_OPERAIION_ADJUST_CREDIT"
TRANSFER = "SOURCE_OPERATION_BEADJUST"
RECLAIM = "SOURCE_OPERATION_BERETRIEVE"
UNLINK = "SOURCE_OPERATION_BEUNBIND"
DEDUCT = "SOURCE_OPERAIION_DEDEUCT"
UNSUBSCRIBE = "SOURCE_OPERAIION_UNSUBSCRIBE"
USAGE = "SOURCE_OPERAIION_USAGE"
WRITE_OFF = "SOURCE_OPERAIION_WRITEOFF"
PRECISION_TOP_UP = "SOURCE_OPERAIION_PRECISIONCOMP"
EXPIRE = "SOURCE_OPERAIION_EXPIRECLEAR"
ADJUST = "SOURCE_OPERAIION_ADJUST"
# Ours: what an attempt sets aside moves no money, but changes what may be spent.
HOLD, RELEASE = "HOLD", "RELEASE"
RESTATED = "RESTATED"  # ours: nothing moved, the account is stated again

LOCK_TRIES_MAX = 4
DEADLOCK = "40P01"  # PostgreSQL's code


@dataclass(frozen=True, slots=True)
class Cause:
    """Why and for whom money moves; what a movement and its events say of themselves."""

    reason: str
    now: datetime
    customer_id: str | None = None
    order_id: str | None = None
    memo: str | None = None
    movement_id: str | None = None  # an attempt's holds carry the attempt's id
    # Of a charge for usage: its line's.
    bill_cycle: str | None = None
    consume_time: datetime | None = None
    service_type_name: str | None = None


class OwnerAccounts:
    """The locked accounts of one owner, by type; credit that ends on a date apart."""

    def __init__(self, owner_id: str, accounts: Collection[Account]):
        self.owner_id = owner_id
        endless = [account for account in accounts if account.expires_at is None]
        self._by_type = {account.account_type: account for account in endless}
        by_end = [(account.expires_at, account) for account in accounts if account.expires_at]
        self.dated = [account for _, account in sorted(by_end, key=itemgetter(0))]

    def of_type(self, account_type: int) -> Account:
        """The account; AccountMissingError when the owner has none of that type."""
        found = self._by_type.get(account_type)
        if found is None:
            raise AccountMissingError(f"type {account_type}")
        return found

    @property
    def balance(self) -> Account:
        """Cash (余额)."""
        return self.of_type(BALANCE)

    @property
    def credit(self) -> Account:
        """What is left of the credit line without end (信用)."""
        return self.of_type(CREDIT)

    def credits(self, now: datetime) -> list[Account]:
        """All credit that may be spent now: what ends first stands first."""
        lasting = [one for one in self.dated if one.expires_at and one.expires_at > now]
        return [*lasting, self.credit]

    def credit_of(self, expires_at: datetime | None) -> Account | None:
        """The credit of that end, to the second."""
        if expires_at is None:
            return self.credit
        return next((one for one in self.dated if one.expires_at == expires_at), None)

    @property
    def charges(self) -> Account:
        """Contra: what was charged."""
        return self.of_type(CHARGES)

    @property
    def funding(self) -> Account:
        """Contra: where recharges come from."""
        return self.of_type(FUNDING)

    @property
    def credit_line(self) -> Account:
        """Contra: where credit comes from."""
        return self.of_type(CREDIT_LINE)

    @property
    def arrears(self) -> Account:
        """Contra: negative by what the owner owes."""
        return self.of_type(ARREARS)


async def lock_accounts(session: AsyncSession, *owner_ids: str) -> Mapping[str, OwnerAccounts]:
    """Lock all accounts of the owners, in the order of their ids.

    A batch of events locks one owner after another and so may still meet us crosswise: whom the
    database then picks lets go and asks again.

    Raises:
        AccountMissingError: an owner has none, or they are not the caller's to see.

    """
    accounts = await _locked(session, owner_ids)
    owners = {}
    for owner_id in owner_ids:
        own = [account for account in accounts if account.owner_id == owner_id]
        if not own:
            raise AccountMissingError(owner_id)
        owners[owner_id] = OwnerAccounts(owner_id, own)
    return owners


_LOCKED = (  # made once: building it costs as much as carrying it out
    select(Account)
    .where(Account.owner_id.in_(bindparam("owners", expanding=True)))
    .order_by(Account.account_id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


async def _locked(session: AsyncSession, owner_ids: Collection[str]) -> Sequence[Account]:
    for tries_left in reversed(range(LOCK_TRIES_MAX)):
        try:
            async with session.begin_nested():
                return (await session.scalars(_LOCKED, {"owners": list(owner_ids)})).all()
        except DBAPIError as error:
            if tries_left == 0 or getattr(error.orig, "sqlstate", None) != DEADLOCK:
                raise
    raise AssertionError("unreachable")


def refuse_beyond_transferable(giver: Account, amount: Decimal) -> None:
    """A partner's transfer leaves the earmarked part (docs/domain/worked-examples.md F.12).

    Raises:
        BalanceInsufficientError: the balance has less, or less that is not earmarked.

    """
    if amount > giver.available:
        raise BalanceInsufficientError(giver.has_less)
    if amount > giver.transferable:
        raise BalanceInsufficientError("the earmarked part of the balance stays")


def post_movement(session: AsyncSession, cause: Cause, *sides: tuple[Account, Decimal]) -> Movement:
    """Move money between locked accounts; sides of 0 are left out.

    The sides must add up to 0 (the database refuses the commit otherwise) and share a currency.

    Raises:
        BalanceInsufficientError: an account would give more than it has to spend.

    """
    sides = tuple((account, amount) for account, amount in sides if amount)
    first = sides[0][0]
    if any(account.currency != first.currency for account, _ in sides):
        raise ValueError("a movement has one currency")
    movement = Movement(
        movement_id=cause.movement_id or new_id(),
        at=cause.now,
        reason=cause.reason,
        partner_id=first.partner_id,
        distributor_id=first.distributor_id,
        customer_id=cause.customer_id,
        order_id=cause.order_id,
        site=first.site,
        currency=first.currency,
        amount=_moved(sides),
        memo=cause.memo,
        bill_cycle=cause.bill_cycle,
        consume_time=cause.consume_time,
        service_type_name=cause.service_type_name,
    )
    session.add(movement)
    for account, amount in sides:
        account.post(amount)
        session.add(_posting(movement, account, amount))
    for account, amount in sides:
        state_funds(session, account, amount, movement.movement_id, cause, _facing(account, sides))
    return movement


def _moved(sides: Collection[tuple[Account, Decimal]]) -> Decimal:
    """What came to owners' accounts; where nothing did, what came to contra accounts."""
    came = [(account, amount) for account, amount in sides if amount > 0]
    owners = sum((amount for account, amount in came if not account.is_contra), ZERO)
    return owners or sum((amount for _, amount in came), ZERO)


def _posting(movement: Movement, account: Account, amount: Decimal) -> Posting:
    return Posting(
        movement_id=movement.movement_id,
        account_id=account.account_id,
        partner_id=account.partner_id,
        distributor_id=account.distributor_id,
        amount=amount,
        balance_after=account.balance,
    )


def _facing(account: Account, sides: Collection[tuple[Account, Decimal]]) -> str | None:
    """The other owner of a movement, if there is one."""
    others = (other.owner_id for other, _ in sides if other.owner_id != account.owner_id)
    return next(others, None)


def state_funds(
    session: AsyncSession,
    account: Account,
    amount: Decimal,
    movement_id: str,
    cause: Cause,
    counterparty_id: str | None = None,
) -> None:
    """State the account after a change of balance or hold; contra accounts are nobody's news."""
    if account.is_contra:
        return
    fact = funds_moved(
        account, amount, cause.now, movement_id, cause.reason, cause.order_id, counterparty_id
    )
    outbox.publish(session, fact)
