"""What a cluster would refuse: objects held against Kubernetes' schemas and the operators'."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from kubernetes_validate import utils
from referencing import Registry, Resource

from tests.helm.rendering import Object

KUBERNETES = ("1.30", "1.34", "1.37")
OPERATORS = Path(__file__).parent / "crds"


def misfits(found: Object) -> Iterator[str]:
    """Why the object would be refused; nothing when it would not."""
    if (validator := _operators().get((found["apiVersion"], found["kind"]))) is not None:
        yield from _told("its operator", validator, found)
        return
    for version in KUBERNETES:
        yield from _told(f"Kubernetes {version}", _kubernetes(version, *_kind(found)), found)


def _told(by: str, validator: Any, found: Object) -> Iterator[str]:
    for error in validator.iter_errors(found):
        where = ".".join(map(str, error.absolute_path))
        yield f"{found['kind']} {found['metadata']['name']} {where}, says {by}: {error.message}"


def _kind(found: Object) -> tuple[str, str]:
    return found["apiVersion"], found["kind"]


@cache
def _kubernetes(version: str, api_version: str, kind: str) -> Any:
    """As `kubernetes_validate.validate` does it, which reads a megabyte for each object."""
    folder = f"kubernetes-json-schema/v{version}.0-local-strict"
    group, _, api = api_version.rpartition("/")
    name = "-".join(filter(None, [kind.lower(), group.split(".")[0], api]))
    schema = utils.schema_contents(f"{folder}/{name}.json", version)
    registry = _definitions(version).with_resource("", Resource.from_contents(schema))
    return jsonschema.Draft202012Validator(schema, registry=registry)


@cache
def _definitions(version: str) -> Any:
    folder = f"kubernetes-json-schema/v{version}.0-local-strict"
    resource = Resource.from_contents(utils.schema_contents(f"{folder}/_definitions.json", version))
    return (resource @ Registry()).crawl()


@cache
def _operators() -> dict[tuple[str, str], Any]:
    """By version and kind; what no schema names is refused, where a server would drop it."""
    known = {}
    for path in sorted(OPERATORS.glob("*.json")):
        given = json.loads(path.read_text())
        for version, schema in given["versions"].items():
            closed = jsonschema.Draft202012Validator(_closed(schema, is_root=True))
            known[f"{given['group']}/{version}", given["kind"]] = closed
    return known


def _closed(schema: Any, is_root: bool = False) -> Any:
    """The schema with nothing beside its properties, but where it says that there may be more."""
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed_part(name, part) for name, part in schema.items()}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or is_root
    if "properties" in schema and "additionalProperties" not in schema and not is_open:
        made["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    return made


def _closed_part(name: str, part: Any) -> Any:
    if name == "properties":
        return {key: _closed(value) for key, value in part.items()}
    if name in ("items", "additionalProperties"):
        return _closed(part)
    return part
