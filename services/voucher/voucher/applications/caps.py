"""How much may be approved for a solution in all (docs/domain/coupons.md F9, H.22)."""

from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from voucher.applications.models import Application
from wire.native import money_text

# By its certification; what was approved before a certification counts.
CAPS = {
    "none": Decimal(20_000),
    "cloud_software": Decimal(100_000),
    "advanced_cloud_software": Decimal(300_000),
}
HIGHEST_CAP = max(CAPS.values())


class OverTheCapError(RefusedError):
    """More than is left of what the solution may have in all."""

    code = "CHB.1003"


async def refuse_over_cap(
    session: AsyncSession, solution_id: str, amount: Decimal, cap: Decimal
) -> None:
    """Whoever approves holds the solution's row, so that nobody else takes the same rest.

    Raises:
        OverTheCapError: it says what is left.

    """
    approved = await session.scalar(
        select(func.coalesce(func.sum(Application.approved_amount), 0)).where(
            Application.solution_id == solution_id, Application.approved_amount.is_not(None)
        )
    )
    left = max(cap - Decimal(approved or 0), Decimal(0))
    if amount > left:
        raise OverTheCapError(f"{money_text(left)} is left")
