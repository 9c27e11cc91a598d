"""What the feed shows, as one JSON Schema document for each of its audiences."""

from contracts import STREAMS, contracts
from contracts.audience import Audience
from contracts.event import is_told_to
from contracts.schema import DIALECT, Schema, told_schema

READERS = (Audience.PARTNER, Audience.CUSTOMER)
_MODELS = "#/$defs/{model}"


def document(reader: Audience) -> Schema:
    """Under `$defs` the `data` of each type that the reader is told, and the models within."""
    bodies: dict[str, Schema] = {}
    models: dict[str, Schema] = {}
    for stream in STREAMS:
        for name, contract in contracts(stream).items():
            if is_told_to(contract, reader):
                bodies[name] = told_schema(contract, reader, _MODELS)
                models.update(bodies[name].pop("$defs"))
    return {
        "$schema": DIALECT,
        "$id": f"urn:channelbus:feed:{reader}",
        "description": f"What GET /api/events shows a {reader} as the data of each type.",
        "$defs": bodies | dict(sorted(models.items())),
    }
