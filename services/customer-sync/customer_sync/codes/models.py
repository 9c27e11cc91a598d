"""Verification codes that were sent."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.models import Tables


class VerificationCode(Tables):
    """The newest code sent to a phone or mailbox; a new one takes its place.

    See docs/domain/verification.md B.9.
    """

    __tablename__ = "verification_codes"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    scene: Mapped[int] = mapped_column(primary_key=True)
    receiver: Mapped[str] = mapped_column(primary_key=True)
    code_mac: Mapped[str]  # keyed, since six digits under a bare hash are soon guessed
    expires_at: Mapped[datetime]
    failures: Mapped[int]  # also of the codes before it, while they are fresh
    failed_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class CodePause(Tables):
    """When a phone or mailbox was last sent a code, by whomever: it rests before the next."""

    __tablename__ = "code_pauses"

    receiver: Mapped[str] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(index=True)
