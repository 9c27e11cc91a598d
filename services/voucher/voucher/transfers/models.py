"""What an enterprise master handed to its members of its coupons, and took back."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import RefusedError
from voucher.models import Tables

TRANSFER, RETRIEVE = "transfer", "retrieve"


class TransferFailedError(RefusedError):
    """The coupon cannot go there, or not so much of it (docs/domain/enterprise.md H.20)."""

    code = "CBC.99000043"


class TransactionUsedError(RefusedError):
    """The transaction's id stands for something else already."""

    code = "CBC.99007009"


class NotMemberError(RefusedError):
    """No member of the caller, whether there is such a customer or not."""

    code = "CBC.99000035"


class CouponTransfer(Tables):
    """One request of a master, once by its `trans_id`, with what it answered."""

    __tablename__ = "coupon_transfers"
    __table_args__ = (UniqueConstraint("master_id", "trans_id", name="coupon_transfers_once"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    master_id: Mapped[str]
    trans_id: Mapped[str]
    kind: Mapped[str]  # transfer | retrieve
    member_id: Mapped[str]
    coupon_id: Mapped[str]
    sub_coupon_id: Mapped[str]
    amount: Mapped[Decimal | None]  # of a retrieval: what was left, known at its end
    at: Mapped[datetime]

    def content(self) -> tuple[object, ...]:
        """What was asked for; what a request answers is no part of it."""
        asked = self.amount if self.kind == TRANSFER else self.sub_coupon_id
        return self.kind, self.member_id, self.coupon_id, asked
