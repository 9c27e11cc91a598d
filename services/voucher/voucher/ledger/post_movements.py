"""Double entry: an amount leaves one account and enters another, by a pair of postings.

Granted: vendor → quota. Issued: quota → coupon. Returned: coupon → quota. Redeemed: coupon →
redeemed. The vendor's account is what was granted, below zero.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from voucher.coupons.models import Coupon
from voucher.ledger.models import Movement, Posting
from voucher.quotas.models import Quota

Account = tuple[str, str]  # kind, id


def post_grant(session: AsyncSession, quota: Quota, now: datetime) -> None:
    """The quota's whole value comes from the vendor."""
    accounts = ("vendor", quota.partner_id), ("quota", quota.id)
    _post(session, "granted", quota, accounts, quota.quota_value, now)


def post_issue(session: AsyncSession, quota: Quota, coupon: Coupon, now: datetime) -> None:
    """The face value goes from the quota to the coupon."""
    accounts = ("quota", quota.id), ("coupon", coupon.id)
    _post(session, "issued", coupon, accounts, coupon.face_value, now)


def post_return(session: AsyncSession, coupon: Coupon, amount: Decimal, now: datetime) -> None:
    """What was left of the coupon goes back to its quota."""
    accounts = ("coupon", coupon.id), ("quota", coupon.quota_id)
    _post(session, "returned", coupon, accounts, amount, now)


def post_redemption(
    session: AsyncSession, coupon: Coupon, order_id: str, amount: Decimal, at: datetime
) -> None:
    """The coupon paid for an order."""
    accounts = ("coupon", coupon.id), ("redeemed", coupon.partner_id)
    _post(session, "redeemed", coupon, accounts, amount, at, order_id)


def _post(
    session: AsyncSession,
    kind: str,
    about: Quota | Coupon,
    accounts: tuple[Account, Account],
    amount: Decimal,
    at: datetime,
    order_id: str | None = None,
) -> None:
    movement_id = new_id()
    coupon = about if isinstance(about, Coupon) else None
    owner = {"partner_id": about.partner_id, "distributor_id": about.distributor_id}
    session.add(
        Movement(
            id=movement_id,
            kind=kind,
            quota_id=coupon.quota_id if coupon else about.id,
            coupon_id=coupon.id if coupon else None,
            order_id=order_id,
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
                currency=about.currency,
                amount=signed,
                **owner,
            )
        )
