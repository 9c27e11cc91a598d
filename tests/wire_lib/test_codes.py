"""Every code that can be answered has a status and words in both languages."""

import json
import re

import pytest

from tests.wire_lib.builders import REFERENCE, reference
from wire.codes import Code, code, codes, language_of

COMMON = {
    "APIGW.0101": 404,
    "APIGW.0301": 401,
    "APIGW.0302": 403,
    "APIGW.0307": 401,
    "APIGW.0308": 429,
    "CBC.0100": 400,
    "CBC.0101": 400,
    "CBC.0150": 403,
    "CBC.0151": 403,
    "CBC.0154": 401,
    "CBC.0155": 403,
    "CBC.0250": 429,
    "CBC.0999": 500,
    "CBC.99000050": 500,
    "CBC.99000026": 400,
    "CBC.5023": 400,
    "CHB.0001": 409,
    "CHB.0002": 501,
    "CHB.0003": 501,
    "CHB.0404": 404,
    "CHB.0503": 503,
}


def test_every_code_of_the_reference_is_known() -> None:
    named = set(re.findall(r"[A-Z]+\.\d{4,}", json.dumps(reference())))
    assert len(named) > 80
    assert named <= set(codes()), REFERENCE


def test_every_code_of_the_reference_has_the_status_it_is_listed_under() -> None:
    for row in reference():
        for status, names in (row["error_codes"] or {}).items():
            if status.isdigit():
                for name in names:
                    assert code(name.split()[0]).status == int(status), name


@pytest.mark.parametrize(("name", "status"), COMMON.items())
def test_common_codes_have_their_status(name: str, status: int) -> None:
    assert code(name).status == status


@pytest.mark.parametrize("one", codes().values(), ids=lambda one: one.code)
def test_every_code_fits_the_vendors_lengths_and_speaks_both_languages(one: Code) -> None:
    assert len(one.code) <= 20
    assert one.en.isascii()
    assert one.en.endswith(".")
    assert re.search(r"[\u4e00-\u9fff]", one.zh)
    assert one.zh.endswith("。")
    assert len(one.en) <= 200


def test_a_text_names_the_field_in_the_language_asked_for() -> None:
    wrong = code("CBC.0100")
    assert wrong.text("en_US", "limit").endswith("Field: limit.")
    assert wrong.text("zh_cn", "limit").endswith("字段：limit。")
    assert wrong.text("ZH-CN") == wrong.zh


@pytest.mark.parametrize(
    ("header", "language"),
    [("zh_CN", "zh_CN"), ("ZH_cn", "zh_CN"), ("en_us", "en_US"), (None, "en_US"), ("fr", "en_US")],
)
def test_the_language_header_is_read_in_any_case(header: str | None, language: str) -> None:
    assert language_of(header) == language


def test_a_code_without_words_is_a_mistake_of_the_program() -> None:
    with pytest.raises(LookupError, match=r"CBC\.42"):
        code("CBC.42")
