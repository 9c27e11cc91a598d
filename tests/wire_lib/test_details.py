"""What refusals say of themselves they say in English and in Chinese, and never in both."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.errors import BadFieldError, RefusedError
from gateway.rate_limit import ThrottledError
from wire.codes import codes
from wire.details import in_chinese
from wire.signature import Reason, SignatureError

ROOT = Path(__file__).parents[2]
CJK = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
PROSE = re.compile(r"[A-Za-z,;:] +[A-Za-z]")
# Names of HTTP, and what somebody else said.
QUOTED = ("GET /api/", "READ ", "SDK-HMAC")
# Modules whose ValueErrors become details.
SPEAKING = ("libs/wire/wire/check.py", "libs/wire/wire/json.py")
UNSAID = {
    "the body is no JSON that can be read",  # of loads, which reads no caller's body
}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for folder in ("libs", "services"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not {"testkit", "migrations", ".venv"} & set(path.parts):
                yield path, ast.parse(path.read_text("utf-8"))


TREES = list(trees())


def refusals() -> set[str]:
    """Names of all classes of refusals."""
    known, before = {"RefusedError"}, 0
    while len(known) > before:
        before = len(known)
        for _, tree in TREES:
            for one in ast.walk(tree):
                if isinstance(one, ast.ClassDef) and known & {_name(base) for base in one.bases}:
                    known.add(one.name)
    return known


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def sample(node: ast.expr) -> str | None:
    """A text as it may be said, with 7 where a value goes; None for what is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values
        )
    return None


def said() -> Iterator[tuple[str, str]]:
    """Where each detail is raised, and the detail."""
    known = refusals()
    for path, tree in TREES:
        place = str(path.relative_to(ROOT))
        for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
            name = _name(call.func)
            is_field = name in ("BadFieldError", "UnknownValueError", "AttributeMismatchError")
            texts = call.args[1:] if is_field else call.args[:1]
            if name == "Breach":
                texts = call.args[2:]
            elif name == "ValueError" and place in SPEAKING:
                texts = call.args[:1]
            elif name not in known or any(one.arg == "detail_zh" for one in call.keywords):
                continue
            for text in texts[:1]:
                if (detail := sample(text)) is not None:
                    yield f"{place}:{call.lineno}", detail


def test_every_detail_has_chinese_words() -> None:
    known = [(place, text) for place, text in said() if text not in UNSAID]
    assert len(known) > 150
    unsaid = [(place, text) for place, text in known if not speaks_chinese_alone(in_chinese(text))]
    assert unsaid == []


def speaks_chinese_alone(text: str | None) -> bool:
    if text is None:
        return False
    for quoted in QUOTED:
        text = text.replace(quoted, "")
    return PROSE.search(text) is None


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_of_the_signature_has_chinese_words(reason: Reason) -> None:
    named = reason in (
        Reason.ALGORITHM, Reason.MISSING_SIGNED_HEADER, Reason.REPEATED_SIGNED_HEADER
    )  # fmt: skip
    chinese = in_chinese(f"{SignatureError(reason, 'x-sdk-date' if named else '')}.")
    assert chinese is not None
    assert CJK.search(chinese)


@pytest.mark.parametrize("name", sorted(codes()))
def test_the_words_of_a_code_are_of_one_language(name: str) -> None:
    known = codes()[name]
    assert not CJK.search(known.en)
    assert CJK.search(known.zh)
    assert speaks_chinese_alone(known.zh)


@pytest.mark.parametrize(
    ("refusal", "chinese"),
    [
        (BadFieldError("limit", "1 to 100"), "limit：应为 1 到 100"),
        (BadFieldError("limit", "nobody has words for this"), "limit"),
        (RefusedError("nobody has words for this"), ""),
        (RefusedError("CS123"), "CS123"),
        (RefusedError("billing: TimeoutError"), ""),
        (RefusedError("the customer is pending", code="CHB.0409"), "客户当前状态为待关联"),
        (RefusedError("one", detail_zh="一"), "一"),
        (ThrottledError(10, 1), "已达到流控阈值"),
    ],
)
def test_a_refusal_speaks_the_language_asked_for_alone(refusal: RefusedError, chinese: str) -> None:
    told = refusal.message("zh_CN")
    assert chinese in told
    assert speaks_chinese_alone(told)
    assert not CJK.search(refusal.message("en_US"))
