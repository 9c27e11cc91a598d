"""What a customer has set for the renewals of all its resources.

See docs/domain/resources.md H.8.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from order.models import Tables

DEDUCTION_DAYS = 7  # before the day of the end, unless it is set otherwise


class RenewalSettings(Tables):
    """Made under its present partner; under another one they are set anew."""

    __tablename__ = "renewal_settings"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    deduction_days: Mapped[int] = mapped_column(default=DEDUCTION_DAYS)  # before the end: 2 to 7
    expire_day: Mapped[int | None]  # on which renewals end: 1 to 28, -1 for a month's last
    updated_at: Mapped[datetime]


async def settings_of(
    session: AsyncSession, customer_id: str, partner_id: str
) -> tuple[int, int | None]:
    """How many days before the end it is renewed, and the unified day on which renewals end."""
    found = await session.get(RenewalSettings, (customer_id, partner_id))
    return (DEDUCTION_DAYS, None) if found is None else (found.deduction_days, found.expire_day)
