"""Every rule by which coupons pay: its code and its words in both languages."""

from typing import NamedTuple

from wire.codes import CHINESE, language_of


class RuleWords(NamedTuple):
    """A rule, the code by which it refuses, and what it asks."""

    rule: str
    code: str
    en: str
    zh: str


_ROWS = """
known | 99003112 | The payer holds such a coupon | 付款客户持有该券
payment_type | 99003112 | It is of a type that pays, and that the payment names | 券类型可用于该支付
issuers_customer | 99003112 | The payer is a resale customer of the partner that issued it
| 付款客户是发放伙伴的转售类客户
card_by_holder | 99003112 | No partner pays with a stored value card
| 伙伴不能使用储值卡代为支付
has_begun | 99003112 | Its time has begun | 已到生效时间
has_not_ended | 99003112 | Its time has not ended | 未到失效时间
status | 99003112 | It is usable: neither used up, expired nor reclaimed | 券状态为可使用
not_frozen | 99003112 | It is not frozen | 券未被冻结
not_locked | 99003112 | No order holds it | 券未被订单锁定
usage_times | 99003112 | It has not paid as often as it may | 未超过可使用次数
covers_a_line | 99003112 | It covers a line: service, product and region | 适用于至少一个订单行
subscribe_type | 99003112 | What the order does is a purchase type that it names
| 订单的购买类型在其限定范围内
charge_scene | 99003112 | A line that it covers is charged in a way that it names
| 适用订单行的计费场景在其限定范围内
first_order | 99003112 | It is the first order of a service that it covers
| 为适用云服务的首单
limits_judged | 99003112 | A payment tells all that its limits ask about
| 支付信息足以判断其使用限制
threshold | 99003112 | More than its threshold is payable of the lines that it covers
| 适用订单行的应付金额高于门槛
promotion_discount | 99003116 | It goes with a promotional discount | 可与促销折扣同时使用
contract_discount | 99003116 | It goes with a contract or commercial discount
| 可与商务合同折扣同时使用
empower_discount | 99003116 | It goes with a discount that the partner granted
| 可与伙伴授予折扣同时使用
min_discount | 99003117 | Not every line is discounted below its minimum
| 并非所有订单行折扣均低于下限
cash_or_discount | 99003147 | Cash coupons and discount coupons exclude each other
| 代金券与折扣券不能同时使用
groups_together | 99003156 | Coupons of the marketplace and dedicated ones exclude each other
| 云商店券与专属券不能同时使用
one_of_a_type | 99003112 | At most one coupon of a type and group | 同一分组每种券最多使用一张
with_discount_coupon | 99003116 | Each goes with a discount coupon | 均可与折扣券同时使用
"""


def _read(rows: str) -> dict[str, RuleWords]:
    """A long line goes on after the bar in the next one."""
    lines = rows.strip().replace("\n| ", " | ").splitlines()
    words = [[part.strip() for part in line.split("|")] for line in lines]
    return {rule: RuleWords(rule, f"CBC.{code}", en, zh) for rule, code, en, zh in words}


RULES = _read(_ROWS)
TOGETHER = ("cash_or_discount", "groups_together", "one_of_a_type", "with_discount_coupon")


def rule_text(rule: str, language: str) -> str:
    """What the rule asks, in the language."""
    words = RULES[rule]
    return words.zh if language_of(language) == CHINESE else words.en
