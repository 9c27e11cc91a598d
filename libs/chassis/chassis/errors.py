"""Refusals: how a use case says no. How the caller hears it: `chassis.error_answers`."""

from typing import ClassVar

from wire.codes import code as code_of


class RefusedError(Exception):
    """The rules forbid what was asked. Nothing was written.

    A subclass names the refusal and gives its code of docs/domain/error-codes.md D.4; status and
    text in both languages come from `wire.codes`. `detail` adds what the reader needs to mend the
    request, in English; `detail_zh` says it in Chinese, where it is more than a name or a number.
    """

    code: ClassVar[str] = "CBC.0155"

    def __init__(
        self,
        detail: str = "",
        *,
        detail_zh: str = "",
        code: str | None = None,
        status: int | None = None,
    ):
        self.refusal_code = code or self.code
        self.status = status or code_of(self.refusal_code).status
        self.detail = detail
        self.detail_zh = detail_zh or detail
        super().__init__(f"{self.refusal_code} {detail}".strip())

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

    def __init__(self, field: str, detail: str = ""):
        self.field = field
        super().__init__(f"{field}: {detail}" if detail else field)


class UnknownValueError(BadFieldError):
    """The field is well-formed, but there is no such value (CBC.0101)."""

    code = "CBC.0101"


class OutsideError(RefusedError):
    """Another service or the database did not answer in time; the request may be sent again."""

    code = "CHB.0503"
