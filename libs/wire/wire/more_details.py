"""The part of the table of details that `wire.details` reads beside its own, by subject."""

MONTHS = """
# --- months, settlements, bills
not a cycle like 2026-11 | 不是形如 2026-11 的账期
{} has not ended | 账期 {} 尚未结束
not as it should be: {} | 检查未通过：{}
{} is final | 账期 {} 已终结
nobody may waive it | 该项不可豁免
goes with the kind customer, and with none else | 仅适用于 customer 类
{} is not closed | 账期 {} 尚未关闭
a reseller is settled with its distributor | 云经销商随其总经销商一同结算
its vouchers have not been moved yet | 其抵扣券尚未划转
a correction needs a reason | 更正必须说明原因
"""
TRANSFERS = """
# --- the console
the console is ending | 控制台正在停止
# --- steps of discounts
those of services are ratios of use on demand | 按云服务的阶梯只能是按需使用的折扣率
# --- coupons that pay usage
another charge of the payer's is under way | 该付款方的另一笔扣费正在进行
# --- coupons that could never pay
no payment tells {}: the coupons could never pay | 支付时无法判断 {}，所发优惠券将无法使用
no payment tells this: the coupon could never pay | 支付时无法判断该限制，优惠券将无法使用
# --- coupons of masters and members
no cash coupon of the vendor's own | 不是厂商发放的代金券
frozen, or held by an order | 已冻结，或被订单占用
no coupon of the caller | 不是调用方的券
no sub-coupon of that coupon and member | 该券未划拨给该子账号
the coupon itself has ended | 原券已失效
more than the coupon has | 超过该券余额
no resale customer of the coupon's partner | 不是该券所属伙伴的转售客户
"""
