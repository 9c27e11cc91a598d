"""The console's words in both languages."""

from functools import cache

from wire import codes
from wire.codes import accepted_language

CHINESE = "zh"
ENGLISH = "en"
LANGUAGES = (CHINESE, ENGLISH)


def text(language: str, name: str) -> str:
    """The words of that name; KeyError for a name that has none."""
    english, chinese = _texts()[name]
    return chinese if language == CHINESE else english


def language_of(chosen: str | None, accepted: str) -> str:
    """What was chosen by the switch, else the best of Accept-Language, else English."""
    if chosen in LANGUAGES:
        return chosen
    return CHINESE if accepted_language(accepted) == codes.CHINESE else ENGLISH


def age(language: str, seconds: float) -> str:
    """How long ago, in one unit."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return text(language, unit).format(int(seconds // length))
    return text(language, "seconds").format(max(int(seconds), 0))


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
account_menu | Language and account | 语言与账号
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
business_time | Business time: | 业务时间：
ahead_of_the_wall | An administrator moved it ahead of the wall's. | 管理员已将其调快，领先于实际时间。
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
decisions | Decisions | 处理记录
decisions_note | Who decided about parked events and positions, when and why. | 滞留事件与位点的处理人、时间与原因。
no_decisions | Nothing was decided yet. | 暂无处理记录。
decision | Decision | 处理
by_whom | By | 处理人
why | Reason | 原因
decided_edited | edited | 编辑
decided_replayed | replayed | 重放
decided_skipped | skipped | 跳过
decided_replayed_all | many keys replayed | 批量重放
decided_accepted | position accepted | 接受位点
decided_stepped_over | offset stepped over | 越过位点
older | Older ones | 更早的记录
every_service | every service | 全部服务
show | Show | 查看
did_not_say | No answer from {}; what it has is missing here. | {} 无响应，此处缺少其数据。
replay_all | Replay many keys | 批量重放
replay_all_note | Replays every parked key, or those whose error holds a text, each in its order. What fails again stays parked. | 重放所有滞留键，或错误中含指定文本的滞留键，各键按顺序处理；再次失败的仍滞留。
error_holds | Error holds (in English, as it is kept; empty: every key) | 错误包含（按保存的英文匹配，留空为全部）
replay_like_it | All with this error | 同类错误批量重放
positions | Positions | 位点
positions_note | Consumers that do not stand at the end of their partition; those under alarm first. | 未处于分区末尾的消费者，告警的在前。
all_at_end | Every consumer stands at the end of its partitions. | 所有消费者均处于分区末尾。
more_positions | {} more are not shown. | 另有 {} 条未显示。
position | Stands at | 当前位点
end | Ends at | 末尾
alarm | Alarm | 告警
partition | Partition | 分区
offset | Offset | 位点
consumer_optional | Consumer (where the service has several of the stream) | 消费者（该服务对此流有多个消费者时填写）
step_over | Step over one offset | 越过一个位点
step_over_note | Leaves out the one offset at which the consumer stands, for good. For what can neither be read nor parked. | 永久跳过消费者当前所在的一个位点，仅用于无法读取也无法滞留的消息。
step_over_it | Step over | 越过
reason_optional | Reason | 原因
parked_by | Parked by | 滞留的消费者
decide_for | Decide for | 处理范围
waits_there | waits behind another event there | 在该处等待前序事件
failed_there | failed | 失败
also_done | It was carried out for {}. | 已对 {} 执行。
was_edited | edited; what arrived is kept | 已编辑，原始内容已保留
typed | What you typed | 您填写的内容
typed_note | What you typed is still here. | 您填写的内容仍保留在此。
send_again | Send it again | 再次提交
told_many | Keys that flow again: {1}. Events handled: {0}. Keys that fail again: {2}. | 恢复流转的键：{1}，处理的事件：{0}，再次失败的键：{2}。
told_stepped_over | Stepped over. The consumer goes on within its next look. | 已越过，消费者将在下次读取时继续。
schedules | Schedules | 定时任务
schedules_note | What comes with time: deadlines, renewals, ends, notices, pruning. The furthest behind first. | 随时间执行的工作：截止、续订、到期、通知、清理；最落后的在前。
schedule | Schedule | 定时任务
last_ran | Last ran to its end | 最近一次成功执行
not_yet | not yet | 尚未执行
behind | Behind | 落后
failed_turns | Failed turns since start | 启动以来失败次数
no_schedules | No service speaks of a schedule yet. | 暂无定时任务数据。
jobs | Order jobs | 订单批量任务
jobs_note | Bulk work that partners gave the order service, the newest first. | 伙伴提交给订单服务的批量任务，新的在前。
job | Job | 任务
kind | Kind | 类型
items | Items | 条目
item | Item | 条目
succeeded | succeeded | 成功
ended_at | Ended | 结束时间
progress | Progress | 进度
no_jobs | There are no jobs. | 暂无批量任务。
job_running | running | 执行中
job_done | done | 已完成
job_stopped | stopped | 已停止
job_renew | renewals | 续订
job_auto_renewal | automatic renewal | 设置自动续订
job_cancel | cancellations | 取消订单
job_unsubscribe | unsubscriptions | 退订
job_pay_requests | payments for customers | 代支付
job_place | orders | 下单
job_progress | {} succeeded, {} failed, {} waiting, of {} | 成功 {}，失败 {}，等待 {}，共 {}
stop_job | Stop the job | 停止任务
stop_note | No further item is begun. What is done stays done. | 不再开始新的条目，已完成的保持不变。
failed_items | Failed items | 失败的条目
further_items | Further ones | 更多
no_failed_items | Nothing has failed. | 没有失败的条目。
order | Order | 订单
vouchers | Vouchers | 券
voucher_state | How it stands | 现状
proof_balanced | The ledger balances. Last proved: | 账实相符。最近核对时间：
proof_differs | The ledger does not balance: {} differences. Last proved: | 账实不符：{} 处差异。最近核对时间：
no_proof | The ledger has not been proved yet. | 尚未核对账本。
oldest_hold | The oldest hold has lasted {}: order {}, attempt {}. | 最久的占用已持续 {}：订单 {}，支付尝试 {}。
no_hold | No payment holds a coupon. | 没有支付占用券。
voucher_deeds | What was done in the last {} hours | 最近 {} 小时的操作
deed | Done | 操作
deed_issued | issued | 发放
deed_redeemed | redeemed | 使用
deed_restored | restored | 退回券
deed_recalled | recalled | 回收
deed_expired | expired | 过期
coupons | Coupons | 券数
no_deeds | Nothing was done with coupons. | 没有券操作。
voucher_refusals | Refused in the last {} hours | 最近 {} 小时的拒绝
nothing_refused | No coupon was refused. | 没有券被拒绝。
quotas_low | Quotas below a tenth: {} | 余额不足一成的额度：{}
no_quota_low | No quota in force is below a tenth. | 没有余额不足一成的有效额度。
quota | Quota | 额度
quota_value | Value | 额度总额
quota_left | Left | 余额
amount | Amount | 金额
currency | Currency | 币种
already_decided | This event has been decided. | 该事件已处理。
seconds | {} s | {} 秒
minutes | {} min | {} 分钟
hours | {} h | {} 小时
days | {} d | {} 天
milliseconds | {} ms | {} 毫秒
"""  # noqa: E501
