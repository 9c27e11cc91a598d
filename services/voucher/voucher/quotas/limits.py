"""What a quota allows, and with it the coupons issued from it (docs/domain/coupons.md B.7)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, field_validator, model_validator

from wire.types import Amount, Id, Number, WireRequest

NAMED_CUSTOMERS_MAX = 1000
SERVICES_MAX = 100
PRODUCTS_MAX = 1000
REGIONS_MAX = 100
TYPES_MAX, SCENES_MAX = 3, 7  # as many as there are
ONCE = 1  # usage_times
ON_DEMAND_SCENE, GENERAL_SCENE = 5, 6
MARKETPLACE_SERVICE = "hws.service.type.marketplace"

SubscribeType = Literal["new", "renew", "change"]
# 0 any period, 1 by year, 2 by month, 5 on demand, 6 general, 7 one time, 8 reserved instance
ChargeScene = Literal[0, 1, 2, 5, 6, 7, 8]
CooperationType = Literal["1", "2", "3"]  # the association types of docs/domain/customers.md B.2


class QuotaLimits(WireRequest):
    """An absent limit does not limit. A limit that is not known here is refused, never ignored.

    Amounts are in the quota's currency with 2 decimals; `min_consume_discount` is a ratio in (0, 1]
    (0.85 means 15 % off), `max_deduction_ratio` the share of an order that a flexi coupon may pay.
    `usage_times` is 0 (any number) or 1; what else the vendor lets through means 0.
    What each is called in both languages: `limit_words`.
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
    region_codes: list[Id] = Field(default_factory=list, max_length=REGIONS_MAX)
    subscribe_types: list[SubscribeType] = Field(default_factory=list, max_length=TYPES_MAX)
    charge_scenes: list[ChargeScene] = Field(default_factory=list, max_length=SCENES_MAX)
    first_order_in_service: bool = False
    only_for_strict_selected: bool = False
    usage_times: int = Field(default=0, ge=0)
    max_deduction_ratio: Number | None = None
    accumulative_consumption: Amount | None = None
    threshold_amount: Amount | None = None
    _leaves_marketplace_out: bool = PrivateAttr(default=False)  # of a coupon: by its group

    @field_validator("usage_times")
    @classmethod
    def _once_or_any(cls, value: int) -> int:
        return value if value == ONCE else 0

    @field_validator("min_consume_discount", "max_deduction_ratio")
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

    def narrowed(
        self, services: Sequence[str], products: Sequence[str], types: Sequence[str] = ()
    ) -> "QuotaLimits":
        """The limits of one coupon; an empty list inherits the quota's.

        See docs/domain/coupons.md F15.4.
        """
        return self.model_copy(
            update={
                "cloud_service_types": list(services or self.cloud_service_types),
                "product_ids": list(products or self.product_ids),
                "subscribe_types": list(types or self.subscribe_types),
            }
        )

    def allows(self, services: Sequence[str], products: Sequence[str]) -> bool:
        """Whether a coupon may be narrowed to these services and products (CBC.99000023)."""
        inside = not self.cloud_service_types or set(services) <= set(self.cloud_service_types)
        chosen = not self.product_ids or set(products) <= set(self.product_ids)
        return inside and chosen and not set(products) & set(self.excluded_product_ids)

    def allows_types(self, types: Sequence[str]) -> bool:
        """Whether a coupon may be narrowed to these purchase types (CBC.99000024)."""
        return not self.subscribe_types or set(types) <= set(self.subscribe_types)

    def covers(
        self, service_type_code: str, product_id: str, region_code: str | None = None
    ) -> bool:
        """Whether a coupon with these limits may pay for the product in the region."""
        if self.region_codes and region_code not in self.region_codes:
            return False
        if self.cloud_service_types and service_type_code not in self.cloud_service_types:
            return False
        if self.product_ids and product_id not in self.product_ids:
            return False
        if self._leaves_marketplace_out and service_type_code == MARKETPLACE_SERVICE:
            return False
        return product_id not in self.excluded_product_ids

    def without_marketplace(self) -> "QuotaLimits":
        """The same for a coupon that is not the marketplace's (docs/domain/coupons.md F15.14)."""
        rules = self.model_copy()
        rules._leaves_marketplace_out = True
        return rules

    def limits_what_it_pays(self) -> bool:
        """Whether it pays for some services, products or regions only."""
        return bool(
            self.cloud_service_types
            or self.product_ids
            or self.excluded_product_ids
            or self.region_codes
            or self.charge_scenes
        )

    def are_judged_for_usage(self) -> bool:
        """The same for use on demand, which tells its charging scene and is no purchase."""
        scenes = self.charge_scenes
        without_scenes = self.model_copy(update={"charge_scenes": []})
        on_demand = not scenes or bool({ON_DEMAND_SCENE, GENERAL_SCENE} & set(scenes))
        return on_demand and without_scenes.are_judged_at_payment()

    def are_judged_at_payment(self) -> bool:
        """Whether a payment tells all that these limits ask about.

        Where it does not, the coupon pays nothing: a limit is never passed over (decision 0109).
        """
        return self.unjudged is None

    @property
    def unjudged(self) -> str | None:
        """The limit about which no payment tells; from such a quota nothing is issued."""
        if self.only_for_strict_selected:
            return "only_for_strict_selected"
        return None if self.accumulative_consumption is None else "accumulative_consumption"
