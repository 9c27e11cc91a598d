"""What each limit of a quota is called: by the vendor's key, and in both languages.

See docs/domain/coupons.md B.7. A limit without a key of the vendor's is ours alone, or its key was
never seen; the vendor's lists do not show it.
"""

from decimal import Decimal
from typing import Any, NamedTuple

from voucher.quotas.limits import QuotaLimits
from wire.codes import CHINESE, language_of


class LimitWords(NamedTuple):
    """A field of `QuotaLimits`; in its texts stands `{}` for the value."""

    limit: str
    key: str | None
    en: str
    zh: str


class LimitText(NamedTuple):
    """A limit that a quota has, in words."""

    limit: str
    key: str | None
    text: str


_ROWS = """
face_value_min | | A coupon is at least {} | 单张券面值不低于 {}
face_value_max | | A coupon is at most {} | 单张券面值不高于 {}
coupons_max | | At most {} coupons | 最多发放 {} 张券
total_per_customer_max | | At most {} for one customer | 单个客户累计不超过 {}
customer_ids | | Only for the customers {} | 仅限客户 {}
first_associated_only | | Only for customers associated for the first time | 仅限首次关联的客户
cooperation_type | | Only for the association type {} | 仅限关联类型 {}
cloud_service_types | cloudServiceType | Only for the services {} | 仅限云服务 {}
product_ids | productId | Only for the products {} | 仅限产品 {}
excluded_product_ids | | Not for the products {} | 不适用于产品 {}
min_consume_discount | minConsumeDiscount
| Not where every line is below the ratio {} | 订单各行折扣均低于 {} 时不可用
simultaneous_use_with_empower_discount | simultaneousUseWithEmpowerDiscount
| Not with a discount that the partner granted | 不与伙伴授予折扣同时使用
simultaneous_use_with_contract_discount | simultaneousUseWithContractDiscount
| Not with a contract or commercial discount | 不与商务合同折扣同时使用
simultaneous_use_with_promotion_discount | simultaneousUseWithPromotionDiscount
| Not with a promotional discount | 不与促销折扣同时使用
simultaneous_use_with_discount_coupon | simultaneousUseWithDiscountCoupon
| Not with a discount coupon | 不与折扣券同时使用
region_codes | regionCode | Only in the regions {} | 仅限区域 {}
subscribe_types | subscribeType | Only for the purchase types {} | 仅限购买类型 {}
charge_scenes | chargeScene | Only for the charging scenes {} | 仅限计费场景 {}
first_order_in_service | firstOrderInService | Only for the first order of a service | 仅限服务首单
only_for_strict_selected | isOnlyForStrictSelected
| Only for strictly selected marketplace products | 仅限云商店严选商品
usage_times | usageTimes | May pay {} time | 可使用 {} 次
max_deduction_ratio | maxDeductionRatio
| Pays at most the share {} of an order | 最多抵扣订单金额的比例 {}
accumulative_consumption | accumulativeConsumption
| Only after a consumption of {} before the association | 关联前累计消费须达到 {}
threshold_amount | | Only where more than {} is payable | 应付金额须高于 {}
"""


def _read(rows: str) -> dict[str, LimitWords]:
    """A long line goes on after the bar in the next one."""
    lines = rows.strip().replace("\n| ", " | ").splitlines()
    words = [[part.strip() for part in line.split("|")] for line in lines]
    return {limit: LimitWords(limit, key or None, en, zh) for limit, key, en, zh in words}


LIMITS = _read(_ROWS)


def limit_texts(limits: QuotaLimits, language: str) -> list[LimitText]:
    """The limits that limit, in words of the language, in the order of the table."""
    chinese = language_of(language) == CHINESE
    given = limits.model_dump(exclude_defaults=True)
    return [
        LimitText(name, row.key, (row.zh if chinese else row.en).format(_value(given[name])))
        for name, row in LIMITS.items()
        if name in given
    ]


def wire_pairs(limits: QuotaLimits) -> list[tuple[str, str]]:
    """Limit key and value by the vendor's documented names; keys not documented stay here."""
    given = limits.model_dump(exclude_defaults=True)
    return [
        (row.key, _value(given[name]))
        for name, row in LIMITS.items()
        if name in given and row.key is not None
    ]


def limit_infos(kept: dict[str, Any]) -> list[dict[str, Any]]:
    """Limits, as the database keeps them, in the vendor's lists of quotas."""
    pairs = wire_pairs(QuotaLimits.model_validate(kept))
    return [{"limit_key": key, "limit_values": [{"value1": value}]} for key, value in pairs]


def _value(value: Any) -> str:
    """As the vendor writes it: flags as 0 and 1, lists by commas."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
