"""What a validator found, in sentences of both languages: its own words and links reach nobody.

Values are not repeated, since they may be personal. Errors of parked events are kept in English;
`in_language` says them in the reader's.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from pydantic import ValidationError

from chassis.errors import RefusedError

SENTENCES_MAX = 10
_CHINESE = "zh"


@dataclass(frozen=True, slots=True)
class Told:
    """The same in both languages."""

    en: str
    zh: str


class ToldError(Exception):
    """An error that is said in both languages."""

    def __init__(self, told: Told):
        self.told = told
        super().__init__(told.en)


# By kind; `{field}` is where, `{bound}` is how much, how many or which.
_SENTENCES = {
    "missing": Told("The field {field} is missing.", "缺少字段 {field}。"),
    "extra": Told("There is no field {field}.", "没有字段 {field}。"),
    "object": Told("The field {field} must be an object.", "字段 {field} 必须是对象。"),
    "list": Told("The field {field} must be a list.", "字段 {field} 必须是列表。"),
    "text": Told("The field {field} must be a text.", "字段 {field} 必须是文本。"),
    "whole": Told("The field {field} must be a whole number.", "字段 {field} 必须是整数。"),
    "number": Told("The field {field} must be a number.", "字段 {field} 必须是数字。"),
    "truth": Told(
        "The field {field} must be true or false.", "字段 {field} 必须是 true 或 false。"
    ),
    "instant": Told(
        "The field {field} must be an instant with a time zone.",
        "字段 {field} 必须是带时区的时间。",
    ),
    "date": Told("The field {field} must be a date.", "字段 {field} 必须是日期。"),
    "uuid": Told("The field {field} must be a UUID.", "字段 {field} 必须是 UUID。"),
    "choice": Told(
        "The field {field} must be one of {bound}.", "字段 {field} 必须是 {bound} 之一。"
    ),
    "short": Told(
        "The field {field} is shorter than {bound}.", "字段 {field} 的长度小于 {bound}。"
    ),
    "long": Told("The field {field} is longer than {bound}.", "字段 {field} 的长度大于 {bound}。"),
    "small": Told("The field {field} is smaller than {bound}.", "字段 {field} 的值小于 {bound}。"),
    "large": Told("The field {field} is larger than {bound}.", "字段 {field} 的值大于 {bound}。"),
    "positive": Told(
        "The field {field} must be larger than {bound}.", "字段 {field} 的值必须大于 {bound}。"
    ),
    "below": Told(
        "The field {field} must be smaller than {bound}.", "字段 {field} 的值必须小于 {bound}。"
    ),
    "other": Told(
        "The field {field} has a value that is not allowed.", "字段 {field} 的值不允许。"
    ),
    "json": Told("The text is no JSON.", "内容不是有效的 JSON。"),
    "json_at": Told("The text is no JSON: {bound}.", "内容不是有效的 JSON：{bound}。"),
    "further": Told("There are {bound} further faults.", "另有 {bound} 处错误。"),
    # What the bus says of a message (`chassis.messages`); the field is the event's type.
    "contract": Told("The event breaks the contract of {field}.", "事件不符合 {field} 的契约。"),
    "type_header": Told("The header ce_type is missing.", "缺少消息头 ce_type。"),
    "id_header": Told("The header ce_id must be a UUID.", "消息头 ce_id 必须是 UUID。"),
    "version": Told(
        "The event {field} has the version {bound}, which this consumer cannot read.",
        "事件 {field} 的版本为 {bound}，该消费者无法读取。",
    ),
}

_KINDS = {
    "missing": "missing",
    "extra_forbidden": "extra",
    "json_invalid": "json_at",
    "greater_than": "positive",
    "greater_than_equal": "small",
    "less_than": "below",
    "less_than_equal": "large",
    "string_too_short": "short",
    "string_too_long": "long",
    "too_short": "short",
    "too_long": "long",
    "enum": "choice",
    "literal_error": "choice",
    "int_from_float": "whole",
    "finite_number": "number",
    "wire_malformed": "other",
}
_KINDS_BY_BEGINNING = {
    "int": "whole", "float": "number", "decimal": "number", "string": "text", "bool": "truth",
    "datetime": "instant", "timezone": "instant", "date": "date", "uuid": "uuid", "list": "list",
    "tuple": "list", "set": "list", "dict": "object", "model": "object", "json": "json",
    "string_pattern": "other", "decimal_max": "other", "decimal_whole": "other",
}  # fmt: skip
_BOUNDS = ("gt", "ge", "lt", "le", "min_length", "max_length", "expected")
_PLACE = re.compile(r"line (\d+) column (\d+)")


def sentence(kind: str, field: str = "", bound: object = "") -> Told:
    """One sentence of the table."""
    told = _SENTENCES[kind]
    chinese = _bound_in_chinese(str(bound))
    return Told(
        told.en.format(field=field, bound=bound), told.zh.format(field=field, bound=chinese)
    )


def of_error(error: BaseException) -> Told:
    """What failed, as it is kept and shown: sentences as far as there are any."""
    if isinstance(error, ToldError):
        return error.told
    if isinstance(error, ValidationError):
        return of_validation(error)
    if isinstance(error, RefusedError):
        return Told(error.message("en"), error.message("zh"))
    text = without_validators_words(f"{type(error).__name__}: {error}")
    return Told(text, in_language(text, _CHINESE))


def together(told: Iterable[Told]) -> Told:
    """Several, a line each."""
    every = list(told)
    return Told("\n".join(one.en for one in every), "\n".join(one.zh for one in every))


def of_validation(error: ValidationError) -> Told:
    """What the validator found, a line for each fault, bounded."""
    faults = error.errors(include_url=False, include_input=False)
    lines = [_sentence_of(fault) for fault in faults[:SENTENCES_MAX]]
    if more := len(faults) - len(lines):
        lines.append(sentence("further", bound=more))
    return together(lines)


def _sentence_of(fault: Mapping[str, Any]) -> Told:
    context = fault.get("ctx") or {}
    bound = next((context[name] for name in _BOUNDS if name in context), "")
    kind = _kind_of(fault["type"])
    if kind == "json_at":
        place = _PLACE.search(str(context.get("error", "")))
        kind, bound = ("json_at", place[0]) if place else ("json", "")
    return sentence(kind, _name(fault["loc"]), bound)


def _kind_of(validators_type: str) -> str:
    if validators_type in _KINDS:
        return _KINDS[validators_type]
    words = validators_type.split("_")
    for count in (2, 1):
        beginning = "_".join(words[:count])
        if beginning in _KINDS_BY_BEGINNING:
            return _KINDS_BY_BEGINNING[beginning]
    return "other"


def _name(location: Iterable[str | int]) -> str:
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "body"


# As the validator writes it into a text: a count, then for each fault its place and its words.
_COUNT = re.compile(r"\d+ validation errors? for [^\n]*\n?")
_FAULT = re.compile(
    r"(?:^(?P<field>[^\s\n]+)\n)?[ \t]+[^\n]*? \[type=(?P<type>\w+), input_value=.*?,"
    r" input_type=\w+\](?:\n[ \t]+For further information visit \S+)?",
    re.MULTILINE | re.DOTALL,
)
_REST = re.compile(r"\n[^\n]*(?:\[type=|For further information)[^\n]*", re.DOTALL)


def without_validators_words(text: str) -> str:
    """The text with sentences where a validator's words stood; any other text as it is."""
    if "[type=" not in text:
        return text

    def say(found: re.Match[str]) -> str:
        kind = _kind_of(found["type"])
        kind = {"json_at": "json"}.get(kind, kind)
        if "{bound}" in _SENTENCES[kind].en:  # it stands in the words alone
            kind = "other"
        return sentence(kind, found["field"] or "body").en

    return _REST.sub("", _FAULT.sub(say, _COUNT.sub("\n", text)))


def in_language(text: str, language: str) -> str:
    """An error as it was kept, in the reader's language as far as it is sentences of ours."""
    text = without_validators_words(text)
    if not language.lower().startswith(_CHINESE):
        return text
    for pattern, chinese in _translations():
        text = pattern.sub(partial(_translate, chinese), text)
    return text


def _translate(chinese: str, found: re.Match[str]) -> str:
    parts = {"field": "", "bound": "", **found.groupdict()}
    return chinese.format(field=parts["field"], bound=_bound_in_chinese(parts["bound"]))


def _bound_in_chinese(bound: str) -> str:
    if place := _PLACE.fullmatch(bound):
        return f"第 {place[1]} 行第 {place[2]} 列"
    return bound.replace(" or ", " 或 ")


@cache
def _translations() -> list[tuple[re.Pattern[str], str]]:
    """Those with fewer gaps first: another's gap could take in what they say."""
    known = sorted(_SENTENCES.values(), key=lambda told: told.en.count("{"))
    return [(_pattern(told.en), told.zh) for told in known]


def _pattern(english: str) -> re.Pattern[str]:
    whole = re.escape(english)
    whole = whole.replace(r"\{field\}", r"(?P<field>\S+)")
    return re.compile(whole.replace(r"\{bound\}", r"(?P<bound>[^\n]+?)") + r"(?=\s|$)")
