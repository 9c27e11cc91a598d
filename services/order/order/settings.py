"""What order reads from its environment beside the settings of every service."""

from decimal import Decimal

from pydantic import Field

from chassis.settings import ServiceSettings


class OrderSettings(ServiceSettings):
    """Settings of the order service."""

    attempt_abandoned_seconds: float = Field(
        default=30.0, gt=0, description="an attempt open for longer is closed as failed"
    )
    refund_approval_from: Decimal | None = Field(
        default=None,
        ge=0,
        description="a refund of so much or more, in the order's currency, waits for an"
        " administrator; none: no refund waits",
    )
