"""Refusals: how a use case says no. How the caller hears it: `chassis.error_answers`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from wire.codes import code as code_of
from wire.details import in_chinese


class RefusedError(Exception):
    """The rules forbid what was asked. Nothing was written.

    A subclass names the refusal and gives its code of docs/domain/error-codes.md D.4; status and
    text in both languages come from `wire.codes`. `detail` adds what the reader needs to mend the
    request, in English. In Chinese it is said by `detail_zh`, or by the line that `wire.details`
    has for it; what has neither is left out of a Chinese answer, which speaks one language.
    `beside` are fields of the body of their own, on the vendor's paths where one has such.
    """

    code: ClassVar[str] = "CBC.0155"

    def __init__(
        self,
        detail: str = "",
        *,
        detail_zh: str = "",
        code: str | None = None,
        status: int | None = None,
        beside: Mapping[str, Any] | None = None,
    ):
        self.beside = beside or {}
        self.refusal_code = code or self.code
        self.status = status or code_of(self.refusal_code).status
        self.detail = detail
        self._detail_zh = detail_zh
        super().__init__(f"{self.refusal_code} {detail}".strip())

    @property
    def detail_zh(self) -> str:
        """The detail in Chinese, as far as there are words for it."""
        return self._detail_zh or in_chinese(self.detail) or ""

    def message(self, language: str) -> str:
        """The code's text in the language asked for, and the detail."""
        known = code_of(self.refusal_code)
        chinese = language.lower().startswith("zh")
        text, detail = (known.zh, self.detail_zh) if chinese else (known.en, self.detail)
        return f"{text} {detail}".strip() if detail else text


class NotFoundError(RefusedError):
    """No such thing, or not the caller's."""

    code = "CHB.0404"


class BadFieldError(RefusedError):
    """A field is malformed, missing, too long or out of range (CBC.0100)."""

    code = "CBC.0100"

    def __init__(self, field: str, detail: str = "", detail_zh: str = ""):
        self.field = field
        self._why, self._why_zh = detail, detail_zh
        super().__init__(f"{field}: {detail}" if detail else field)

    @property
    def detail_zh(self) -> str:
        """The field, and in Chinese what is wrong with it."""
        why = self._why_zh or (in_chinese(self._why) if self._why else None)
        return f"{self.field}：{why}" if why else self.field


class UnknownValueError(BadFieldError):
    """The field is well-formed, but there is no such value (CBC.0101)."""

    code = "CBC.0101"


class OutsideError(RefusedError):
    """Another service or the database did not answer in time; the request may be sent again."""

    code = "CHB.0503"
