"""Contracts only grow: what may not change is held against a committed baseline.

The baseline is what was last released. A type or field may be added; none may be removed, retyped
or moved to another stream, key or subject: events of the old shape stay in Kafka for weeks, and
readers of the old shape run beside writers of the new one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts import STREAMS, contracts
from contracts.catalogue import kind
from contracts.event import Event
from contracts.schema import Schema, body_schema

Shape = dict[str, Any]


def shapes(every: Iterable[type[Event]] | None = None) -> dict[str, Shape]:
    """Type → what readers rely on: where it is stated, its version, its fields, which are sure."""
    if every is None:
        every = [contract for stream in STREAMS for contract in contracts(stream).values()]
    return {contract.TYPE: _shape(contract) for contract in every}


def _shape(contract: type[Event]) -> Shape:
    schema = body_schema(contract)
    fields: dict[str, str] = {}
    _flatten(schema, schema.get("$defs", {}), "", fields)
    return {
        "version": contract.VERSION,
        "stream": contract.STREAM,
        "key": contract.KEY,
        "subject": contract.SUBJECT,
        "fields": fields,
    }


def _flatten(schema: Schema, models: Schema, prefix: str, into: dict[str, str]) -> None:
    """Every field by its path, `lines[].amount` say; `?` after the type: it may be absent."""
    for name, field in schema["properties"].items():
        path = f"{prefix}{name}"
        into[path] = kind(field) + ("" if name in schema.get("required", ()) else "?")
        item = field.get("items", field)
        if "$ref" in item:
            model = models[item["$ref"].rpartition("/")[2]]
            _flatten(model, models, f"{path}{'[]' if 'items' in field else ''}.", into)


def breaches(baseline: Mapping[str, Shape], present: Mapping[str, Shape]) -> list[str]:
    """Every way in which a reader or an event of the baseline would be broken, in words."""
    found: list[str] = []
    for name, before in baseline.items():
        if name not in present:
            found.append(f"{name} was removed; keep the contract, state it no longer")
        else:
            found += [f"{name}: {text}" for text in _breaches_of(before, present[name])]
    return found


def _breaches_of(before: Shape, after: Shape) -> list[str]:
    found = [
        f"{part} moved from {before[part]} to {after[part]}; a new meaning is a new event"
        for part in ("stream", "key", "subject")
        if before[part] != after[part]
    ]
    old, new = before["fields"], after["fields"]
    for path, was in old.items():
        if path not in new:
            found.append(f"{path} was removed; keep it, with a default")
        elif new[path] != was:
            found.append(f"{path} was {was} and is {new[path]}; add a field of another name")
    added = [path for path in new if path not in old]
    found += [
        f"{path} is new and required; give it a default, older events do not have it"
        for path in added
        if not new[path].endswith("?") and not _is_within_new(path, added)
    ]
    return found + _version_breaches(before, after, grew=bool(added))


def _is_within_new(path: str, added: list[str]) -> bool:
    """A part of a field that is itself new: absent together with it."""
    return any(path != other and path.startswith((f"{other}.", f"{other}[].")) for other in added)


def _version_breaches(before: Shape, after: Shape, *, grew: bool) -> list[str]:
    was, now = _version(before), _version(after)
    if now[0] != was[0]:
        return [f"major version {was[0]} became {now[0]}; a new meaning is a new event"]
    if now < was:
        return [f"version went back from {before['version']} to {after['version']}"]
    if grew and now == was:
        return [f"fields were added; raise VERSION above {before['version']}"]
    return []


def _version(shape: Shape) -> tuple[int, int]:
    major, minor = shape["version"].split(".")
    return int(major), int(minor)
