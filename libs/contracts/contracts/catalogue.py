"""The event catalogue as a page for people, made from the contracts."""

import inspect

from contracts import STREAMS, contracts
from contracts.asyncapi import ENVELOPE
from contracts.event import Event
from contracts.schema import Schema, body_schema

_OPENING = """# Events

Made from `libs/contracts` by `python -m contracts.generate`; change the code, not this page.

One stream (Kafka topic, perhaps with a prefix) per stating service. The message key is the id whose
order must hold. The envelope is CloudEvents 1.0 in Kafka's binary mode, the body JSON: amounts are
texts, never floats; instants carry their time zone. Contracts only grow: ignore fields you do not
know. An event carries the state after the fact beside the fact: take the newer `version`, ignore an
older one. The same schemas for machines: `libs/contracts/schemas/`, `docs/asyncapi.json`.

Kafka carries whole events, for services. The feed shows of each event what its reader may read,
and leaves out events that hold nothing for it. "Read by" says who that is: `customer`, the customer
and its partner; `payer`, the partner, and the customer unless another account pays for it;
`partner`, the partner alone, with the distributor above it; `internal`, nobody outside. The
administrator reads all. In the feed an amount has two decimals, cut, and each part that has an
amount says the event's `currency`, if the event does; Kafka keeps the decimals. What each sees:
`docs/feed-partner.json`, `docs/feed-customer.json`.

A page of the feed says what is not in it. `as_of`: all that was sent to Kafka until then is in the
feed, but for `withheld`: the reader's keys of which events are parked, each with its `stream`, how
many `events` wait, and `since` when. Replayed, they come behind what is there by then, in their
order. The portfolio and a customer's page say the same as `as_of` and `stale_since`.
"""


def page() -> str:
    """The whole page in Markdown."""
    parts = [_OPENING, _envelope(), _common()]
    for stream in STREAMS:
        parts.append(f"## Stream `{stream}`\n")
        told: set[type[Event]] = {Event}
        for contract in contracts(stream).values():
            base = _base(contract)
            if base not in told:
                told.add(base)
                parts.append(_state(base))
            parts.append(_event(contract))
    return "\n".join(parts)


def _base(contract: type[Event]) -> type[Event]:
    """The class whose fields several contracts share; Event when there is none."""
    parent = contract.__mro__[1]
    assert issubclass(parent, Event)
    return parent


def _envelope() -> str:
    rows = "\n".join(f"| `{name}` | {says} |" for name, says in ENVELOPE.items())
    return f"## Headers\n\n| header | says |\n|---|---|\n{rows}\n"


def _common() -> str:
    return f"## Fields of every event\n\n{_fields(body_schema(Event)['properties'])}\n"


def _state(base: type[Event]) -> str:
    """What the events of one aggregate have in common."""
    heading = f"### Fields of every `{base.__name__}`"
    parts = [heading, inspect.cleandoc(base.__doc__ or ""), *_tables(base, Event, set())]
    return "\n\n".join(parts) + "\n"


def _event(contract: type[Event]) -> str:
    base = _base(contract)
    key = f"Version {contract.VERSION} · key `{contract.KEY}` · about `{contract.SUBJECT}`"
    if base is not Event:
        key += f" ·\nand every field of `{base.__name__}`"
    told = set() if base is Event else set(body_schema(base).get("$defs", {}))
    heading = f"### `{contract.TYPE}`"
    parts = [heading, inspect.cleandoc(contract.__doc__ or ""), key, *_tables(contract, base, told)]
    return "\n\n".join(parts) + "\n"


def _tables(contract: type[Event], base: type[Event], told: set[str]) -> list[str]:
    """The fields that the contract has beyond its base, and the models they are made of."""
    schema = body_schema(contract)
    own = {n: f for n, f in schema["properties"].items() if n not in base.model_fields}
    tables = [_fields(own)] if own else []
    for name, model in schema.get("$defs", {}).items():
        if name not in told:
            tables.append(f"`{name}`: {model['description']}\n\n{_fields(model['properties'])}")
    return tables


def _fields(properties: Schema) -> str:
    rows = [_row(name, field) for name, field in properties.items()]
    return "\n".join(["| field | type | read by | |", "|---|---|---|---|", *rows])


def _row(name: str, field: Schema) -> str:
    note = str(field.get("description", "")).replace("|", "\\|")
    return f"| `{name}` | {kind(field)} | {field['x-audience']} | {note} |".replace("|  |", "| |")


def kind(field: Schema) -> str:
    """A field's type in a word or two: `integer`, `instant or null`, `list of OrderLine`."""
    if "anyOf" in field:
        return " or ".join(kind(part) for part in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field.get("type") == "array":
        return f"list of {kind(field['items'])}"
    if field.get("format") == "date-time":
        return "instant"
    name = str(field["type"])
    return "text" if name == "string" else name
