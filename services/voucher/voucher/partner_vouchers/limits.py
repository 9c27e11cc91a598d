"""What a partner voucher may pay for (docs/domain/partner-vouchers.md F10)."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from wire.types import Id, WireRequest

NAMED_CUSTOMERS_MAX = 1000
PRODUCTS_MAX = 1000
OTHERS_MAX = 100

# 1 yearly/monthly, 3 on demand, 10 reserved instance, 11 savings plan
ChargingModeWanted = Literal[1, 3, 10, 11]


class VoucherLimits(WireRequest):
    """An empty list does not limit. A limit that is not known here is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")

    customer_ids: list[Id] = Field(default_factory=list, max_length=NAMED_CUSTOMERS_MAX)
    service_type_codes: list[Id] = Field(default_factory=list, max_length=OTHERS_MAX)
    product_ids: list[Id] = Field(default_factory=list, max_length=PRODUCTS_MAX)
    region_codes: list[Id] = Field(default_factory=list, max_length=OTHERS_MAX)
    charging_modes: list[ChargingModeWanted] = Field(default_factory=list, max_length=OTHERS_MAX)

    def kept(self) -> dict[str, Any]:
        """The limits as the database keeps them: what does not limit is left out."""
        return self.model_dump(exclude_defaults=True)
