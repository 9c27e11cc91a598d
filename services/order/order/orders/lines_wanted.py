"""The lines of an order as they are asked for, and which may be attached to which."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from wire.types import Amount, WireRequest
from wire.vocabulary import ChargingMode

LINES_MAX = 20
QUANTITY_MAX = 100
PERIODS_MAX = 36  # 1 to 36 months, 1 to 5 years (docs/domain/resources.md H.7)
YEARS_MAX = 5
YEAR = 3  # period type
PERIOD, ON_DEMAND = ChargingMode.PERIOD, ChargingMode.ON_DEMAND
VM, VOLUME = "hws.resource.type.vm", "hws.resource.type.volume"
IP, BANDWIDTH = "hws.resource.type.ip", "hws.resource.type.bandwidth"
SHARED_BANDWIDTH = "19_share"

Code = Annotated[str, Field(min_length=1, max_length=400)]


class LineWanted(WireRequest):
    """One product: a price key of billing's catalogue, and how much of it."""

    service_type_code: Code
    resource_type_code: Code
    resource_spec_code: Code
    region_code: Code
    charging_mode: Literal[1, 3]
    period_type: Literal[0, 1, 2, 3, 4, 5] | None = None
    period_num: Annotated[int, Field(ge=1, le=PERIODS_MAX)] | None = None
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)] = 1
    measure_size: Amount | None = None
    attach_to: Annotated[int, Field(ge=1, le=LINES_MAX)] | None = None  # its main line, from 1

    @model_validator(mode="after")
    def _period(self) -> "LineWanted":
        """A period product says its period, an on-demand one has none."""
        given = self.period_type is not None, self.period_num is not None
        if self.charging_mode == PERIOD and not all(given):
            raise ValueError("a period product needs period_type and period_num")
        if self.charging_mode == ON_DEMAND and any(given):
            raise ValueError("an on-demand product has no period")
        if self.period_type == YEAR and (self.period_num or 0) > YEARS_MAX:
            raise ValueError(f"at most {YEARS_MAX} years or {PERIODS_MAX} months at once")
        return self


def _check_attached(lines: Sequence[LineWanted]) -> Sequence[LineWanted]:
    """Refuse what cannot be attached: it lives, is paid and ends with its main line."""
    for number, line in enumerate(lines, start=1):
        if line.attach_to is None:
            continue
        if line.attach_to > len(lines) or line.attach_to == number:
            raise ValueError(f"line {number}: attach_to names another line of the order, from 1")
        main = lines[line.attach_to - 1]
        if main.attach_to is not None or not _may_be_attached(line, main):
            raise ValueError(
                f"line {number}: a disk goes to a server, a bandwidth to its dedicated EIP, an EIP"
                " to its shared bandwidth; nothing else is attached"
            )
        periods = {(one.charging_mode, one.period_type, one.period_num) for one in (line, main)}
        if main.charging_mode != PERIOD or len(periods) > 1:
            raise ValueError(f"line {number}: it is bought for the same period as its main line")
        if line.quantity % main.quantity:
            raise ValueError(f"line {number}: each main piece gets as many as every other")
    return lines


def _may_be_attached(line: LineWanted, main: LineWanted) -> bool:
    """See docs/domain/resources.md H.7."""
    kinds = (line.resource_type_code, main.resource_type_code)
    if kinds == (BANDWIDTH, IP):
        return line.resource_spec_code != SHARED_BANDWIDTH
    if kinds == (IP, BANDWIDTH):
        return main.resource_spec_code == SHARED_BANDWIDTH
    return kinds == (VOLUME, VM)


LinesWanted = Annotated[
    list[LineWanted], Field(min_length=1, max_length=LINES_MAX), AfterValidator(_check_attached)
]
