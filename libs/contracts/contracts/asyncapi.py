"""The bus as an AsyncAPI 3 document, made from the contracts."""

from typing import Any

from contracts import STREAMS, contracts
from contracts.event import Event
from contracts.schema import Schema, body_schema

CONTENT_TYPE = "application/json"
_MODELS = "#/components/schemas/{model}"

# Header → what it says; CloudEvents 1.0 in Kafka's binary mode.
ENVELOPE = {
    "ce_specversion": "always 1.0",
    "ce_id": "UUIDv7, the same on Kafka and in the feed: deduplicate by it",
    "ce_type": "the contract, as in order.paid",
    "ce_source": "/channelbus/ and the stream",
    "ce_time": "when it happened, RFC 3339",
    "ce_subject": "the id of what the fact is about",
    "ce_sequence": "the version of what the fact is about, after the fact",
    "ce_partnerid": "the partner account that owns the row",
    "ce_dataschema": "contract and version, as in order.paid/1.0",
    "ce_restated": "true when a state is stated again to rebuild copies; absent otherwise",
    "content-type": CONTENT_TYPE,
    "traceparent": "W3C trace context, when there is one",
}
_OPTIONAL = {"ce_restated", "traceparent"}


def document(topic_prefix: str = "") -> dict[str, Any]:
    """Channels are the streams, messages the contracts; topics carry the configured prefix."""
    every = [contract for stream in STREAMS for contract in contracts(stream).values()]
    bodies = {contract.TYPE: body_schema(contract, _MODELS) for contract in every}
    models: dict[str, Schema] = {}
    for body in bodies.values():
        models.update(body.pop("$defs", {}))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Channelbus events",
            "version": "1.0.0",
            "description": "Everything that happens, as CloudEvents on Kafka.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {stream: _channel(stream, topic_prefix) for stream in STREAMS},
        "operations": {f"state_{stream}": _operation(stream) for stream in STREAMS},
        "components": {
            "messages": {c.TYPE: _message(c, bodies[c.TYPE]) for c in every},
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
            "schemas": dict(sorted(models.items())),
        },
    }


def _channel(stream: str, prefix: str) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in contracts(stream)}
    return {"address": prefix + stream, "messages": messages}


def _operation(stream: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{stream}"},
        "messages": [{"$ref": f"#/channels/{stream}/messages/{n}"} for n in contracts(stream)],
    }


def _message(contract: type[Event], body: Schema) -> dict[str, Any]:
    return {
        "name": contract.TYPE,
        "title": contract.__name__,
        "summary": (contract.__doc__ or "").split("\n")[0],
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "contentType": CONTENT_TYPE,
        "payload": body,
        "bindings": {
            "kafka": {"key": {"type": "string", "description": f"the event's {contract.KEY}"}}
        },
    }


def _headers() -> Schema:
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": says} for name, says in ENVELOPE.items()
        },
        "required": [name for name in ENVELOPE if name not in _OPTIONAL],
    }
