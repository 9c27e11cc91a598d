"""What a contract's declaration must say; each breach in words that tell what to do."""

import re

from contracts import STREAMS
from contracts.catalogue import kind
from contracts.event import Event
from contracts.schema import Schema, body_schema

# Past participles that do not end in -ed.
IRREGULAR = frozenset({"paid", "found", "frozen", "held", "unfrozen", "reset", "used_up", "given"})
IRREGULAR |= {"expiring"}  # what became true is that the end is near
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_VERSION = re.compile(r"[1-9]\d*\.\d+").fullmatch
_TYPE = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*").fullmatch
# A field whose values are codes: a reader needs their meaning where the field stands.
_CODED = re.compile(
    r"(^|_)(type|status|kind|mode|reason|role|tier|level|site|currency|frozen)$|^applied_by$|_code$"
).search
_NO_CODE = re.compile(
    r"^(sub_)?(service_type|resource_type|resource_spec|region|country)_code$"
).match
_NAMES_VALUES = re.compile(r'-?\d+ \w|"[\w.-]+"').search
_OTHER_DOCUMENT = re.compile(r"\b[\w/-]+\.md\b").search


def declaration_breaches(contract: type[Event]) -> list[str]:
    """Everything that is wrong with the contract's class."""
    return [
        *_name_breaches(contract),
        *_field_breaches(contract),
        *_description_breaches(contract),
    ]


def _name_breaches(contract: type[Event]) -> list[str]:
    name, found = contract.__name__, []
    if not _TYPE(contract.TYPE):
        found.append(f"{name}: TYPE {contract.TYPE!r} is not like order.payment_failed")
    if _CAPITAL.sub("_", name).lower() != contract.TYPE.replace(".", "_"):
        found.append(f"{name} and {contract.TYPE} say different things; OrderPaid is order.paid")
    verb = contract.TYPE.rpartition(".")[2]
    last = verb.rpartition("_")[2]
    if not last.endswith("ed") and not {verb, last} & IRREGULAR:
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


def _description_breaches(contract: type[Event]) -> list[str]:
    """What is published of the contract has to be enough for its reader."""
    name, found = contract.__name__, []
    schema = _published(contract)
    for model in (schema, *schema.get("$defs", {}).values()):
        texts = {"docstring": model.get("description", "")}
        for field, shape in model["properties"].items():
            says = texts[field] = str(shape.get("description", ""))
            if _CODED(field) and not _NO_CODE(field) and not _NAMES_VALUES(says):
                found.append(f"{name}: {field} is coded; name its values in the comment beside it")
        found += [
            f"{name}: {where} sends its reader to {other[0]}; say it in words"
            for where, text in texts.items()
            if (other := _OTHER_DOCUMENT(text))
        ]
    return found


def _published(contract: type[Event]) -> Schema:
    """Its schema; without the comments where a class was planted and has no source."""
    try:
        return body_schema(contract)
    except (OSError, TypeError):
        return contract.model_json_schema(mode="serialization")
