"""What a job of issues is asked to do, and each item as the use case of one issue takes it."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from voucher.coupons.create_partner_coupons import CreatePartnerCoupons
from voucher.coupons.judge_issue import Terms
from voucher.quotas.limits import TYPES_MAX, SubscribeType
from wire.types import Amount, Id, Instant, WireRequest

ITEMS_MAX = 50_000
NARROWED_MAX = 10  # docs/domain/coupons.md F15.4
MEMO_CHARACTERS_MAX = 512


class ItemWanted(WireRequest):
    """One coupon; what is not given it has from its quota."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Id
    currency: str | None = Field(default=None, description="the quota's, when given")
    face_value: Amount
    effective_at: Instant | None = None
    expire_at: Instant | None = None
    cloud_service_types: Annotated[list[Id], Field(max_length=NARROWED_MAX)] = Field(
        default_factory=list
    )
    product_ids: Annotated[list[Id], Field(max_length=NARROWED_MAX)] = Field(default_factory=list)
    # "new" | "renew" | "change"
    subscribe_types: Annotated[list[SubscribeType], Field(max_length=TYPES_MAX)] = Field(
        default_factory=list
    )
    memo: Annotated[str, Field(max_length=MEMO_CHARACTERS_MAX)] | None = None

    def kept(self) -> dict[str, Any]:
        """As the item's row keeps it; `model_validate` reads it again."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def terms(self) -> Terms:
        """What the rules ask about."""
        return Terms(self.face_value, self.effective_at, self.expire_at,
                     self.cloud_service_types, self.product_ids,
                     self.subscribe_types)  # fmt: skip

    def command(self, quota_id: str, indirect_partner_id: str | None) -> CreatePartnerCoupons:
        """The vendor's command for this customer alone; it names no purchase types.

        What the vendor's table checks of texts is checked of this item already.
        """
        return CreatePartnerCoupons.model_construct(
            quota_id=quota_id,
            customer_ids=[self.customer_id],
            face_value=self.face_value,
            valid_time=self.effective_at,
            expire_time=self.expire_at,
            cloud_service_types=self.cloud_service_types,
            product_ids=self.product_ids,
            memo=self.memo,
            indirect_partner_id=indirect_partner_id,
        )


class IssueCoupons(WireRequest):
    """The body of POST /api/coupon-issues; `preview` asks what would happen and writes nothing.

    Either `items` or `csv`: a text whose first line names the columns. `broken_rows` says whether
    one broken row refuses all, or fails alone.
    """

    model_config = ConfigDict(extra="forbid")

    quota_id: Id
    indirect_partner_id: Id | None = None  # the reseller whose quota it is, for its distributor
    preview: bool = False
    items: Annotated[list[ItemWanted], Field(min_length=1, max_length=ITEMS_MAX)] | None = None
    csv: Annotated[str, Field(min_length=1)] | None = None
    broken_rows: Literal["refuse", "skip"] = "refuse"
