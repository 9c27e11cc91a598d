"""Contracts as JSON Schema: what stands in an event's body on Kafka and in the feed.

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
        for name, note in field_notes(model).items():
            if name in described["properties"]:
                described["properties"][name]["description"] = note
    return schema


class _WithoutTitles(GenerateJsonSchema):
    """`Order Id` says nothing that `order_id` does not."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        """Never: the field's name is enough."""
        return False


def _models_in(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that a contract's fields are made of."""
    found: list[type[BaseModel]] = []
    for field in model.model_fields.values():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if inspect.isclass(part) and issubclass(part, BaseModel) and part not in found:
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
