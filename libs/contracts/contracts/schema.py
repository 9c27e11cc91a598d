"""Contracts as JSON Schema: what stands in an event's body on Kafka, and what of it the feed shows.

Field descriptions are the comments that stand beside the fields in the code, so that a meaning is
written down once.
"""

import inspect
import re
import textwrap
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from contracts.amounts import CURRENCY, TOLD_PATTERN, amounts_in
from contracts.audience import Audience, audience_of, models_in, readable_by, readable_fields
from contracts.event import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FIELD = re.compile(r"^    (\w+): [^#]*?(?:#\s*(.+))?$")
_COMMENT = re.compile(r"^    #\s*(.+)$")

Schema = dict[str, Any]


def schema_of(contract: type[Event]) -> Schema:
    """The body's schema, with the contract's name, version and key beside it."""
    body = body_schema(contract)
    return {
        "$schema": DIALECT,
        "$id": f"urn:channelbus:{contract.TYPE}:{contract.VERSION}",
        **body,
        "x-channelbus": {
            "type": contract.TYPE,
            "version": contract.VERSION,
            "stream": contract.STREAM,
            "key": contract.KEY,
            "subject": contract.SUBJECT,
        },
    }


def body_schema(contract: type[Event], references: str = "#/$defs/{model}") -> Schema:
    """The body's schema; models within it are referred to as `references` says.

    A field with a default is not required: an older event does not have it (contracts only grow).
    """
    schema = contract.model_json_schema(
        mode="serialization", ref_template=references, schema_generator=_WithoutTitles
    )
    parts = schema.get("$defs", {})
    for model in (contract, *_models_in(contract)):
        described = schema if model is contract else parts[model.__name__]
        notes = field_notes(model)
        for name, shape in described["properties"].items():
            if name in notes:
                shape["description"] = notes[name]
            shape["x-audience"] = str(audience_of(model.model_fields[name]))
    return schema


def told_schema(contract: type[Event], reader: Audience, references: str) -> Schema:
    """The schema of what a partner or a customer reads of the body: no other field is named.

    What a customer reads only when it pays itself is not required.
    """
    schema = body_schema(contract, references)
    parts = schema.get("$defs", {})
    kept: Schema = {}
    for model in (contract, *_models_told(contract, reader)):
        described = schema if model is contract else parts[model.__name__]
        _keep_readable(described, model, reader)
        _say_amounts(described, model, contract)
        if model is not contract:
            kept[model.__name__] = described
    return {**schema, "$defs": kept}


def _keep_readable(described: Schema, model: type[BaseModel], reader: Audience) -> None:
    told = readable_fields(model, readable_by(reader))
    sure = readable_fields(model, readable_by(reader, pays=False))
    described["properties"] = {n: f for n, f in described["properties"].items() if n in told}
    described["required"] = [name for name in described.get("required", ()) if name in sure]


def _say_amounts(described: Schema, model: type[BaseModel], contract: type[Event]) -> None:
    """Two decimals, and beside them the currency, in parts of events that are sure to say one."""
    told = amounts_in(model) & described["properties"].keys()
    for name in told:
        shape = described["properties"][name]
        for one in (shape, *shape.get("anyOf", ())):
            if one.get("type") == "string":
                one["pattern"] = TOLD_PATTERN
    if told and CURRENCY not in model.model_fields:
        shape = {"type": "string", "description": "the event's", "x-audience": "customer"}
        described["properties"][CURRENCY] = shape
        if contract.model_fields[CURRENCY].is_required():
            described["required"].append(CURRENCY)


def _models_told(model: type[BaseModel], reader: Audience) -> list[type[BaseModel]]:
    told = readable_fields(model, readable_by(reader)).values()
    return [part for inner in told if inner for part in (inner, *_models_told(inner, reader))]


class _WithoutTitles(GenerateJsonSchema):
    """`Order Id` says nothing that `order_id` does not."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        """Never: the field's name is enough."""
        return False


def _models_in(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that a contract's fields are made of."""
    found: list[type[BaseModel]] = []
    for field in model.model_fields.values():
        for part in models_in(field.annotation):
            if part not in found:
                found += [part, *_models_in(part)]
    return found


@cache
def field_notes(model: type[BaseModel]) -> dict[str, str]:
    """Field → the comment behind it, or on the lines above it; inherited fields included."""
    notes: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is not BaseModel and issubclass(base, BaseModel):
            notes.update(_notes_in(textwrap.dedent(inspect.getsource(base))))
    return notes


def _notes_in(source: str) -> dict[str, str]:
    notes: dict[str, str] = {}
    above: list[str] = []
    for line in source.splitlines():
        if comment := _COMMENT.match(line):
            above.append(comment[1])
        elif field := _FIELD.match(line):
            note = field[2] or " ".join(above)
            if note:
                notes[field[1]] = note
            above = []
        else:
            above = []
    return notes
