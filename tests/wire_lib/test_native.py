"""What our own paths answer: named fields, money as text beside its currency."""

import json
from decimal import Decimal
from typing import Any

import pytest

from wire.json import dumps
from wire.native import Money, NativeAnswer, Price


class Row:
    """A row of a table, with a column that no answer names."""

    currency = "CNY"
    amount = Decimal("12.3456")
    owed: Decimal | None = None
    secret = "not to be seen"


class Balance(NativeAnswer):
    currency: str
    amount: Money
    owed: Money | None


class Rate(NativeAnswer):
    currency: str
    price_hour: Price | None


def test_an_answer_shows_what_it_names_and_nulls_too() -> None:
    shown = json.loads(dumps({"balance": Balance.model_validate(Row())}))
    assert shown == {"balance": {"currency": "CNY", "amount": "12.34", "owed": None}}


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0.00"), ("100", "100.00"), ("0.009", "0.00"), ("-0.009", "0.00"), ("-1.999", "-1.99"),
     ("1E+3", "1000.00"), ("99999999999.9999999999", "99999999999.99")],
)  # fmt: skip
def test_an_amount_has_two_decimals_and_is_cut(amount: str, text: str) -> None:
    balance = Balance(currency="CNY", amount=Decimal(amount), owed=Decimal(amount))
    assert balance.model_dump() == {"currency": "CNY", "amount": text, "owed": text}


@pytest.mark.parametrize(
    ("price", "text"),
    [("0", "0.00"), ("100", "100.00"), ("1E+2", "100.00"), ("0.5", "0.50"), ("0.0425", "0.0425"),
     ("0.0425000000", "0.0425")],
)  # fmt: skip
def test_a_price_keeps_what_it_has_of_decimals(price: str, text: str) -> None:
    assert Rate(currency="CNY", price_hour=Decimal(price)).model_dump()["price_hour"] == text


def test_an_amount_is_published_as_a_text() -> None:
    said = Balance.model_json_schema(mode="serialization")
    assert said["properties"]["amount"]["type"] == "string"
    assert said["required"] == ["currency", "amount", "owed"]


@pytest.mark.parametrize(
    "kind", [Money, Money | None, list[Money], dict[str, Money | None], Price | None]
)
def test_a_model_with_an_amount_and_no_currency_is_not_made(kind: Any) -> None:
    with pytest.raises(TypeError, match="name its currency beside it"):
        type("Bare", (NativeAnswer,), {"__annotations__": {"amount": kind}})


def test_the_currency_of_an_inner_object_is_its_own() -> None:
    outer = type("Outer", (NativeAnswer,), {"__annotations__": {"balances": list[Balance]}})
    assert issubclass(outer, NativeAnswer)
