"""Whoever is told an amount of an event is told its currency: a rule over all contracts."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from contracts import STREAMS, Audience, contracts, feed, told_to
from contracts.amounts import CURRENCY, Money, Quantity, amounts_in
from contracts.audience import ForCustomer, ForPartner, ForPayer, readable_by, readable_fields
from contracts.event import Event
from contracts.order import ResourceEvent, ResourceOpened
from tests.contracts.money import IS_AMOUNT, NO_MONEY_IN_EVENTS
from tests.contracts.samples import sample

EVERY = {name: known for stream in STREAMS for name, known in contracts(stream).items()}
# Their first versions had no currency: it may be missing in an event of before.
HAD_NONE = (ResourceEvent,)


def told_models(model: type[BaseModel], reader: Audience) -> Iterator[type[BaseModel]]:
    """The contract, and the parts that the reader is told of."""
    yield model
    for inner in readable_fields(model, readable_by(reader)).values():
        if inner is not None:
            yield from told_models(inner, reader)


def breaches(contract: type[Event]) -> Iterator[str]:
    """Amounts without the event's currency, and what is called as an amount and is not marked."""
    for reader in feed.READERS:
        says = CURRENCY in readable_fields(contract, readable_by(reader))
        for model in told_models(contract, reader):
            for name in readable_fields(model, readable_by(reader)):
                if name in amounts_in(model) and not says:
                    yield f"{model.__name__}.{name}: a {reader} is told no currency of it"
    for model in told_models(contract, Audience.PARTNER):
        for name in model.model_fields:
            is_none = (model.__name__, name) in NO_MONEY_IN_EVENTS
            if (bool(IS_AMOUNT(name)) and not is_none) != (name in amounts_in(model)):
                yield f"{model.__name__}.{name}: name it as what it is, or mark it as Money"
    field = contract.model_fields.get(CURRENCY)
    if field is not None and not field.is_required() and not issubclass(contract, HAD_NONE):
        yield f"{contract.__name__}.{CURRENCY}: a contract with money is born with a currency"


@pytest.mark.parametrize("name", EVERY)
def test_every_amount_is_told_with_its_currency(name: str) -> None:
    """Break: take the currency from ResourceEvent, or make an amount of a package Money."""
    assert list(breaches(EVERY[name])) == []


def test_what_is_called_as_money_and_is_none_is_still_there() -> None:
    models = {model for known in EVERY.values() for model in told_models(known, Audience.PARTNER)}
    assert NO_MONEY_IN_EVENTS.keys() <= {
        (m.__name__, name) for m in models for name in m.model_fields
    }


class Measured(BaseModel):
    """What is counted or measured."""

    used: Quantity


def test_a_quantity_has_one_spelling_however_its_column_keeps_it() -> None:
    """A copy that keeps the text would take 750.0000000000, read from a table, for a change.

    Break: write it with the decimals it has, as money.
    """
    spellings = ("750", "750.0000000000", "7.5E+2"), ("0.85", "0.8500"), ("0", "0E-10", "0.00")
    for same in spellings:
        measured = [Measured.model_validate({"used": one}) for one in same]
        told = [one.model_dump(mode="json")["used"] for one in measured]
        assert told == [same[0]] * len(same)


class Part(BaseModel):
    """A part with an amount."""

    paid_amount: ForCustomer[Money]


class _Planted(Event):
    """Of a stream that there is not, so that no other test meets it."""

    STREAM: ClassVar[str] = "planted"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "partner_id"


PLANTED: dict[str, tuple[dict[str, Any], str]] = {
    "no currency": ({"parts": ForCustomer[list[Part]]}, "is told no currency of it"),
    "not for all": (
        {"parts": ForCustomer[list[Part]], "currency": ForPartner[str]},
        "a customer is told no currency",
    ),
    "not marked": ({"currency": ForCustomer[str], "fee": ForPayer[Quantity]}, "mark it as Money"),
    "not named": ({"currency": ForCustomer[str], "size": ForPayer[Money]}, "name it as what it is"),
}


@pytest.mark.parametrize("plant", PLANTED)
def test_each_breach_is_found(plant: str) -> None:
    fields, expected = PLANTED[plant]
    planted = type("Planted", (_Planted,), {"__annotations__": fields, "__module__": __name__})
    found = list(breaches(planted))
    assert found
    assert all(expected in one for one in found)


def test_a_currency_that_may_be_missing_is_found() -> None:
    class Later(_Planted):
        currency: ForCustomer[str | None] = None

    [found] = breaches(Later)
    assert "is born with a currency" in found


@pytest.mark.parametrize("reader", feed.READERS)
def test_the_periods_of_a_resource_say_its_currency(reader: Audience) -> None:
    """Break: leave `currency` out of ResourceEvent's readable fields."""
    whole = sample(ResourceOpened, currency="USD").model_dump(mode="json")
    told = told_to(ResourceOpened, reader, whole)
    assert (told["currency"], told["periods"][0]["currency"]) == ("USD", "USD")
    period = feed.document(reader)["$defs"]["ResourcePeriod"]
    assert "currency" in period["properties"]
    assert "currency" not in period["required"]


def test_an_event_of_before_says_no_currency_and_its_amounts_are_cut_all_the_same() -> None:
    """Break: tell the body as it is where it has no currency."""
    whole = sample(ResourceOpened).model_dump(mode="json")
    del whole["currency"]
    [period] = whole["periods"]
    older = whole | {"periods": [period | {"official_amount": "1.239"}]}
    assert told_to(ResourceOpened, Audience.CUSTOMER, older)["periods"] == [
        period | {"official_amount": "1.23"}
    ]
