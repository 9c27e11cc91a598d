"""`files/services.yaml` says of the services what their code says."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.consumers import Consumers
from chassis.rebuild import Copied
from contracts import STREAMS
from local.services import GATEWAY, SERVICES, Service
from testkit.embedded.jars import CHECKOUT
from tests.helm.rendering import CHART

FACTS: dict[str, dict[str, Any]] = yaml.safe_load((CHART / "files/services.yaml").read_text())


def test_each_service_is_there_and_each_stream_has_one_who_states_it() -> None:
    assert set(FACTS) == {service.name for service in SERVICES}
    assert sorted(filter(None, (its["states"] for its in FACTS.values()))) == sorted(STREAMS)
    for service in SERVICES:
        assert FACTS[service.name]["package"] == service.package


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_its_groups_are_its_consumers(service: Service) -> None:
    assert FACTS[service.name]["groups"] == sorted(set(_groups(service)))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_it_calls_whom_it_copies_from_and_whom_its_code_names(service: Service) -> None:
    """Seen to fail without billing among those that order calls."""
    app = import_module(f"{service.package}.app")
    copied = getattr(app, "COPIED", Copied({}))
    named = set(_named(service, {peer.url_variable.lower(): peer.name for peer in SERVICES}))
    assert set(FACTS[service.name]["calls"]) == {*copied.owners, *named} - {service.name}
    asked = set(_named(service, {peer.ops_url_variable.lower(): peer.name for peer in SERVICES}))
    assert set(FACTS[service.name]["ops"]) == asked
    assert bool(asked) == (service == GATEWAY)


def _named(service: Service, variables: dict[str, str]) -> Iterator[str]:
    """The peers whose address its code reads from its settings."""
    for tree in _trees(service):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in variables:
                of = node.value
                name = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
                if name.endswith("settings"):
                    yield variables[node.attr]


def _groups(service: Service) -> Iterator[str]:
    for tree in _trees(service):
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == Consumers.__name__
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value)


def _trees(service: Service) -> Iterator[ast.Module]:
    folder = CHECKOUT / "services" / service.name / service.package
    paths: list[Path] = sorted(folder.rglob("*.py"))
    for path in paths:
        if path.name != "settings.py":
            yield ast.parse(path.read_text())
