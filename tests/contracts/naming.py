"""What a contract's declaration must say; each breach in words that tell what to do."""

import re

from contracts import STREAMS
from contracts.catalogue import kind
from contracts.event import Event

# Past participles that do not end in -ed.
IRREGULAR = frozenset({"paid", "found", "frozen", "unfrozen"})
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_VERSION = re.compile(r"[1-9]\d*\.\d+").fullmatch
_TYPE = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*").fullmatch


def declaration_breaches(contract: type[Event]) -> list[str]:
    """Everything that is wrong with the contract's class."""
    return [*_name_breaches(contract), *_field_breaches(contract)]


def _name_breaches(contract: type[Event]) -> list[str]:
    name, found = contract.__name__, []
    if not _TYPE(contract.TYPE):
        found.append(f"{name}: TYPE {contract.TYPE!r} is not like order.payment_failed")
    if _CAPITAL.sub("_", name).lower() != contract.TYPE.replace(".", "_"):
        found.append(f"{name} and {contract.TYPE} say different things; OrderPaid is order.paid")
    last = contract.TYPE.rpartition(".")[2].rpartition("_")[2]
    if not last.endswith("ed") and last not in IRREGULAR:
        found.append(f"{contract.TYPE} is no fact; name it in the past tense")
    if contract.STREAM not in STREAMS:
        found.append(f"{name}: no stream {contract.STREAM}; there are {', '.join(STREAMS)}")
    if contract.__module__ != f"contracts.{contract.STREAM}":
        found.append(f"{name} belongs into contracts/{contract.STREAM}.py, with its stream")
    if not _VERSION(contract.VERSION):
        found.append(f"{name}: VERSION {contract.VERSION!r} is not like 1.0")
    if not contract.__doc__ or contract.__doc__ == contract.__mro__[1].__doc__:
        found.append(f"{name} does not say what happened; give it a docstring")
    return found


def _field_breaches(contract: type[Event]) -> list[str]:
    name, found = contract.__name__, []
    for role in ("KEY", "SUBJECT"):
        field = getattr(contract, role)
        known = contract.model_fields.get(field)
        if known is None:
            found.append(f"{name}: {role} {field} is no field of it")
        elif known.annotation is not str or not known.is_required():
            found.append(f"{name}: {role} {field} may be missing; make it a required str")
    schema = contract.model_json_schema(mode="serialization")
    for model in (schema, *schema.get("$defs", {}).values()):
        for field, shape in model["properties"].items():
            if "number" in kind(shape).split():
                found.append(f"{name}: {field} is a float; amounts are contracts.event.Money")
    return found
