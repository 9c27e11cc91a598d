"""Double entry of partner vouchers, beside that of quotas and coupons.

Granted: vendor → voucher. Settled: voucher → settled. Restored: settled → voucher. Lapsed:
voucher → vendor, for what comes back to a voucher whose time is over.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from voucher.ledger.models import Movement, Posting

VENDOR, VOUCHER, SETTLED = "vendor", "partner_voucher", "settled"


@dataclass(frozen=True, slots=True)
class PostedVoucher:
    """The voucher that a movement is about, whose it is, and its currency."""

    voucher_id: str
    partner_id: str
    distributor_id: str | None
    currency: str


def post_voucher_grant(
    session: AsyncSession, of: PostedVoucher, amount: Decimal, now: datetime
) -> None:
    """The voucher's whole amount comes from the vendor."""
    _post(session, "granted", of, (VENDOR, VOUCHER), amount, now, None)


def post_voucher_use(
    session: AsyncSession, of: PostedVoucher, amount: Decimal, now: datetime, settlement_id: str
) -> None:
    """The voucher paid for a line of the partner's bill."""
    _post(session, "settled", of, (VOUCHER, SETTLED), amount, now, settlement_id)


def post_voucher_restoration(
    session: AsyncSession,
    of: PostedVoucher,
    amount: Decimal,
    now: datetime,
    settlement_id: str,
    *,
    lapsed: bool,
) -> None:
    """A refund gives back what the voucher paid; through it to the vendor when it has ended."""
    _post(session, "restored", of, (SETTLED, VOUCHER), amount, now, settlement_id)
    if lapsed:
        _post(session, "lapsed", of, (VOUCHER, VENDOR), amount, now, settlement_id)


def _post(
    session: AsyncSession,
    kind: str,
    of: PostedVoucher,
    accounts: tuple[str, str],
    amount: Decimal,
    at: datetime,
    settlement_id: str | None,
) -> None:
    owner = {"partner_id": of.partner_id, "distributor_id": of.distributor_id}
    movement = Movement(
        id=new_id(), kind=kind, voucher_id=of.voucher_id, settlement_id=settlement_id, at=at,
        **owner,
    )  # fmt: skip
    session.add(movement)
    for account, signed in zip(accounts, (-amount, amount), strict=True):
        session.add(
            Posting(
                movement_id=movement.id,
                account_kind=account,
                account_id=of.voucher_id if account == VOUCHER else of.partner_id,
                currency=of.currency,
                amount=signed,
                **owner,
            )
        )
