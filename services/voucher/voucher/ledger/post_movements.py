"""Double entry: an amount leaves one account and enters another, by a pair of postings.

Granted: vendor → quota. Adjusted: the same, or back; of a reseller's quota, between its parent and
it. Handed out: parent → child. Reclaimed: child → parent. Issued: quota → coupon. Returned: coupon
→ quota. Redeemed: coupon → redeemed. Restored: redeemed → coupon. Transferred: coupon →
sub-coupon. Retrieved: sub-coupon → coupon. The vendor's account is what was granted, below zero. A
coupon of the vendor's own comes from the vendor's account, and goes back to it (decision 0119); so
does a stored value card, whose account is of a kind of its own.

Issues and redemptions, which are most of them, are written by one statement each:
`coupons.write_issue`, `ledger.post_redemptions`.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from voucher.ledger.models import Movement, Posting

Account = tuple[str, str]  # kind, id


@dataclass(frozen=True, slots=True)
class PostedFor:
    """The quota that a movement is about, whose it is, and its currency.

    No quota: a coupon of the vendor's own, or a stored value card.
    """

    quota_id: str | None
    partner_id: str
    distributor_id: str | None
    currency: str
    holder: str = "coupon"  # or "card": the kind of the account that holds what was issued

    @property
    def pool(self) -> Account:
        """Where it comes from and goes back to."""
        if self.quota_id is None:
            return "vendor", self.partner_id
        return "quota", self.quota_id


def post_grant(session: AsyncSession, of: PostedFor, amount: Decimal, now: datetime) -> None:
    """The quota's whole value comes from the vendor."""
    accounts = ("vendor", of.partner_id), of.pool
    _post(session, "granted", of, accounts, amount, now)


def post_adjustment(
    session: AsyncSession, of: PostedFor, parent_id: str | None, amount: Decimal, now: datetime
) -> None:
    """The value grows out of its source by the amount, or shrinks into it where it is negative."""
    source = ("vendor", of.partner_id) if parent_id is None else ("quota", parent_id)
    accounts = source, of.pool
    _post(session, "adjusted", of, accounts, amount, now)


def post_hand_out(
    session: AsyncSession, of: PostedFor, parent_id: str, amount: Decimal, now: datetime
) -> None:
    """The child's whole value comes from its parent."""
    accounts = ("quota", parent_id), of.pool
    _post(session, "handed_out", of, accounts, amount, now)


def post_reclaim(
    session: AsyncSession, of: PostedFor, parent_id: str, amount: Decimal, now: datetime
) -> None:
    """What the child had, or what comes back to it later, goes to its parent."""
    accounts = of.pool, ("quota", parent_id)
    _post(session, "reclaimed", of, accounts, amount, now)


def post_issue(
    session: AsyncSession, of: PostedFor, coupon_id: str, amount: Decimal, now: datetime
) -> None:
    """The face value goes from the quota, or the vendor, to the coupon."""
    accounts = of.pool, (of.holder, coupon_id)
    _post(session, "issued", of, accounts, amount, now, coupon_id)


def post_return(
    session: AsyncSession,
    of: PostedFor,
    coupon_id: str,
    amount: Decimal,
    operation_type: int,
    now: datetime,
) -> None:
    """What was left of the coupon goes back where it came from; the type says why."""
    accounts = (of.holder, coupon_id), of.pool
    _post(session, "returned", of, accounts, amount, now, coupon_id, operation_type=operation_type)


def post_restoration(
    session: AsyncSession,
    of: PostedFor,
    coupon_id: str,
    order_id: str,
    amount: Decimal,
    at: datetime,
) -> None:
    """A refund gives the coupon back what it paid."""
    accounts = ("redeemed", of.partner_id), (of.holder, coupon_id)
    _post(session, "restored", of, accounts, amount, at, coupon_id, order_id)


def post_transfer(
    session: AsyncSession, of: PostedFor, main_id: str, sub_id: str, amount: Decimal, now: datetime
) -> None:
    """A part of an enterprise master's coupon goes to a member's sub-coupon."""
    accounts = (of.holder, main_id), (of.holder, sub_id)
    _post(session, "transferred", of, accounts, amount, now, main_id)


def post_retrieval(
    session: AsyncSession, of: PostedFor, main_id: str, sub_id: str, amount: Decimal, now: datetime
) -> None:
    """What is left of the sub-coupon goes back to the coupon."""
    accounts = (of.holder, sub_id), (of.holder, main_id)
    _post(session, "retrieved", of, accounts, amount, now, main_id)


def _post(
    session: AsyncSession,
    kind: str,
    of: PostedFor,
    accounts: tuple[Account, Account],
    amount: Decimal,
    at: datetime,
    coupon_id: str | None = None,
    order_id: str | None = None,
    operation_type: int | None = None,
) -> None:
    movement_id = new_id()
    owner = {"partner_id": of.partner_id, "distributor_id": of.distributor_id}
    session.add(
        Movement(
            id=movement_id,
            kind=kind,
            quota_id=of.quota_id,
            coupon_id=coupon_id,
            order_id=order_id,
            operation_type=operation_type,
            at=at,
            **owner,
        )
    )
    for (account_kind, account_id), signed in zip(accounts, (-amount, amount), strict=True):
        session.add(
            Posting(
                movement_id=movement_id,
                account_kind=account_kind,
                account_id=account_id,
                currency=of.currency,
                amount=signed,
                **owner,
            )
        )
