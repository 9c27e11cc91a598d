"""What a quota allows, and with it the coupons issued from it (docs/domain/coupons.md B.7)."""

from decimal import Decimal
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from wire.types import Amount, Id, Number, WireRequest

NAMED_CUSTOMERS_MAX = 1000
SERVICES_MAX = 100
PRODUCTS_MAX = 1000

CooperationType = Literal["1", "2", "3"]  # the association types of docs/domain/customers.md B.2


class QuotaLimits(WireRequest):
    """An absent limit does not limit. A limit that is not known here is refused, never ignored.

    Amounts are in the quota's currency with 2 decimals; `min_consume_discount` is a ratio in (0, 1]
    (0.85 means 15 % off).
    """

    model_config = ConfigDict(extra="forbid")

    face_value_min: Amount | None = None
    face_value_max: Amount | None = None
    coupons_max: int | None = Field(default=None, ge=1)
    total_per_customer_max: Amount | None = None
    customer_ids: list[Id] = Field(default_factory=list, max_length=NAMED_CUSTOMERS_MAX)
    first_associated_only: bool = False
    cooperation_type: CooperationType | None = None
    cloud_service_types: list[Id] = Field(default_factory=list, max_length=SERVICES_MAX)
    product_ids: list[Id] = Field(default_factory=list, max_length=PRODUCTS_MAX)
    excluded_product_ids: list[Id] = Field(default_factory=list, max_length=PRODUCTS_MAX)
    simultaneous_use_with_empower_discount: bool = True
    simultaneous_use_with_contract_discount: bool = True
    simultaneous_use_with_promotion_discount: bool = True
    simultaneous_use_with_discount_coupon: bool = True
    min_consume_discount: Number | None = None

    @field_validator("min_consume_discount")
    @classmethod
    def _is_ratio(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and not 0 < value <= 1:
            raise ValueError("a ratio is above 0 and at most 1")
        return value

    @model_validator(mode="after")
    def _bounds_in_order(self) -> "QuotaLimits":
        least, most = self.face_value_min, self.face_value_max
        if least is not None and most is not None and least > most:
            raise ValueError("face_value_min is above face_value_max")
        return self

    def kept(self) -> dict[str, Any]:
        """The limits as the database keeps them: what does not limit is left out."""
        given = self.model_dump(exclude_defaults=True)
        return {k: f"{v:f}" if isinstance(v, Decimal) else v for k, v in given.items()}

    def narrowed(self, services: list[str], products: list[str]) -> "QuotaLimits":
        """The limits of one coupon; an empty list inherits the quota's.

        See docs/domain/coupons.md F15.4.
        """
        return self.model_copy(
            update={
                "cloud_service_types": services or self.cloud_service_types,
                "product_ids": products or self.product_ids,
            }
        )

    def allows(self, services: list[str], products: list[str]) -> bool:
        """Whether a coupon may be narrowed to these services and products (CBC.99000023)."""
        inside = not self.cloud_service_types or set(services) <= set(self.cloud_service_types)
        chosen = not self.product_ids or set(products) <= set(self.product_ids)
        return inside and chosen and not set(products) & set(self.excluded_product_ids)

    def covers(self, service_type_code: str, product_id: str) -> bool:
        """Whether a coupon with these limits may pay for the product."""
        if self.cloud_service_types and service_type_code not in self.cloud_service_types:
            return False
        if self.product_ids and product_id not in self.product_ids:
            return False
        return product_id not in self.excluded_product_ids

    def wire_pairs(self) -> list[tuple[str, str]]:
        """Limit key and value by the vendor's documented names; keys not documented stay here."""
        pairs: list[tuple[str, str]] = []
        if self.cloud_service_types:
            pairs.append(("cloudServiceType", ",".join(self.cloud_service_types)))
        if self.product_ids:
            pairs.append(("productId", ",".join(self.product_ids)))
        if self.min_consume_discount is not None:
            pairs.append(("minConsumeDiscount", f"{self.min_consume_discount:f}"))
        flags = {
            "simultaneousUseWithEmpowerDiscount": self.simultaneous_use_with_empower_discount,
            "simultaneousUseWithContractDiscount": self.simultaneous_use_with_contract_discount,
            "simultaneousUseWithPromotionDiscount": self.simultaneous_use_with_promotion_discount,
            "simultaneousUseWithDiscountCoupon": self.simultaneous_use_with_discount_coupon,
        }
        return pairs + [(key, "0") for key, allowed in flags.items() if not allowed]
