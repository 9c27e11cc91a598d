"""The one folding of names, as PostgreSQL does it (decision 0074)."""

import asyncio
import unicodedata
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.folding import fold_forms, fold_name
from testkit.databases import Templates

pytestmark = pytest.mark.postgres

_CONNECT_SECONDS = 30
# What names have in several forms, and what a folding could stumble on.
PIECES = (
    *r"深圳（）()İıIié・·•‧∙･⋅ㆍ　 ßẞſΣςσΐᾳǆǅŉﬁÅⅣ①㈱⼀ㄱﾡ가각Ꭰꭰა𐐀-－–—'’ʼ％%_\¨ͺﷺ",
    "ＡＢＣ", "abc", "ABC", "i\u0307", "e\u0301", "ｶﾞ", "ガ", "か\u3099", "\u0307", "\u0323",
    "\u0315", "\u0301", "\u034f", "\u0387", "\u00a0", "\u2009", "\u200b", "\u200d", "\ufeff",
    "\u00ad", "\ufe0f", "\U000e0100", "\u212b", "\uf90a", "\u1c90",
)  # fmt: skip
written = st.lists(
    st.one_of(st.sampled_from(PIECES), st.characters(exclude_categories=["Cs"])), max_size=12
).map(lambda pieces: "".join(pieces).replace("\x00", ""))


def wide(text: str) -> str:
    """ASCII in full width, as an input method of Chinese writes it."""
    return "".join(
        "\u3000" if one == " " else chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one
        for one in text
    )


def narrow(text: str) -> str:
    """Full width and half width exchanged for what they are forms of."""
    return "".join(
        unicodedata.normalize("NFKC", one) if "\uff00" <= one <= "\uffef" else one for one in text
    )


def forms(text: str) -> set[str]:
    """The same name as others write it.

    Upper case of what is composed is another name where a mark follows it: ᾳ and ΑΙ.
    """
    apart = unicodedata.normalize("NFD", text)
    composed = [unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    return {
        text,
        apart.upper(),
        apart.lower(),
        apart.casefold(),
        wide(text),
        narrow(text),
        *composed,
    }


def is_known(text: str) -> bool:
    """Whether this Python's Unicode has all of it, so that it can tell the other forms."""
    return all(unicodedata.category(one) != "Cn" for one in text)


class Folder:
    """Folds many texts at once, from code that is not asynchronous."""

    def __init__(self, runner: asyncio.Runner, connection: asyncpg.Connection):
        self._runner, self._connection = runner, connection

    def __call__(self, texts: list[str], function: str = "fold_name") -> list[str]:
        """Each folded."""
        asked = f"SELECT {function}(each) FROM unnest($1::text[]) WITH ORDINALITY AS t (each, n)"
        found = self._runner.run(self._connection.fetch(f"{asked} ORDER BY n", texts))
        return [row[0] for row in found]

    def needle(self, fold: Any, text: str) -> str:
        """As a search folds what it looks for."""
        return str(self._runner.run(fold(self._connection, text)))


@pytest.fixture
def folded(service_templates: Templates) -> Iterator[Folder]:
    url = service_templates.of("gateway").url
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url, timeout=_CONNECT_SECONDS))
        yield Folder(runner, connection)
        runner.run(connection.close())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("İSTANBUL", "istanbul"),
        ("İSTANBUL", "ISTANBUL"),
        ("ısparta", "ISPARTA"),
        ("（深圳）", "(深圳)"),
        ("ＡＢＣ", "abc"),
        ("ＡＢＣ", "ABC"),
        ("ｶﾞｽ", "ガス"),
        ("Café", "CAFE\u0301"),
        ("STRASSE", "Straße"),
        ("阿凡提·买买提", "阿凡提・买买提"),
        ("阿凡提•买买提", "阿凡提‧买买提"),
        ("阿凡提∙买买提", "阿凡提･买买提"),
        ("阿凡提⋅买买提", "阿凡提ㆍ买买提"),
        ("张　三", " 张 三"),
        ("Pure Water", "pure\u00a0\u2009water\u200b"),
        ("O’Reilly", "o'reilly"),
        ("Saint‑Gobain", "saint-gobain"),
        ("\ufeff金", "金"),
    ],
)
def test_what_people_write_for_the_same_name_is_one(folded: Folder, one: str, other: str) -> None:
    first, second = folded([one, other])
    assert first == second != ""


def test_names_that_differ_stay_apart(folded: Folder) -> None:
    names = [
        "深圳",
        "深川",
        "é",
        "e",
        "ö",
        "o",
        "a.b",
        "ab",
        "a-b",
        "a·b",
        "ガ",
        "カ",
        "a'b",
        "a b",
        "0",
        "o",
    ]
    names = list(dict.fromkeys(names))
    assert len(set(folded(names))) == len(names)


def test_case_counts_where_it_is_told_to(folded: Folder) -> None:
    one, same, other = folded(["重点（VIP）", "重点(ＶＩＰ)", "重点（vip）"], "fold_forms")
    assert one == same != other


def test_every_character_folds_once_and_like_its_other_forms(folded: Folder) -> None:
    """Those that have another form at all; and Python, where it knows them, folds alike."""
    odd = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    odd = [
        one
        for one in odd
        if not "가" <= one <= "힣"
        and (one.casefold() != one or one.upper() != one or unicodedata.decomposition(one)
             or (not one.isprintable() and is_known(one) and unicodedata.category(one) != "Co"))
    ]  # fmt: skip
    assert len(odd) > 7_000
    for function in ("fold_name", "fold_forms"):
        once = folded(odd, function)
        assert folded(once, function) == once
    of = dict(zip(odd, folded(odd), strict=True))
    others = [(one, form) for one in odd for form in sorted(forms(one)) if form != one]
    found = folded([form for _, form in others])
    told = zip(others, found, strict=True)
    assert [each for each, name in told if name != of[each[0]]] == []


def test_any_text_folds_once_and_like_its_other_forms(folded: Folder) -> None:
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.lists(written, min_size=1, max_size=10))
    def check(texts: list[str]) -> None:
        for function in ("fold_name", "fold_forms"):
            once = folded(texts, function)
            assert folded(once, function) == once
        for text in filter(is_known, texts):
            assert len(set(folded(sorted(forms(text))))) == 1, ascii(text)

    check()


def test_what_is_looked_for_folds_as_rows_do(folded: Folder) -> None:
    """Plain texts are folded without the database."""

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.one_of(written, st.text(st.characters(max_codepoint=126, min_codepoint=32))))
    def check(text: str) -> None:
        assert folded.needle(fold_name, text) == folded([text])[0]
        assert folded.needle(fold_forms, text) == folded([text], "fold_forms")[0]

    check()
    plain = [chr(code) for code in (*range(0x20, 0x7F), *range(0x4E00, 0xA000))]
    assert folded([f"x {one}" for one in plain[1:]]) == [f"x {one.lower()}" for one in plain[1:]]
