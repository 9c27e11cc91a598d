"""The chart, rendered by Helm itself; the one module that knows its Python library.

The library is young: whoever replaces it, by the command `helm template` or by another one, changes
this file alone.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

from testkit.embedded.jars import CHECKOUT

CHART = CHECKOUT / "deploy/helm/channelbus"
WAYS = sorted(path.name.removesuffix("-values.yaml") for path in CHART.glob("ci/*-values.yaml"))
RELEASE, NAMESPACE = "bus", "trade"

Object = dict[str, Any]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class NotRenderedError(Exception):
    """Helm, the schema of the values or the chart refused; the text says why."""


@cache
def _chart() -> helm_python.Chart:
    return helm_python.Chart.load(CHART)


def values_of(way: str) -> dict[str, Any]:
    """The values of one of the chart's ways."""
    return dict(yaml.load((CHART / f"ci/{way}-values.yaml").read_text(), _LOADER))


def changed(values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A copy with these beside or in place of them, in depth; `a__b=1` is `{"a": {"b": 1}}`."""
    copied: dict[str, Any] = json.loads(json.dumps(values))
    for path, value in more.items():
        *above, last = path.split("__")
        within = copied
        for name in above:
            within = within.setdefault(name, {})
        within[last] = value
    return copied


def render(
    values: dict[str, Any], release: str = RELEASE, *, upgrade: bool = False
) -> dict[str, str]:
    """What each template says.

    Raises:
        NotRenderedError: nothing is said.

    """
    try:
        return _chart().render(
            values, name=release, namespace=NAMESPACE, is_install=not upgrade, is_upgrade=upgrade
        )
    except helm_python.HelmError as error:
        raise NotRenderedError(str(error)) from error


def objects(
    values: dict[str, Any], release: str = RELEASE, *, upgrade: bool = False
) -> list[Object]:
    """The objects, in the order of the templates."""
    return list(_objects(json.dumps(values), release, upgrade))


@cache
def _objects(values: str, release: str, upgrade: bool) -> tuple[Object, ...]:
    texts = render(json.loads(values), release, upgrade=upgrade)
    return tuple(
        found
        for name, text in sorted(texts.items())
        if Path(name).suffix == ".yaml"
        for found in yaml.load_all(text, _LOADER)
        if found is not None
    )


def lint(values: dict[str, Any]) -> list[str]:
    """What `helm lint` holds against the chart with these values."""
    found = helm_python.lint(CHART, values=values)
    return [json.dumps(one) for one in found.get("messages", []) if one.get("severity", 0) > 1]


def named(found: list[Object], kind: str, name: str = "") -> Object:
    """The one object of the kind; of several the one whose name ends so."""
    (one,) = (
        each for each in found if each["kind"] == kind and each["metadata"]["name"].endswith(name)
    )
    return one


def of_kind(found: list[Object], kind: str) -> list[Object]:
    """All objects of the kind."""
    return [each for each in found if each["kind"] == kind]


def pods(found: list[Object]) -> Iterator[tuple[str, Object]]:
    """Each pod that is made: of what, and its `metadata` and `spec`."""
    for each in found:
        name = f"{each['kind']} {each['metadata']['name']}"
        if each["kind"] == "Pod":
            yield name, each
        elif each["kind"] in ("Deployment", "Job"):
            yield name, each["spec"]["template"]
