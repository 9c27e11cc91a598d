"""What an enterprise master moved to and from its members, and how that is refused."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from chassis.errors import RefusedError


class NotOwnMemberError(RefusedError):
    """Not a member of the caller's; the same whether or not it exists."""

    code = "CBC.0150"


class TransferUnderWayError(RefusedError):
    """Another transfer or reclaim of the same master is under way."""

    code = "CBC.99007461"


class TransIdUsedError(RefusedError):
    """The master has used that `trans_id` before."""

    code = "CBC.99007009"


class CheckFailedError(RefusedError):
    """The business rules forbid it; the detail names the check that failed."""

    code = "CBC.99007004"


class CreditEndedError(RefusedError):
    """There is no credit with that end, or it has come."""

    code = "CBC.99007181"


class TransferFailedError(RefusedError):
    """The two accounts cannot exchange money now."""

    code = "CBC.99000043"


class EnterpriseTransfer(Tables):
    """One that was carried out, by its number, which is remembered for good."""

    __tablename__ = "enterprise_transfers"
    __table_args__ = (Index("enterprise_transfers_of_member", "member_id", "master_id"),)

    master_id: Mapped[str] = mapped_column(primary_key=True)
    trans_id: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[str]
    is_reclaim: Mapped[bool]
    account_type: Mapped[int]  # 1 balance, 2 credit
    expires_at: Mapped[datetime | None]  # of the credit
    amount: Mapped[Decimal]
    movement_id: Mapped[str]
    at: Mapped[datetime]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
