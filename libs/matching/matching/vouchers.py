"""Partner vouchers as the engine knows them: an amount, a time, and what each may pay for."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from matching.lines import Line


class Reason(StrEnum):
    """Why a voucher that was looked at paid nothing of a line; the first that holds is told."""

    OTHER_CUSTOMER = "other_customer"
    OTHER_SERVICE_TYPE = "other_service_type"
    OTHER_PRODUCT = "other_product"
    OTHER_REGION = "other_region"
    OTHER_CHARGING_MODE = "other_charging_mode"
    NOT_YET_EFFECTIVE = "not_yet_effective"
    EXPIRED = "expired"
    USED_UP = "used_up"
    LINE_COVERED = "line_covered"  # vouchers before it paid for the whole line


@dataclass(frozen=True, slots=True)
class Voucher:
    """What is left of a voucher before the lines; an empty set does not limit."""

    voucher_id: str
    remaining: Decimal  # of 2 decimals
    effective_at: datetime
    expire_at: datetime  # exclusive
    customer_ids: frozenset[str] = frozenset()
    service_type_codes: frozenset[str] = frozenset()
    product_ids: frozenset[str] = frozenset()
    region_codes: frozenset[str] = frozenset()
    charging_modes: frozenset[int] = frozenset()

    @property
    def rank(self) -> tuple[bool, datetime, datetime, str]:
        """The smaller pays first: restricted to customers, then what ends first, then by id."""
        return not self.customer_ids, self.expire_at, self.effective_at, self.voucher_id

    def holds_at(self, instant: datetime) -> bool:
        """Whether it is in force then."""
        return self.effective_at <= instant < self.expire_at

    def refuses(self, line: Line) -> Reason | None:
        """Why it may not pay for the line, whatever is left of it; None when it may."""
        limits: tuple[tuple[frozenset[Any], Any, Reason], ...] = (
            (self.customer_ids, line.customer_id, Reason.OTHER_CUSTOMER),
            (self.service_type_codes, line.service_type_code, Reason.OTHER_SERVICE_TYPE),
            (self.product_ids, line.product_id, Reason.OTHER_PRODUCT),
            (self.region_codes, line.region_code, Reason.OTHER_REGION),
            (self.charging_modes, line.charging_mode, Reason.OTHER_CHARGING_MODE),
        )
        for allowed, value, reason in limits:
            if allowed and value not in allowed:
                return reason
        if line.trade_time < self.effective_at:
            return Reason.NOT_YET_EFFECTIVE
        return Reason.EXPIRED if line.trade_time >= self.expire_at else None
