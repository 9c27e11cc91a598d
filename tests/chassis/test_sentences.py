"""A validator's findings reach people as sentences in their language, without values and links."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.errors import NotFoundError
from chassis.messages import BadMessageError, Message
from chassis.sentences import Told, in_language, of_error, of_validation
from contracts.billing import BillingFundsMoved

STRANGE = ("pydantic", "http", "type=", "input", "validation error", "Field required", "secret")


class Parcel(BaseModel):
    """One field of each kind."""

    model_config = ConfigDict(extra="forbid")

    amount: Decimal = Field(default=Decimal(1), gt=0)
    weight: int = Field(default=1, ge=1, le=9)
    label: str = Field(default="x", min_length=1, max_length=3)
    kind: Literal["box", "bag"] = "box"
    sent_at: datetime | None = None
    fragile: bool = False
    notes: list[str] = []
    inner: "Parcel | None" = None


def refused(raw: str) -> Told:
    with pytest.raises(ValidationError) as caught:
        Parcel.model_validate_json(raw)
    return of_validation(caught.value)


@pytest.mark.parametrize(
    ("raw", "english", "chinese"),
    [
        ('{"weight":"secret"}', "The field weight must be a whole number.",
         "字段 weight 必须是整数。"),
        ('{"weight":1.5}', "The field weight must be a whole number.", "字段 weight 必须是整数。"),
        ('{"weight":0}', "The field weight is smaller than 1.", "字段 weight 的值小于 1。"),
        ('{"weight":10}', "The field weight is larger than 9.", "字段 weight 的值大于 9。"),
        ('{"amount":"0"}', "The field amount must be larger than 0.",
         "字段 amount 的值必须大于 0。"),
        ('{"amount":"secret"}', "The field amount must be a number.", "字段 amount 必须是数字。"),
        ('{"label":"secret"}', "The field label is longer than 3.", "字段 label 的长度大于 3。"),
        ('{"label":""}', "The field label is shorter than 1.", "字段 label 的长度小于 1。"),
        ('{"label":7}', "The field label must be a text.", "字段 label 必须是文本。"),
        ('{"kind":"secret"}', "The field kind must be one of 'box' or 'bag'.",
         "字段 kind 必须是 'box' 或 'bag' 之一。"),
        ('{"sent_at":"secret"}', "The field sent_at must be an instant with a time zone.",
         "字段 sent_at 必须是带时区的时间。"),
        ('{"fragile":"secret"}', "The field fragile must be true or false.",
         "字段 fragile 必须是 true 或 false。"),
        ('{"notes":[1]}', "The field notes[0] must be a text.", "字段 notes[0] 必须是文本。"),
        ('{"notes":{}}', "The field notes must be a list.", "字段 notes 必须是列表。"),
        ('{"inner":{"inner":7}}', "The field inner.inner must be an object.",
         "字段 inner.inner 必须是对象。"),
        ('{"secret_field":7}', "There is no field secret_field.", "没有字段 secret_field。"),
        ("[]", "The field body must be an object.", "字段 body 必须是对象。"),
        ("{", "The text is no JSON: line 1 column 1.", "内容不是有效的 JSON：第 1 行第 1 列。"),
    ],
)  # fmt: skip
def test_each_fault_is_a_sentence(raw: str, english: str, chinese: str) -> None:
    told = refused(raw)
    assert told == Told(english, chinese)
    assert in_language(f"OSError: {english}", "zh_CN") == f"OSError: {chinese}"
    assert in_language(english, "en_us") == english


def test_many_faults_are_bounded() -> None:
    told = refused("{" + ",".join(f'"f{n}":1' for n in range(30)) + "}")
    assert told.en.count("There is no field") == 10
    assert told.en.splitlines()[-1] == "There are 20 further faults."
    assert in_language(told.en, "zh") == told.zh


@pytest.mark.parametrize("raw", ['{"weight":"secret","label":7}', "{", '{"kind":"secret"}', "[]"])
def test_what_was_kept_in_the_validators_words_is_told_in_ours(raw: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Parcel.model_validate_json(raw)
    kept = f"BadMessageError: parcel.sent: {caught.value}"
    for language in ("en", "zh"):
        told = in_language(kept, language)
        assert not [word for word in STRANGE if word in told], told
        assert told.startswith("BadMessageError: parcel.sent:")
        assert len(told.splitlines()) > 1
    assert not [word for word in STRANGE if word in of_error(RuntimeError(kept)).en]


def test_a_refusal_is_told_by_its_code_and_another_error_by_its_name() -> None:
    told = of_error(NotFoundError("order 7"))
    assert told.en.endswith("order 7")
    assert told.zh != told.en
    assert of_error(ValueError("poison")).en == "ValueError: poison"


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({}, b"{}", "The header ce_type is missing."),
        ({"ce_type": "billing.funds_moved"}, b"{", "contract of billing.funds_moved.\nThe text is"),
        ({"ce_type": "billing.funds_moved"}, b"{}", "The field occurred_at is missing."),
        ({"ce_type": "billing.funds_moved", "ce_dataschema": "9.0"}, b"{}", "the version 9.0"),
    ],
)
def test_a_message_that_is_no_event_says_so_in_both_languages(
    headers: dict[str, str | None], body: bytes, says: str
) -> None:
    message = Message("billing", 0, 0, "k", headers, body, 0.0)
    with pytest.raises(BadMessageError) as caught:
        message.read({"billing.funds_moved": BillingFundsMoved})
    assert says in str(caught.value)
    assert in_language(str(caught.value), "zh") == caught.value.told.zh != caught.value.told.en
    assert not [word for word in STRANGE if word in str(caught.value)]
