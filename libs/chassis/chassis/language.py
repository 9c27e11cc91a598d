"""The language in which a caller is answered (docs/domain/wire-protocol.md D.3)."""

from collections.abc import Iterable
from http import HTTPStatus

from wire.codes import CHINESE, ENGLISH, accepted_language, language_of

_PHRASES = """
400 | 请求无效
401 | 未认证
403 | 禁止访问
404 | 不存在
405 | 方法不允许
409 | 冲突
410 | 已失效
412 | 前提条件不满足
413 | 请求体过大
415 | 不支持的媒体类型
417 | 无法满足预期
422 | 无法处理
429 | 请求过多
431 | 请求头过大
500 | 内部错误
501 | 尚未实现
502 | 网关错误
503 | 服务不可用
504 | 网关超时
"""


def asked_language(headers: Iterable[tuple[bytes, bytes]], *, is_ours: bool) -> str | None:
    """`zh_CN` or `en_US` as X-Language says, or Accept-Language on our own paths; None: neither."""
    accepted = None
    for name, value in headers:
        if name == b"x-language" and (said := language_of(value.decode("latin-1"), "")):
            return said
        if name == b"accept-language" and is_ours:
            accepted = accepted_language(value.decode("latin-1"))
    return accepted


def spoken_language(headers: Iterable[tuple[bytes, bytes]], *, is_ours: bool) -> str:
    """The language asked for; English for whoever asks for none."""
    return asked_language(headers, is_ours=is_ours) or ENGLISH


def language_of_site(site: str) -> str:
    """What the vendor's API speaks to whoever asks for no language (decision 0070)."""
    return CHINESE if site == "china" else ENGLISH


def status_phrase(status: int, language: str) -> str:
    """What a status is called."""
    if language != CHINESE:
        return HTTPStatus(status).phrase
    named = dict(line.split(" | ") for line in _PHRASES.strip().splitlines())
    return named.get(str(status), "请求失败")
