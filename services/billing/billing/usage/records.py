"""What a meter tells, and what is answered of it."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from wire.native import Money, NativeAnswer
from wire.types import DecimalText, Figure, NativeInstant

RECORDS_MAX = 500
POINTS_MAX = 31 * 288


class UsageRecord(BaseModel):
    """What a resource used, as the meter says. `usage_value` is in `usage_measure_id`s."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    record_id: str = Field(min_length=1, max_length=64)
    customer_id: str = Field(min_length=1, max_length=64)
    service_type_code: str
    resource_type_code: str
    resource_spec_code: str
    region_code: str
    resource_id: str = Field(min_length=1, max_length=64)
    resource_name: str | None = Field(default=None, max_length=128)
    usage_value: Figure = Field(gt=0, lt=Decimal(10) ** 15, decimal_places=10)
    usage_measure_id: int = 4  # hour
    measure_size: Figure | None = Field(default=None, gt=0, lt=Decimal(10) ** 9)
    used_from: NativeInstant | None = Field(
        default=None, description="reckoned from a usage that is a time, when absent"
    )
    used_until: NativeInstant
    charged_at: NativeInstant | None = Field(
        default=None, description="when it counts, in place of the end of the use"
    )
    points: int | None = Field(
        default=None, ge=1, le=POINTS_MAX,
        description="of five minutes, in the month of a 95th percentile",
    )  # fmt: skip
    enterprise_project_id: str | None = Field(default=None, max_length=64)
    parent_resource_id: str | None = Field(default=None, max_length=64)
    root_resource_id: str | None = Field(
        default=None, max_length=64,
        description="the instance that it is a part of; of a resource that was ordered it is known",
    )  # fmt: skip
    root_resource_type_code: str | None = Field(
        default=None, max_length=64, description="of a root that was not ordered"
    )
    root_resource_name: str | None = Field(default=None, max_length=128)


class RecordUsage(BaseModel):
    """The body of POST /api/usage-records."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    records: list[UsageRecord] = Field(min_length=1, max_length=RECORDS_MAX)


class ChargedRecord(NativeAnswer):
    """What a record came to; what lies below a cent is not shown."""

    record_id: str
    line_id: str
    bill_cycle: str  # YYYY-MM, Beijing
    trade_time: datetime  # when it counts
    used_from: datetime | None
    used_until: datetime
    currency: str
    official_amount: Money
    erase_amount: Money
    payment_amount: Money
    coupon_amount: Money
    flexipurchase_coupon_amount: Money
    stored_value_card_amount: Money
    cash_amount: Money
    credit_amount: Money
    debt_amount: Money
    free_resource_usage: DecimalText | None  # taken from packages, in a unit of theirs
    free_resource_measure_id: int | None


class UsageAnswer(NativeAnswer):
    """The lines of the records, in their order."""

    lines: list[ChargedRecord]
