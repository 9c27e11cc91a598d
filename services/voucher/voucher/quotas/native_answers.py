"""What the native API shows of a quota; amounts are texts of two decimals."""

from datetime import datetime
from typing import Any

from voucher.quotas.limit_words import limit_texts
from voucher.quotas.models import Quota
from wire.native import Money, NativeAnswer
from wire.types import DecimalText


class QuotaLimitsAnswer(NativeAnswer):
    """What a quota allows, in its currency; null and an empty list do not limit."""

    currency: str
    face_value_min: Money | None
    face_value_max: Money | None
    coupons_max: int | None
    total_per_customer_max: Money | None
    customer_ids: list[str]
    first_associated_only: bool
    cooperation_type: str | None
    cloud_service_types: list[str]
    product_ids: list[str]
    excluded_product_ids: list[str]
    simultaneous_use_with_empower_discount: bool
    simultaneous_use_with_contract_discount: bool
    simultaneous_use_with_promotion_discount: bool
    simultaneous_use_with_discount_coupon: bool
    min_consume_discount: DecimalText | None
    region_codes: list[str]
    subscribe_types: list[str]  # "new", "renew", "change"
    # 0 any period, 1 by year, 2 by month, 5 on demand, 6 general, 7 one time, 8 reserved instance
    charge_scenes: list[int]
    first_order_in_service: bool
    only_for_strict_selected: bool
    usage_times: int
    max_deduction_ratio: DecimalText | None
    accumulative_consumption: Money | None
    threshold_amount: Money | None


class QuotaAnswer(NativeAnswer):
    """A quota as it is at the moment."""

    quota_id: str
    partner_id: str
    distributor_id: str | None
    parent_quota_id: str | None
    quota_type: int  # 0 cash coupons, 1 flexi coupons
    quota_status: int  # 0 normal, 3 invalid, 4 adjusting, 5 frozen, 6 reclaimed
    site: str
    currency: str
    quota_value: Money
    balance: Money
    effective_at: datetime
    expire_at: datetime
    limits: QuotaLimitsAnswer
    created_at: datetime
    updated_at: datetime


class LimitTextAnswer(NativeAnswer):
    """A limit in words; `key` is the vendor's name for it, where it has one."""

    limit: str
    key: str | None
    text: str


class QuotaPage(QuotaAnswer):
    """A quota with its limits in the language asked for; no limit, no words."""

    limit_texts: list[LimitTextAnswer]


class QuotasAnswer(NativeAnswer):
    """A page of quotas; `next` goes into `after` for the next page, null on the last one."""

    quotas: list[QuotaAnswer]
    next: str | None


def native_quota(quota: Quota, now: datetime) -> QuotaAnswer:
    """The quota; one whose time has passed is invalid."""
    return QuotaAnswer.of(quota, **_derived(quota, now))


def quota_page(quota: Quota, now: datetime, language: str) -> QuotaPage:
    """The same, and its limits in words."""
    words = [LimitTextAnswer.of(text) for text in limit_texts(quota.rules, language)]
    return QuotaPage.of(quota, limit_texts=words, **_derived(quota, now))


def _derived(quota: Quota, now: datetime) -> dict[str, Any]:
    return {
        "quota_id": quota.id,
        "quota_status": quota.status_at(now),
        "limits": QuotaLimitsAnswer.of(quota.rules, currency=quota.currency),
    }
