"""Every contract says the same by its class, its type and its module."""

from typing import Any, ClassVar

import pytest

from contracts import STREAMS, contracts
from contracts.event import Event
from tests.contracts.naming import declaration_breaches

EVERY = [contract for stream in STREAMS for contract in contracts(stream).values()]


@pytest.mark.parametrize("contract", EVERY, ids=lambda contract: contract.TYPE)
def test_a_contract_is_declared_as_it_should_be(contract: type[Event]) -> None:
    """The message of each breach says what to do."""
    assert declaration_breaches(contract) == []


def test_every_stream_states_something() -> None:
    """And no two contracts have one type."""
    assert all(contracts(stream) for stream in STREAMS)
    assert len({contract.TYPE for contract in EVERY}) == len(EVERY)


# Planted contracts have a stream that there is not, so that no other test meets them.
SOUND: dict[str, Any] = {
    "__module__": "contracts.planted",
    "__doc__": "Something happened.",
    "__annotations__": {"thing_id": str},
    "STREAM": "planted",
    "TYPE": "planted.thing_moved",
    "KEY": "partner_id",
    "SUBJECT": "thing_id",
}
PLANTED: dict[str, tuple[dict[str, Any], str]] = {
    "other name": ({"TYPE": "planted.item_moved"}, "say different things"),
    "no fact": ({"name": "PlantedThingMove", "TYPE": "planted.thing_move"}, "past tense"),
    "no such type": ({"TYPE": "planted-thing_moved"}, "is not like"),
    "other module": ({"__module__": "contracts.order"}, "belongs into contracts/planted.py"),
    "no version": ({"VERSION": "one"}, "is not like 1.0"),
    "no words": ({"__doc__": None}, "give it a docstring"),
    "key is no field": ({"KEY": "customer_id"}, "KEY customer_id is no field"),
    "subject is no field": ({"SUBJECT": "item_id"}, "SUBJECT item_id is no field"),
    "key may be missing": ({"KEY": "distributor_id"}, "may be missing"),
    "no values": ({"__annotations__": {"thing_id": str, "status": int}}, "status is coded"),
    "other document": (
        {"__doc__": "It happened (rules" + ".md B.5)."},
        "sends its reader to rules",
    ),
    "float": ({"__annotations__": {"thing_id": str, "amount": float}}, "is a float"),
}


class _Planted(Event):
    """The base of planted contracts; it has no type and is no contract itself."""

    STREAM: ClassVar[str] = "planted"


def _plant(differences: dict[str, Any]) -> type[Event]:
    members = {**SOUND, **differences}
    name = members.pop("name", "PlantedThingMoved")
    members["model_config"] = {"protected_namespaces": ()}
    return type(name, (_Planted,), members)


def test_a_sound_planted_contract_lacks_only_its_stream() -> None:
    """So that what the next test finds is the breach it planted."""
    [breach] = declaration_breaches(_plant({}))
    assert "no stream planted" in breach


@pytest.mark.parametrize("plant", PLANTED)
def test_each_breach_of_the_declaration_is_found(plant: str) -> None:
    """One at a time."""
    differences, expected = PLANTED[plant]
    assert any(expected in breach for breach in declaration_breaches(_plant(differences)))
