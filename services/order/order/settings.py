"""What order reads from its environment beside the settings of every service."""

from pydantic import Field

from chassis.settings import ServiceSettings


class OrderSettings(ServiceSettings):
    """Settings of the order service."""

    attempt_abandoned_seconds: float = Field(
        default=30.0, gt=0, description="an attempt open for longer is closed as failed"
    )
