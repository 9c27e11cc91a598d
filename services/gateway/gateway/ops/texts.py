"""The console's words in both languages."""

from functools import cache

CHINESE = "zh"
ENGLISH = "en"
LANGUAGES = (CHINESE, ENGLISH)
LANGUAGE_RANGES_MAX = 20


def text(language: str, name: str) -> str:
    """The words of that name; KeyError for a name that has none."""
    english, chinese = _texts()[name]
    return chinese if language == CHINESE else english


def language_of(chosen: str | None, accepted: str) -> str:
    """What was chosen by the switch, else the best of Accept-Language, else English."""
    if chosen in LANGUAGES:
        return chosen
    best, best_weight = ENGLISH, 0.0
    for part in accepted.split(",")[:LANGUAGE_RANGES_MAX]:
        name, _, parameters = part.strip().lower().partition(";")
        language = name.split("-")[0]
        weight = _weight(parameters)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def age(language: str, seconds: float) -> str:
    """How long ago, in one unit."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return text(language, unit).format(int(seconds // length))
    return text(language, "seconds").format(max(int(seconds), 0))


def _weight(parameters: str) -> float:
    if not parameters:
        return 1.0
    try:
        return float(parameters.strip().removeprefix("q="))
    except ValueError:
        return 0.0


@cache
def _texts() -> dict[str, tuple[str, str]]:
    lines = (line.split("|") for line in _LINES.strip().splitlines())
    return {name.strip(): (english.strip(), chinese.strip()) for name, english, chinese in lines}


# name | English | Chinese
_LINES = """
title | Ops console | 运维控制台
skip_to_content | Skip to the content | 跳到正文
switch_language | 中文 | English
sign_in | Sign in | 登录
sign_out | Sign out | 退出登录
signed_in_as | Signed in as {} | 当前用户：{}
sign_in_note | For those who run this system. Ten tries a minute. | 仅限平台运维人员，每分钟最多尝试十次。
operator_way | With an operator account | 使用操作员账号
operator_hint | Its permission {} is given by the administrator. | 需由管理员授予权限项 {}。
token_way | With the administrator's token | 使用管理员令牌
account | Partner account | 伙伴账号
operator | Operator | 操作员
password | Password | 密码
token | Administrator's token | 管理员令牌
wrong_sign_in | Account name, password or token is wrong. | 账号名、密码或令牌错误。
too_many_sign_ins | Too many tries. Wait a minute. | 尝试次数过多，请一分钟后再试。
no_console | This account may not use the ops console. | 该账号无权使用运维控制台。
form_too_old | The form is too old or comes from elsewhere. Go back, reload, try again. | 表单已过期或来源不可信，请返回刷新后重试。
refused | That was refused | 操作被拒绝
back | Back to the console | 返回控制台
live | live | 实时
connecting | connecting… | 连接中…
lost | connection lost, trying again… | 连接中断，正在重连…
ended | Your session has ended. Sign in again. | 会话已结束，请重新登录。
no_script | Without JavaScript the page shows one moment; reload it for the next. | 未启用 JavaScript，页面不会自动更新，请手动刷新。
overview | Overview | 概览
services_well | Services well | 正常服务
of_services | of {} | 共 {} 个
events_per_second | Events per second | 每秒事件数
last_minutes | last three minutes | 最近三分钟
largest_lag | Largest lag | 最大延迟
at_least | at least | 至少
as_of_ago | as of {} ago | {}前的数据
furthest_behind | of the consumer furthest behind | 最落后的消费者
outbox | Waiting in outboxes | 待发事件
not_yet_sent | rows not yet sent to Kafka | 尚未发往 Kafka 的记录
parked_keys | Parked keys | 滞留键
needs_you | waiting for a person | 等待人工处理
none_waits | none waits | 无
services | Services | 服务
service | Service | 服务
health | Health | 状态
ok | well | 正常
not_ready | not ready | 未就绪
stalled | stalled | 停滞
alarmed | consumer stands | 消费停滞
away | no answer | 无响应
answered | Answered | 响应
stated | Stated /s | 发布/秒
outbox_rows | Outbox | 发件箱
oldest | Oldest | 最早一条
relay_slots | Relay slots | 中继槽位
relay_failures | Relay failures | 中继失败
consumers | Consumers | 消费者
consumer | Consumer | 消费者
handled | Handled /s | 处理/秒
lag_events | Lag, events | 积压事件
lag_seconds | Lag, seconds | 延迟（秒）
no_consumers | No service speaks of a consumer yet. | 暂无消费者数据。
flow | Event flow | 事件流
flow_note | the last 50, newest first; ids only | 最近 50 条，新的在前，仅显示标识
no_events | Nothing has happened yet. Events show here as they are stated. | 暂无事件，发布后将实时显示。
time | Time (Beijing) | 时间（北京）
type | Type | 类型
subject | Subject | 对象
partner | Partner | 伙伴
age | Age | 距今
parked | Parked events | 滞留事件
parked_note | An event that keeps failing waits with the later ones of its key; all else flows on. | 持续失败的事件与同键后续事件一并滞留，其余正常流转。
no_parked | Nothing is parked. | 没有滞留事件。
key | Key | 键
stream | Stream | 流
waiting | Waiting | 等待数
since | Since | 起始时间
error | Error | 错误
decide | Look and decide | 查看并处理
refusals | Refusals | 拒绝
refusals_note | by code; lately: the last five minutes, while somebody looked | 按错误码统计；近期指有人查看时的最近五分钟
no_refusals | Nobody was refused anything. | 没有拒绝记录。
code | Code | 错误码
meaning | Meaning | 含义
lately | Lately | 近期
since_start | Since start | 启动以来
parked_event | Parked event {} | 滞留事件 {}
event_id | Event id | 事件标识
attempts | Attempts | 尝试次数
state | State | 处理状态
state_waiting | waiting | 等待处理
state_replayed | replayed | 已重放
state_skipped | skipped | 已跳过
headers | Headers | 消息头
body | Body | 消息体
body_note | It may hold personal data; that you opened it is recorded. | 可能含个人数据，查看行为已记录审计。
waits_behind | It has no error of its own: it waits behind another event of its key. | 自身无错误，因同键前序事件而等待。
replay | Replay the key | 重放该键
replay_note | Handles the key's events in order until one fails or none is left. | 按顺序处理该键的事件，直至失败或全部完成。
edit | Edit and replay | 编辑并重放
edit_note | The event gets this body, then the key is replayed. What arrived is kept beside it. | 以此内容替换消息体并重放，原始内容会保留。
new_body | New body (JSON) | 新消息体（JSON）
skip | Skip the event | 跳过该事件
skip_note | The event is left out for good. | 该事件将被永久跳过。
replay_rest | Then replay what waits behind it | 随后重放其后等待的事件
reason | Reason (required) | 原因（必填）
working | Working… | 处理中…
told_replayed | Events handled: {}. The key flows again. | 已处理 {} 个事件，该键恢复流转。
told_edited | Edited. Events handled: {}. The key flows again. | 已编辑并处理 {} 个事件，该键恢复流转。
told_skipped | Skipped. Events handled behind it: {}. | 已跳过，随后处理了 {} 个事件。
told_stuck | Done. The next event of the key fails too; it is in the list. | 已处理，但同键的下一个事件也失败，见列表。
may_not_decide | To decide you need the permission {}, which the administrator gives. | 处理事件需要由管理员授予权限项 {}。
already_decided | This event has been decided. | 该事件已处理。
seconds | {} s | {} 秒
minutes | {} min | {} 分钟
hours | {} h | {} 小时
days | {} d | {} 天
milliseconds | {} ms | {} 毫秒
"""  # noqa: E501
