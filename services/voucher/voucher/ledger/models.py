"""The double-entry ledger of quotas, coupons and partner vouchers."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from voucher.models import Tables


class Movement(Tables):
    """An amount that went from one account to another: two postings, never more or fewer."""

    __tablename__ = "movements"
    __table_args__ = (Index("movements_of_coupon", "coupon_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    # One of: granted, adjusted, handed_out, reclaimed, issued, returned, redeemed, restored,
    # transferred, retrieved (both: `coupon_id` is the master's coupon); of partner
    # vouchers: granted, settled, restored, lapsed.
    kind: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    quota_id: Mapped[str | None]  # of quotas and coupons
    coupon_id: Mapped[str | None]
    order_id: Mapped[str | None]
    # Why a coupon returned it: an operation type of docs/domain/coupons.md B.7, 2 by hand …
    operation_type: Mapped[int | None]
    voucher_id: Mapped[str | None]  # a partner voucher
    settlement_id: Mapped[str | None]
    at: Mapped[datetime]


class Posting(Tables):
    """One side of a movement; positive into the account."""

    __tablename__ = "postings"
    __table_args__ = (
        Index("postings_of_account", "account_kind", "account_id"),
        Index("postings_of_movement", "movement_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    movement_id: Mapped[str] = mapped_column(ForeignKey("movements.id"))
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    account_kind: Mapped[
        str
    ]  # vendor | quota | coupon | card | redeemed | partner_voucher | settled
    account_id: Mapped[str]  # vendor, redeemed and settled: of the partner
    currency: Mapped[str]
    amount: Mapped[Decimal]
