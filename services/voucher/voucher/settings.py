"""What voucher reads from its environment beside the settings of every service."""

from pydantic import Field

from chassis.settings import ServiceSettings


class VoucherSettings(ServiceSettings):
    """Settings of the voucher service."""

    coupon_notes_keep_days: int = Field(
        default=730,
        ge=1,
        description="refusals, freezing and activation stay in a coupon's history for so long",
    )
