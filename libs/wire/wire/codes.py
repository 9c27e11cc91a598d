"""Every error code: the vendor's and ours, with its words.

See docs/domain/wire-protocol.md D.3, docs/domain/error-codes.md D.4.

The words are ours and short. The vendor's codes keep the vendor's meaning; CHB codes are
Channelbus's own.
"""

import re
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

CHINESE = "zh_CN"
ENGLISH = "en_US"
LANGUAGE_RANGES_MAX = 20  # of an Accept-Language header


@dataclass(frozen=True, slots=True)
class Code:
    """An error code, its HTTP status and its text in both languages."""

    code: str
    status: int
    en: str
    zh: str

    def text(self, language: str | None = None, field: str | None = None) -> str:
        """The text in the language asked for (as X-Language says it), naming the field if any."""
        chinese = language_of(language) == CHINESE
        words = self.zh if chinese else self.en
        if field is None:
            return words
        return f"{words}字段：{field}。" if chinese else f"{words} Field: {field}."


def language_of(x_language: str | None, default: str = ENGLISH) -> str:
    """`zh_CN` or `en_US` from a header in any spelling; what is unknown gets the default."""
    text = (x_language or "").strip().lower().replace("-", "_")
    return CHINESE if text.startswith("zh") else ENGLISH if text.startswith("en") else default


def accepted_language(accept_language: str) -> str | None:
    """`zh_CN` or `en_US`, whichever an Accept-Language header likes better; None: neither."""
    best, best_weight = None, 0.0
    for part in accept_language.split(",")[:LANGUAGE_RANGES_MAX]:
        name, _, parameters = part.strip().partition(";")
        language, weight = language_of(name, ""), _weight(parameters)
        if language and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    """Of a language range: 1, unless its q says otherwise."""
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    found = _is_weight(value.strip())
    return float(value) if name.strip().lower() == "q" and found else 0.0


_is_weight = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII).fullmatch


def code(name: str) -> Code:
    """The code of that name; LookupError for one that nobody has given words to."""
    try:
        return codes()[name]
    except KeyError:
        raise LookupError(f"no words for error code {name}: add it to wire.codes") from None


@cache
def codes() -> dict[str, Code]:
    """All codes by name."""
    found: dict[str, Code] = {}
    for (prefix, status), lines in _TEXTS.items():
        for line in lines.strip().splitlines():
            number, en, zh = (part.strip() for part in line.split("|"))
            name = f"{prefix}.{number}"
            found[name] = Code(name, int(status), en, zh)
    return found


# One line a code: number | English | Chinese.
_TEXTS: dict[tuple[str, HTTPStatus], str] = {
    ("APIGW", HTTPStatus.UNAUTHORIZED): """
        0301 | The request's signature was not accepted. | 请求签名校验未通过。
        0307 | The token has expired; get a new one. | 令牌已过期，请重新获取。
    """,
    ("APIGW", HTTPStatus.FORBIDDEN): """
        0302 | The caller is not authorised for this API. | 调用方无权访问该接口。
    """,
    ("APIGW", HTTPStatus.NOT_FOUND): """
        0101 | There is no such API, or it is not published. | 接口不存在或未发布。
    """,
    ("APIGW", HTTPStatus.TOO_MANY_REQUESTS): """
        0308 | Too many requests; send fewer per second. | 请求过于频繁，请降低每秒请求数。
    """,
    ("CBC", HTTPStatus.OK): """
        0000 | Done. | 成功。
        99003610 | What is in grace or retention is not converted. | 宽限期、保留期资源不能转按需。
    """,
    ("CBC", HTTPStatus.UNAUTHORIZED): """
        0154 | The token is unknown or no longer valid. | 令牌不存在或已失效。
    """,
    ("CBC", HTTPStatus.FORBIDDEN): """
        0150 | This operation is not allowed on that object. | 不允许对该对象执行此操作。
        0151 | This kind of caller may not use the operation. | 该类调用方无权使用此操作。
        0155 | The request is not allowed. | 不允许该请求。
    """,
    ("CBC", HTTPStatus.TOO_MANY_REQUESTS): """
        0250 | Flow control: try again later. | 触发流控，请稍后重试。
    """,
    ("CBC", HTTPStatus.INTERNAL_SERVER_ERROR): """
        0999 | Something failed on our side. | 系统内部错误。
        99000050 | The account exists, but its association was not confirmed in time; query the customer list. | 账号已创建，但关联结果未及时返回，请通过客户列表确认。
    """,  # noqa: E501
    ("CBC", HTTPStatus.BAD_REQUEST): """
        0100 | A parameter is missing, malformed, too long or out of range. | 参数缺失、格式错误、超长或越界。
        0101 | A parameter has a value that does not exist. | 参数取值不存在。
        5003 | The balance is not sufficient. | 余额不足。
        5017 | The mobile number is malformed. | 手机号格式不正确。
        5023 | The account type does not fit the association. | 账户类型与关联类型不符。
        99000000 | No permission for this customer. | 没有该客户的操作权限。
        99000004 | The customer's authorization of the partner failed. | 客户对伙伴的授权失败。
        99000012 | The quota does not exist or cannot be used in its state. | 额度不存在或状态不可用。
        99000013 | The quota's balance is not sufficient. | 额度余额不足。
        99000014 | The customer's cooperation type does not fit the quota. | 客户的合作类型与额度不符。
        99000015 | The quota's status does not allow it. | 额度状态不允许该操作。
        99000017 | The quota is not in effect yet or has expired. | 额度未生效或已过期。
        99000018 | The face value is below the quota's minimum. | 面额低于额度下限。
        99000019 | The face value is above the quota's maximum. | 面额高于额度上限。
        99000020 | The quota's number of coupons is used up. | 超出额度的发放张数限制。
        99000021 | The quota's total for one customer is used up. | 超出额度的发放总额限制。
        99000022 | The quota is for customers associated for the first time. | 该额度仅限首次关联的客户。
        99000023 | The services or products are outside the quota. | 云服务或产品超出额度范围。
        99000024 | The purchase types are outside the quota. | 购买类型超出额度范围。
        99000025 | A partner of this type cannot issue to itself. | 该类伙伴不能给自己发放。
        99000026 | The verification code is wrong. | 验证码错误。
        99000027 | The verification code has expired. | 验证码已过期。
        99000029 | The mobile number is in use. | 手机号已被使用。
        99000030 | The mobile number has reached its number of accounts. | 手机号关联的账号数已达上限。
        99000031 | The account name is malformed. | 账号名格式不正确。
        99000035 | This is not a customer of the partner. | 该账号不是伙伴的子客户。
        99000036 | The password does not follow the rules. | 密码不符合要求。
        99000037 | No permission for this reseller. | 没有该云经销商的操作权限。
        99000038 | The account name is in use. | 账号名已存在。
        99000039 | The platform account id is in use. | 平台账号标识已被使用。
        99000043 | The transfer between master and member failed. | 企业主子账号间划拨失败。
        99000047 | The account does not exist. | 账户不存在。
        99000051 | The phone or mailbox is registered by the vendor. | 手机或邮箱已被华为登记。
        99000089 | Use the id of the combined order. | 请使用组合订单的订单号。
        99000092 | The period is not allowed. | 周期校验未通过。
        99000099 | The file is too large. | 文件过大。
        99000100 | The file's format is not accepted. | 文件格式不支持。
        99003012 | There is no such resource. | 资源不存在。
        99003016 | The resource has expired or does not exist. | 资源已过期或不存在。
        99003100 | The resource stands in an order in progress. | 资源存在处理中的订单。
        99003106 | The order's state has changed. | 订单状态已变化。
        99003108 | The discount does not belong to this order. | 折扣不适用于该订单。
        99003110 | The order's payment deadline has passed. | 订单已过支付期限。
        99003112 | The coupon or card cannot be used. | 优惠券或储值卡不可用。
        99003116 | The coupon cannot be combined with this discount. | 优惠券不能与该折扣同时使用。
        99003117 | The discount is below the coupon's minimum. | 折扣低于优惠券的最低折扣限制。
        99003128 | There is no renewed period to unsubscribe. | 没有可退订的续费周期。
        99003141 | Quota, capacity or specification is not sufficient. | 配额、容量或规格不足。
        99003144 | The resource stands in an order that is being processed. | 资源存在正在处理的订单。
        99003147 | Cash and discount coupons exclude each other. | 代金券与折扣券不能同时使用。
        99003154 | The resource's end would lie too far ahead. | 资源到期时间超出最长期限。
        99003155 | The project fund does not allow the payment. | 项目资金不允许支付。
        99003156 | Marketplace and dedicated coupons exclude each other. | 云商店券与专用券不能同时使用。
        99003162 | The order's effective time has passed. | 订单已过设定的生效时间。
        99003185 | The resources must be unsubscribed as a whole. | 资源需要整体退订。
        99003198 | The organisation's budget is exceeded. | 超出组织预算。
        99003602 | The resource has expired or is frozen. | 资源已过期或已冻结。
        99003634 | The package must be renewed as a whole. | 套餐需要一起续费。
        99003608 | Marketplace products cannot be charged on demand. | 严选商品不支持转按需。
        99003609 | The product cannot be charged on demand. | 该产品不支持转按需。
        99003611 | A package cannot be charged on demand. | 套餐包不支持转按需。
        99003622 | A solution cannot be charged on demand. | 解决方案产品不支持转按需。
        99003623 | Another order of the resource is under way. | 资源存在其他处理中的交易。
        99003624 | The resource is frozen. | 资源已被冻结。
        99003625 | The resource is frozen by an authority. | 资源已被公安冻结。
        99003626 | The account is frozen. | 账号已被冻结。
        99003643 | The order has been invoiced. | 订单已开票。
        99003647 | A part of a package cannot be unsubscribed alone. | 套餐内资源不能单独退订。
        99003649 | A trial resource cannot be unsubscribed. | 试用资源不支持退订。
        99003650 | A marketplace product cannot be unsubscribed here. | 云商店商品不支持在此退订。
        99003651 | The resource is in a transaction. | 资源正在交易中。
        99003652 | The resource does not allow it in its state. | 资源当前状态不允许该操作。
        99003654 | The resource does not support unsubscription. | 资源不支持退订。
        99003656 | The resource is frozen. | 资源已冻结。
        99004008 | The verification code has expired. | 验证码已失效。
        99004009 | Too many wrong codes; get a new one. | 验证码错误次数过多，请重新获取。
        99004010 | The verification code is wrong. | 验证码不正确。
        99005003 | The balance is not sufficient. | 余额不足。
        99005010 | The order cannot be cancelled. | 订单不能取消。
        99005030 | The feature is switched off. | 该功能未开启。
        99005035 | A test partner account may not do this. | 测试伙伴账号不支持该操作。
        99006006 | The product was not found. | 未找到产品。
        99006016 | The price was not found. | 未找到价格。
        99006017 | The usage factor was not found. | 未找到使用量因子。
        99006024 | The unit was not found. | 未找到度量单位。
        99006050 | The unit cannot be converted. | 度量单位无法换算。
        99006066 | The refund amount could not be found. | 退款金额查询失败。
        99006093 | The tax rate could not be found. | 税率查询失败。
        99007004 | The business check failed. | 业务校验未通过。
        99007009 | The transaction id has been used. | 事务ID已被使用。
        99007181 | The credit account has expired. | 信用账户已过期。
        99007188 | Real-name authentication is done or in review. | 已实名认证或正在审核中。
        99007189 | The identity document is used too often. | 证件使用次数超限。
        99007191 | Too many attempts at real-name authentication. | 实名认证尝试次数过多。
        99007193 | The identity document is barred. | 该证件禁止使用。
        99007202 | The identity check failed. | 身份校验未通过。
        99007219 | The face check failed. | 人脸校验未通过。
        99007255 | The bank card is not accepted. | 银行卡不支持。
        99007258 | The bank card check failed. | 银行卡校验未通过。
        99007260 | The bank card number is wrong. | 银行卡号不正确。
        99007261 | The bank card's mobile number does not match. | 银行卡预留手机号不一致。
        99007262 | The bank card check is not available. | 银行卡校验暂不可用。
        99007461 | Another transfer is running. | 有划拨任务正在执行。
        99008040 | The operation was repeated too fast. | 操作过于频繁。
        99008056 | The daily limit is reached. | 已达每日上限。
        30000010 | The order is not valid. | 订单无效。
        30000052 | The customer's account is frozen. | 客户账号已冻结。
        30000053 | A savings plan cannot be unsubscribed. | 节省计划不支持退订。
        30000067 | The resource is deleted or not managed here. | 资源已删除或不受管理。
        30010036 | This is not a main resource. | 该资源不是主资源。
        30010069 | The product is not sold for this period. | 产品不支持该周期。
        30050006 | The automatic payment failed. | 自动支付失败。
        30050007 | The resource is not a main resource. | 资源不是主资源。
        30050008 | The resource has no such period. | 资源不支持该续费周期。
        30050009 | The resource is expired or missing. | 资源已过期或不存在。
        30050010 | The resource is in a pending order. | 资源在待支付订单中。
        30050011 | The resource is being unsubscribed or changed. | 资源正在退订或变更。
        30050012 | The resource is named twice. | 资源重复。
        30050013 | The resource cannot be renewed. | 资源不支持续费。
        50000010 | The partner uses vouchers itself and cannot issue coupons. | 伙伴用券模式下不能发放优惠券。
        50000020 | The quota is for a named customer. | 该额度限定客户使用。
        50000021 | The named customer is not the reseller's. | 限定客户不属于该云经销商。
        50000034 | A custody member cannot receive coupons. | 财务托管企业子账号不能接收优惠券。
        50000045 | Another hand-out of this quota is under way. | 该额度有正在处理的发放任务。
        50010059 | A tier-1 distributor may not associate customers itself. | 总经销商不能直接关联客户。
        50010065 | The distributor has been delisted. | 总经销商已退出。
        50010105 | The reseller is leaving or has left. | 云经销商正在退出或已退出。
        50010085 | The partner is restricted. | 伙伴已被限制。
        50010086 | The reseller's distributor is restricted. | 云经销商的总经销商已被限制。
        70600026 | Ask your manager to go on with this authentication. | 请联系客户经理处理该认证。
    """,  # noqa: E501
    ("CHB", HTTPStatus.UNAUTHORIZED): """
        0401 | The account name or the password is wrong. | 账号名或密码错误。
    """,
    ("CHB", HTTPStatus.FORBIDDEN): """
        1001 | The customer has not authorized its partner. | 客户尚未授权其伙伴。
    """,
    ("CHB", HTTPStatus.NOT_FOUND): """
        0404 | There is no such object, or it is not yours. | 对象不存在或不属于您。
    """,
    ("CHB", HTTPStatus.CONFLICT): """
        0001 | This signed request came before; sign the command anew in the next second. | 该签名请求已提交过，请在下一秒重新签名后再发送。
        0409 | The object's state does not allow it. | 对象当前状态不允许该操作。
        1003 | That is more than is left of what the solution may have. | 超出该方案剩余可申请额度。
        1002 | Marketplace products cannot be ordered on behalf. | 云商店商品不支持代客下单。
    """,  # noqa: E501
    ("CHB", HTTPStatus.GONE): """
        0410 | The cursor is older than what is kept; start over. | 游标早于保留范围，请重新开始。
    """,
    ("CHB", HTTPStatus.PRECONDITION_FAILED): """
        0412 | The object has changed since you read it. | 对象在您读取之后已变化。
    """,
    ("CHB", HTTPStatus.UNPROCESSABLE_ENTITY): """
        0422 | The Idempotency-Key was used for another request. | 该幂等键已用于其他请求。
    """,
    ("CHB", HTTPStatus.PRECONDITION_REQUIRED): """
        0428 | This operation needs a verification code. | 该操作需要验证码。
    """,
    ("CHB", HTTPStatus.NOT_IMPLEMENTED): """
        0002 | The operation is not available in connected mode. | 对接模式下不提供该操作。
        0003 | The operation is not available yet. | 该操作尚未提供。
    """,
    ("CHB", HTTPStatus.SERVICE_UNAVAILABLE): """
        0503 | Another part of the system did not answer; try again. | 系统其他部分未响应，请重试。
    """,
}
