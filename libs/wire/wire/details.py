"""What refusals add to their code's words, in Chinese.

A refusal says its detail in English where it is raised; here stands the same in Chinese, so that
an answer speaks one language. `tests/wire_lib/test_details.py` finds what has none.
"""

import re
from functools import cache

from wire.more_details import MONTHS, TRANSFERS

_LINES = """
# --- fields
not a field of this kind | 该类任务没有此字段
0 to {} days after the begin | 应为开始日期后 0 到 {} 天
missing | 必填
empty | 不能为空
malformed | 格式错误
too short | 过短
too long | 过长
out of range | 超出范围
no such value | 没有该取值
not a text | 必须是文本
not a list | 必须是列表
not an object | 必须是对象
not a number | 必须是数字
not an integer | 必须是整数
neither true nor false | 必须是 true 或 false
a bool is not a number | 布尔值不是数字
too few or too many items | 元素数量不符合要求
characters that no text may hold | 含有不允许的字符
less than {} | 小于 {}
more than {} | 超过 {}
more than {} decimals | 小数超过 {} 位
not within {} to {} | 不在 {} 到 {} 之间
1 to {} | 应为 1 到 {}
1 to {} characters | 应为 1 到 {} 个字符
up to {} printable characters | 最多 {} 个可打印字符
given more than once | 重复传入
came more than once | 重复传入
must not repeat | 不能重复
no blanks | 不能含有空格
no UTF-8 | 不是 UTF-8
no such parameter | 没有该参数
no such text or number | 没有这样的文本或数字
must be percent-encoded | 必须使用百分号编码
an encoded slash | 含有编码的斜杠
offset goes only together with limit | offset 必须与 limit 一起使用
not a cursor of this list | 不是该列表的游标
not a marker of this list | 不是该列表的标记
a unit's price is of one product, charged in one way | 固定单价须指定一个产品和一种计费模式
use has no sum that a reduction could be taken off | 按需使用没有可扣减的总额
they are of one product, by ratio or price of a unit | 阶梯须针对一个产品，按折扣率或固定单价
begins at 0 and rises | 应从 0 开始并递增
the first one is discount_value | 第一阶梯的取值应等于 discount_value
not within 1 to {} years | 应为 1 到 {} 年
not a cursor of this feed | 不是该事件流的游标
not a cursor of this search | 不是该查询的游标
an entity tag like "3" | 应为形如 "3" 的实体标签
in the past | 已过去
is in the future | 在将来
before the begin | 早于开始时间
more than a year after the begin | 距开始时间超过一年
not after effective_at | 不晚于 effective_at
not after valid_time and the present | 不晚于 valid_time 或当前时间
not before effective_month | 不能早于 effective_month
after bill_date_end | 晚于 bill_date_end
after trade_time_end | 晚于 trade_time_end
after used_until | 晚于 used_until
needed for a 95th percentile | 月95峰值计费必填
not in the bill cycle | 不在账期内
older than {} months | 早于 {} 个月前
its cycle is final, or it lies ahead | 所属账期已出账，或时间尚未到来
more than the amount | 超过金额
the partner's is {} | 伙伴的币种为 {}
the quota's is {} | 额度的币种为 {}
the application's is {} | 申请的币种为 {}
the account's is {} | 账户的币种为 {}
the order's is {} | 订单的币种为 {}
a customer is named twice | 客户重复
no such column: {} | 没有该列：{}
a column is named twice | 列重复
no column {} | 缺少列 {}
more than {} rows | 超过 {} 行
not a CSV | 不是 CSV
either items or csv | items 与 csv 须二选一
row {}: {} cells | 第 {} 行：{} 个单元格
row {}: {} | 第 {} 行：{}
names no condition | 未给出任何条件
not after {} | 不晚于 {}
started or stopped before | 已启动或已停止
less than face_value_from | 小于 face_value_from
the partner's is {} | 伙伴的币种为 {}
{} coupons; at most {} | 共 {} 张券；最多 {} 张
{} campaigns are open | 有 {} 个回收活动尚未结束
the preview is {} by now | 预览现为 {}
a part of it is used | 该券已使用一部分
a customer twice | 客户重复
a coupon is named twice | 券重复
a reseller is named twice | 云经销商重复
a quota is named twice | 额度重复
nothing to change | 没有需要修改的内容
only the administrator names a partner | 仅平台管理员可指定伙伴
this installation has no folder for files | 本系统未配置文件目录
a path below the installation's folder | 应为本系统文件目录下的路径
this installation keeps no secrets: no ENCRYPTION_KEYS | 本系统未配置 ENCRYPTION_KEYS，不能保存密钥
{} subscriptions are there | 已有 {} 个文件订阅
not with this format | 该格式不支持
{} exports are under way | 已有 {} 个导出任务在进行
the cycle's partner bill is not settled | 该账期的伙伴账单尚未结算
the export is {} | 导出任务的状态为 {}
{} bytes | 应为 {} 字节
the file is whole | 文件已全部收到
of flexi quotas only | 仅适用于现金券额度
of cash coupon quotas only | 仅适用于代金券额度
the holder's is {} | 持有方的币种为 {}
there are cards on the China site only | 储值卡仅限中国站
cash coupons only on the international site | 国际站仅支持代金券
of discount coupons, and of no others | 仅适用于折扣券，且折扣券必填
of all coupons but discount coupons | 折扣券以外的券必填，折扣券不可填
of quotas only | 仅适用于额度
of flexi coupons only | 仅适用于现金券
from status {} to {} | 状态不能从 {} 变为 {}
{} is left | 剩余 {}
no customer of the partner | 不是该伙伴的客户
not a link | 不是链接
a link that begins with https:// | 应为以 https:// 开头的链接
credentials in a link | 链接中含有凭证
not a link of the vendor's price calculator | 不是价格计算器的链接
no id of a shared list | 缺少分享清单的编号
another application waits for its decision | 另有申请待审批
the caps are in {} | 额度上限的币种为 {}
the application is {} | 该申请的状态为 {}
goes with an approval | 仅在批准时填写
a refund names the line that it refunds | 退款明细须指明所退的明细
a refund has a negative amount | 退款明细的金额须为负数
the partner issues coupons to its customers | 该伙伴处于向客户发券的模式
other lines were settled under this id | 该结算编号已用于其他明细
the line {} is settled already | 明细 {} 已结算
the same coupon twice | 券重复
goes with YES, and only with YES | 仅在取值为 YES 时填写
needed for a linear product | 线性产品必填
needed for a document | 证件认证时必填
needed for scene 18 | 场景 18 时必填
needed with a phone | 填写手机号时必填
needed with a phone or mailbox | 填写手机号或邮箱时必填
needed unless it is the master's | 不使用企业主账号的手机号时必填
a mainland number of 11 digits | 应为 11 位大陆手机号
a phone like {} | 应为形如 {} 的手机号
a mailbox with an @ | 应为含 @ 的邮箱
a login name | 应为登录名
a path below the download folder | 应为下载目录下的路径
not digits, signs and blanks alone | 不能只由数字、符号和空格组成
another than domain_name | 与 domain_name 不一致
another than mobile_phone | 与 mobile_phone 不一致
a partner says whose resources | 伙伴须指明客户
whose credentials | 须指明账号
no event has the type {} | 没有类型为 {} 的事件
no operation knows this item | 没有操作使用该权限项
narrower keys are not offered | 不支持缩小权限的密钥
only a reseller belongs to a distributor | 只有二级经销商属于总经销商
a reseller belongs to one distributor | 二级经销商必须属于一个总经销商
no such distributor | 没有该总经销商
a reseller is of its distributor's site | 二级经销商与其总经销商属于同一站点
not a form | 不是表单
say why | 请说明原因
say why, in at most {} characters | 请说明原因，最多 {} 个字符
# --- bodies
not UTF-8 | 不是 UTF-8
not JSON | 不是 JSON
the body is no JSON that can be read | 请求体不是可读取的 JSON
a name comes twice in one object | 对象中的名称重复
an object of more than {} names | 对象中的名称超过 {} 个
more than {} objects and lists within one another | 对象和列表的嵌套超过 {} 层
a number of more than {} characters | 数字超过 {} 个字符
{} is no JSON | {} 不是 JSON
# --- who asks
the clock is the administrator's | 时钟只能由管理员操作
the enterprise master pays for this account | 该账号由企业主账号付款
a partner of this kind does not pay for this customer | 该类伙伴不能为该客户付款
the partner only | 仅限伙伴
the other side only | 仅限对方
the customer itself only | 仅限客户本人
the customer itself or its partner only | 仅限客户本人或其伙伴
the partner's administrator only | 仅限伙伴的管理员
an enterprise master only | 仅限企业主账号
the international site's partners only | 仅限国际站伙伴
the portfolio is the partner's | 客户组合仅供伙伴查询
parked events are the administrator's | 搁置事件由管理员处理
positions are the administrator's | 消费位置由管理员处理
restatements are the administrator's | 重述由管理员发起
operator account | 操作员账号
operators are added by the account or its administrators | 操作员由账号或其管理员添加
operators are changed by the account or its administrators | 操作员由账号或其管理员修改
its password opens the ops console | 该操作员的密码可进入运维控制台
the ops console shows every partner's events | 运维控制台显示所有伙伴的事件
the account itself signs in by this name | 账号本身使用该登录名
too many exchanges in a row | 连续换取凭证次数过多
{} keys | 已有 {} 个密钥
neither Authorization nor X-Auth-Token was sent | 未携带 Authorization 或 X-Auth-Token
the access key is not known | 访问密钥不存在
X-Security-Token is not the temporary key's | X-Security-Token 与临时密钥不匹配
X-Domain-Id is not the account of the credential | X-Domain-Id 不是凭证所属的账号
the token is another principal's | 令牌属于其他主体
the grant behind it has ended | 其授权已结束
no internal identity | 缺少内部身份
internal identity {} | 内部身份无效
X-Request-Id {} | X-Request-Id {}
# --- signatures
the Authorization header is malformed. | Authorization 请求头格式错误。
the Authorization header is malformed: too many signed headers.
| Authorization 请求头格式错误：签名头过多。
the algorithm is not spoken here; sign with SDK-HMAC-SHA256: {}.
| 不支持签名算法 {}，请使用 SDK-HMAC-SHA256。
a signed header is missing: {}. | 缺少已签名的请求头 {}。
a signed header came more than once: {}. | 已签名的请求头 {} 重复。
X-Sdk-Date must be among the signed headers. | X-Sdk-Date 必须参与签名。
X-Sdk-Date must be like 20261123T030000Z. | X-Sdk-Date 格式应为 20261123T030000Z。
X-Sdk-Date is more than 15 minutes away from the server's clock.
| X-Sdk-Date 与服务器时间相差超过 15 分钟。
UNSIGNED-PAYLOAD is not accepted; sign the body. | 不接受 UNSIGNED-PAYLOAD，请对请求体签名。
X-Sdk-Content-Sha256 is not the hash of the body. | X-Sdk-Content-Sha256 与请求体的摘要不一致。
the signature does not match. | 签名不匹配。
The first one, {}, is still under way. | 首次请求（{}）仍在处理中。
The answer to the first one, {}, was not kept. | 首次请求（{}）的响应未保存。
# --- states
{} jobs are running | 有 {} 个任务正在执行
the request is {} | 申请当前状态为{}
the order costs something else by now | 订单金额已变化
the partner has been asked already | 已向伙伴提交过代付申请
the customer is {} | 客户当前状态为{}
the application is {} | 申请当前状态为{}
the application is decided | 申请已处理
the authorization is {} | 授权当前状态为{}
an authorization is {} | 已有授权，状态为{}
an application to {} is open | 已有待处理的申请：{}
the member's status is {} | 成员当前状态为{}
status {} | 当前状态为 {}
the version is {} | 当前版本为 {}
the customer has this type | 客户已是该关联类型
the customer has no verified name | 客户未实名认证
the customer is frozen | 客户已冻结
either an order or lines | 订单与订单行二选一
lines say their discount themselves | 订单行自带折扣信息
more than one currency | 币种不一致
a line is named twice | 订单行重复
not the currency of the coupons | 与券的币种不同
together | 同时使用
frozen already | 已冻结
not frozen | 未冻结
frozen by another type | 已被其他类型冻结
frozen by another type: unfreeze it first | 已被其他类型冻结，请先解冻
the next application is possible from {} on | {} 之后方可再次申请
only an associated resale customer can authorize its partner | 只有已关联的代售客户可以授权其伙伴
only a verified enterprise can be a master | 只有通过企业认证的客户可以成为企业主账号
it is a master already | 已是企业主账号
a member of another enterprise cannot be a master | 其他企业的成员不能成为企业主账号
{} levels at most | 最多 {} 层
{} units at most | 最多 {} 个组织
the master has no phone | 企业主账号没有手机号
there is no upstream | 没有上游
sweep {} is running | 同步 {} 正在进行
held by order {} | 被订单 {} 占用
a payment is under way | 正在支付
{} is not overdue | {} 未超时
{} is not being provisioned | {} 不在开通中
the association with the partner has ended | 与伙伴的关联已结束
no customer of the partner | 不是该伙伴的客户
not a link | 不是链接
a link that begins with https:// | 应为以 https:// 开头的链接
credentials in a link | 链接中含有凭证
not a link of the vendor's price calculator | 不是价格计算器的链接
no id of a shared list | 缺少分享清单的编号
another application waits for its decision | 另有申请待审批
the caps are in {} | 额度上限的币种为 {}
the application is {} | 该申请的状态为 {}
goes with an approval | 仅在批准时填写
the attempt is closed | 该次支付已结束
the attempt asked for other coupons | 该次支付使用的是其他券
unknown partner account | 伙伴账号不存在
what is paid for a period is unsubscribed | 包周期资源应退订
the earmarked part of the balance stays | 余额中的专款部分不可动用
too little on the partner's balance | 伙伴的余额账户金额不足
too little on the partner's credit | 伙伴的信用账户金额不足
too little on the customer's balance | 客户的余额账户金额不足
too little on the customer's credit | 客户的信用账户金额不足
too little on the customer's balance and credit together | 客户的余额与信用账户合计金额不足
too little on the member's balance | 企业子账号的余额账户金额不足
too little on the member's credit line | 企业子账号的信用额度不足
the master gave the member less | 超出企业主账号已拨款的金额
what the credit paid is not found | 未找到该信用额度支付的账单
FINANCIAL_CUSTODY: its master pays for it | FINANCIAL_CUSTODY：财务托管企业子账号由企业主账号支付
IS_DEBT: the master owes | IS_DEBT：企业主账号存在欠费
whole seconds only | 只能精确到秒
not a line that was charged | 不是收费的账单明细
more than the line came to, less what was compensated | 超过该明细的应付金额减去已补偿的金额
# --- things
customer {} | 客户 {}
partner {} | 伙伴 {}
type {} | 类型 {}
account | 账号
{} to {} | {} 到 {}
{} or {} | {} 或 {}
{} is not sold on demand | {} 不支持按需购买
{} is not sold for such periods | {} 不支持该周期
{} has no on-demand price | {} 没有按需价格
# --- parts of us
this process ends | 该进程正在退出
the partner account is not known here yet | 伙伴账号尚未同步
priced in {}, the customer pays in {} | 报价币种为 {}，客户支付币种为 {}
the coupons pay more than the order | 券的金额超过订单金额
the hold does not add up | 冻结金额不符
the quote cannot be read | 无法读取报价
the quote does not add up | 报价金额不符
the coupons cannot be read | 无法读取可用券
the reservation cannot be read | 无法读取券的占用结果
the hold cannot be read | 无法读取冻结结果
{} viewers | 已有 {} 个查看者
parked event {} | 搁置事件 {}
event {}: {} | 事件 {}：{}
no topic {} | 没有主题 {}
no position in {} | {} 没有消费位置
no position of {} in {} | {} 在 {} 没有消费位置
say which: {} | 请指明：{}
{} went on to {} | {} 已前进到 {}
{}; accept the position | {}；请接受该位置
the consumer stands at {}, the topic ends at {} | 消费位置为 {}，主题末尾为 {}
the event at {} would be left out, too | {} 处的事件也会被略过
{}; known: {} | {}；已知：{}
# --- what came last
nothing but characters without a width | 只含零宽字符
must be a whole number | 必须为整数
say which | 请指明对象
there is no such service | 没有该服务
choose one at least | 请至少选择一项
{} is not being carried out | {} 不在处理中
a partner says whose order | 伙伴须指明订单所属客户
the same resource twice | 资源重复
one discount at most | 最多使用一个折扣
the enterprise master pays for this account | 该账号由企业主账号代付
a partner grants type 3, the administrator 0, 1 and 2 | 伙伴授予类型 3，管理员授予类型 0、1、2
only with SANDBOX | 仅在沙箱模式下提供
business time only moves forward | 业务时间只能向前移动
at most {} days ahead | 最多提前 {} 天
business time is moving | 业务时间正在移动
name one of to and advance_seconds | 请在 to 与 advance_seconds 中择一填写
exactly one of order_id, customer_id and product_id | 须且仅须填写其中一项
a payment can only be refused, at once | 支付只能被立即拒绝
goes with fail, and only with fail | 仅在 fail 时填写，且必须填写
it is that already | 已经是该规格
it is not sold by size | 该产品不按大小销售
what was released is refunded | 已释放的资源必须退款
an order is reviewed from its placing on, whatever its id | 订单自下单起即需审核，与订单号无关
"""
_WORDS = {
    "pending": "待关联", "associated": "已关联", "unlinked": "已解除关联",
    "open": "待处理", "agreed": "已同意", "refused": "已拒绝", "withdrawn": "已撤回",
    "requested": "待确认", "active": "有效", "terminated": "已终止",
    "switch": "变更", "unlink": "解除", "paid": "已支付", "rejected": "已拒绝", "lapsed": "已失效",
}  # fmt: skip
_is_prose = re.compile(r"[A-Za-z,;:] +[A-Za-z]").search


def in_chinese(detail: str) -> str | None:
    """The detail in Chinese: names and numbers as they are; None when nobody has given it words."""
    exact, shaped = _table()
    if (said := exact.get(detail)) is not None:
        return said
    for pattern, chinese in shaped:
        if (found := pattern.fullmatch(detail)) is not None:
            return chinese.format(*(_WORDS.get(part, part) for part in found.groups()))
    return None if _is_prose(detail) else detail


@cache
def _table() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Details without a gap by their text, and patterns of the others, the wordiest first.

    A long line goes on after the bar in the next one.
    """
    exact: dict[str, str] = {}
    shaped: list[tuple[str, str]] = []
    lines = "\n".join(part.strip() for part in (_LINES, MONTHS, TRANSFERS))
    for line in lines.replace("\n| ", " | ").splitlines():
        if line.startswith("#"):
            continue
        english, chinese = (part.strip() for part in line.split(" | "))
        if "{}" in english:
            shaped.append((english, chinese))
        else:
            exact[english] = chinese
    shaped.sort(key=lambda row: len(row[0].replace("{}", "")), reverse=True)
    return exact, [(_pattern(english), chinese) for english, chinese in shaped]


def _pattern(english: str) -> re.Pattern[str]:
    return re.compile("(.+)".join(map(re.escape, english.split("{}"))), re.DOTALL)
