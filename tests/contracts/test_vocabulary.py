"""What a contract says of a code is what the vendor's set of codes has."""

from enum import Enum

import pytest
from pydantic import BaseModel

from contracts.customer import Customer
from contracts.order import CouponUse, OrderEvent, OrderLine
from contracts.schema import field_notes
from contracts.voucher import QuotaEvent, VoucherEvent
from wire.vocabulary import (
    AssociationStatus,
    AssociationType,
    ChargingMode,
    CouponType,
    OrderStatus,
    PeriodType,
    QuotaType,
)


@pytest.mark.parametrize(
    ("model", "field", "codes"),
    [
        (Customer, "association_type", AssociationType),
        (Customer, "association_status", AssociationStatus),
        (OrderEvent, "status", OrderStatus),
        (OrderLine, "period_type", PeriodType),
        (CouponUse, "coupon_type", CouponType),
        (VoucherEvent, "coupon_type", CouponType),
        (QuotaEvent, "quota_type", QuotaType),
    ],
)
def test_a_description_names_every_code(
    model: type[BaseModel], field: str, codes: type[Enum]
) -> None:
    said = field_notes(model)[field]
    missing = [code for code in codes if str(code.value) not in said]
    assert missing == []


def test_a_line_is_of_a_charging_mode_that_there_is() -> None:
    said = field_notes(OrderLine)["charging_mode"]
    assert all(str(mode.value) in said for mode in (ChargingMode.PERIOD, ChargingMode.ON_DEMAND))
