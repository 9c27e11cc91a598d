"""Who reads which field: every contract is decided here in full, and what is new is internal."""

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from contracts import STREAMS, Audience, contracts, feed, is_told_to, told_to
from contracts.amounts import TOLD_PATTERN, Money, Quantity
from contracts.audience import ForCustomer, ForPartner, ForPayer, audience_of, models_in
from contracts.event import Event
from contracts.schema import body_schema
from tests.contracts.samples import sample
from tests.contracts.withheld import (
    FROM_CUSTOMERS,
    FROM_PARTNERS,
    PAYERS,
    UNTOLD_TO_CUSTOMERS,
    with_currency,
    without_payers_parts,
)

EVERY = {name: known for stream in STREAMS for name, known in contracts(stream).items()}


def bodies(**fields: Any) -> dict[str, dict[str, Any]]:
    """A whole body of each contract, as it stands on Kafka."""
    return {n: sample(known, **fields).model_dump(mode="json") for n, known in EVERY.items()}


ITS_OWN = bodies(paying_agent_id=None, paying_partner_id=None, payer_id=None)
ANOTHER_PAYS = bodies(paying_agent_id="master", payer_id="master")


def _told(whole: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    currency = whole.get("currency")
    return {f: with_currency(part, currency) for f, part in whole.items() if f not in hidden}


@pytest.mark.parametrize("name", EVERY)
def test_a_partner_reads_all_but_internal_references(name: str) -> None:
    """Whoever pays."""
    for whole in (ITS_OWN[name], ANOTHER_PAYS[name]):
        told = told_to(EVERY[name], Audience.PARTNER, whole)
        assert told == _told(whole, FROM_PARTNERS)
        assert is_told_to(EVERY[name], Audience.PARTNER)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in UNTOLD_TO_CUSTOMERS])
def test_a_customer_reads_the_facts_about_itself(name: str) -> None:
    """Not its partner's notes, quotas and references."""
    whole = ITS_OWN[name]
    told = told_to(EVERY[name], Audience.CUSTOMER, whole)
    assert told == _told(whole, FROM_CUSTOMERS)
    assert is_told_to(EVERY[name], Audience.CUSTOMER)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in UNTOLD_TO_CUSTOMERS])
def test_a_customer_does_not_read_what_another_account_paid_with(name: str) -> None:
    """Its master's coupons, its master's money, and the refusal that its master heard."""
    whole = ANOTHER_PAYS[name]
    hidden = FROM_CUSTOMERS | PAYERS.get(name, frozenset())
    told = told_to(EVERY[name], Audience.CUSTOMER, whole)
    assert told == _told({f: without_payers_parts(part) for f, part in whole.items()}, hidden)


def test_what_holds_nothing_for_customers_is_not_told_to_them() -> None:
    assert {n for n, known in EVERY.items() if not is_told_to(known, Audience.CUSTOMER)} == (
        UNTOLD_TO_CUSTOMERS
    )


@pytest.mark.parametrize("name", EVERY)
def test_every_field_is_published_with_its_audience(name: str) -> None:
    schema = body_schema(EVERY[name])
    shapes = [schema, *schema.get("$defs", {}).values()]
    marks = {f["x-audience"] for shape in shapes for f in shape["properties"].values()}
    assert marks <= set(Audience)
    internal = {n for n, f in schema["properties"].items() if f["x-audience"] == "internal"}
    assert internal == FROM_PARTNERS & schema["properties"].keys()


@pytest.mark.parametrize("name", EVERY)
def test_a_field_is_made_of_one_model_at_most(name: str) -> None:
    """Of several, the fields of a value could not be told apart."""
    for field in EVERY[name].model_fields.values():
        assert len(list(models_in(field.annotation))) <= 1


class Gift(BaseModel):
    """A part with a new field."""

    gift_id: ForCustomer[str]
    cost: str = "9.00"


class Price(BaseModel):
    """A part with an amount and a quantity."""

    amount: ForPayer[Money]
    usual_amount: ForPayer[Money | None] = None
    size: ForCustomer[Quantity]


class PricedEvent(Event):
    """As PlantedEvent, with a currency."""

    STREAM: ClassVar[str] = "planted"
    KEY: ClassVar[str] = "thing_id"
    SUBJECT: ClassVar[str] = "thing_id"
    PAYERS: ClassVar[tuple[str, ...]] = ("payer_id",)

    thing_id: ForCustomer[str]
    payer_id: ForCustomer[str | None] = None
    currency: ForCustomer[str]
    amount: ForCustomer[Money]
    prices: ForCustomer[list[Price]]


class PlantedEvent(Event):
    """Of a stream that there is not, so that no other test meets it."""

    STREAM: ClassVar[str] = "planted"
    KEY: ClassVar[str] = "thing_id"
    SUBJECT: ClassVar[str] = "thing_id"
    PAYERS: ClassVar[tuple[str, ...]] = ("payer_id",)

    thing_id: ForCustomer[str]
    payer_id: ForCustomer[str | None] = None
    price: ForPayer[str] = "1.00"
    remark: ForPartner[str] = "difficult"
    gifts: ForCustomer[list[Gift] | None] = None
    mood: str = "sour"


def planted(**fields: Any) -> dict[str, Any]:
    return sample(PlantedEvent, **fields).model_dump(mode="json")


def test_a_field_without_a_mark_is_internal() -> None:
    """Also within a model, and one that this version of the contract does not know."""
    assert audience_of(PlantedEvent.model_fields["mood"]) is Audience.INTERNAL
    whole = planted() | {"imagined": "secret"}
    assert whole["gifts"] == [{"gift_id": "1", "cost": "1"}]
    for reader in feed.READERS:
        told = told_to(PlantedEvent, reader, whole)
        assert "mood" not in told
        assert "imagined" not in told
        assert told["gifts"] == [{"gift_id": "1"}]


def test_the_payers_fields_follow_who_pays() -> None:
    """None in the payer's field, or an older body without it: the customer itself."""
    older = planted(payer_id=None)
    del older["payer_id"]
    for whole, seen in (
        (planted(payer_id=None), True),
        (older, True),
        (planted(payer_id="master"), False),
    ):
        assert ("price" in told_to(PlantedEvent, Audience.CUSTOMER, whole)) is seen
        assert "price" in told_to(PlantedEvent, Audience.PARTNER, whole)


def test_nobody_else_reads_anything() -> None:
    """A mark is no reader by being a mark."""
    for reader in (Audience.INTERNAL, Audience.PAYER):
        assert told_to(PlantedEvent, reader, planted()) == {}


@pytest.mark.parametrize(
    ("stated", "told"),
    [("0.00123456", "0.00"), ("12.349", "12.34"), ("-1.239", "-1.23"), ("-0.001", "0.00"),
     ("7", "7.00"), ("7.5", "7.50"), ("100.00", "100.00")],
)  # fmt: skip
def test_amounts_are_told_with_two_decimals_cut_and_beside_their_currency(
    stated: str, told: str
) -> None:
    """Break: take the amount as it is in `with_currency`, or leave the currency out of parts."""
    price = {"amount": stated, "usual_amount": None, "size": "0.00123"}
    whole = {"thing_id": "t", "payer_id": None, "currency": "USD", "amount": stated}
    assert told_to(PricedEvent, Audience.CUSTOMER, whole | {"prices": [price]}) == {
        **whole,
        "amount": told,
        "prices": [{**price, "amount": told, "currency": "USD"}],
    }


def test_a_part_without_an_amount_for_its_reader_says_no_currency() -> None:
    """Its master pays: nothing of the amount is told."""
    whole = sample(PricedEvent, payer_id="master").model_dump(mode="json")
    assert told_to(PricedEvent, Audience.CUSTOMER, whole)["prices"] == [{"size": "1"}]


def test_parts_that_are_absent_stay_absent() -> None:
    assert told_to(PlantedEvent, Audience.CUSTOMER, planted(gifts=None))["gifts"] is None


@pytest.mark.parametrize("reader", feed.READERS)
def test_the_feeds_schema_names_what_its_reader_is_told_and_no_other_field(
    reader: Audience,
) -> None:
    parts = feed.document(reader)["$defs"]
    for name, contract in EVERY.items():
        assert (name in parts) is is_told_to(contract, reader)
        if name in parts:
            most = told_to(contract, reader, ITS_OWN[name])
            least = told_to(contract, reader, ANOTHER_PAYS[name])
            assert parts[name]["properties"].keys() == most.keys()
            assert set(parts[name]["required"]) <= least.keys()
    assert "credential_ref" not in str(parts)
    line = ITS_OWN["order.paid"]["lines"][0]
    assert parts["OrderLine"]["properties"].keys() == line.keys() | {"currency"}
    amount = parts["OrderLine"]["properties"]["official_amount"]
    assert amount["pattern"] == TOLD_PATTERN
    assert "pattern" not in str(parts["OrderLine"]["properties"]["measure_size"])
