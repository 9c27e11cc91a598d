"""Every way of the chart: what Helm makes of it is the same twice, and a cluster would take it."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.helm.pod_rules import broken
from tests.helm.rendering import (
    NAMESPACE,
    WAYS,
    Object,
    lint,
    objects,
    of_kind,
    pods,
    render,
    values_of,
)
from tests.helm.schemas import misfits

NAME_CHARACTERS_MAX = 63
NAMESPACED = {
    *("ConfigMap", "Deployment", "HTTPRoute", "HorizontalPodAutoscaler", "Ingress", "Job"),
    *("NetworkPolicy", "Pod", "PodDisruptionBudget", "Service", "ServiceAccount"),
    *("Cluster", "Database", "KafkaTopic", "KafkaUser", "Pooler", "PrometheusRule"),
    *("ScaledObject", "ScheduledBackup", "ServiceMonitor"),
}
KEPT = {"Cluster", "Database", "KafkaTopic"}
_validated = set[str]()


def test_there_are_ways_enough() -> None:
    assert len(WAYS) >= 15


@pytest.mark.parametrize("upgrade", [False, True], ids=["install", "upgrade"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_the_same_twice_fits_and_is_secure(way: str, upgrade: bool) -> None:
    """Seen to fail with a random name, a misspelt field, and without a container's security."""
    values = values_of(way)
    assert render(values, upgrade=upgrade) == render(values, upgrade=upgrade)
    made = objects(values, upgrade=upgrade)
    assert [said for one in made if _is_new(one) for said in misfits(one)] == []
    assert [(name, said) for name, pod in pods(made) for said in broken(pod)] == []


def _is_new(one: Object) -> bool:
    """Most are the same in most ways; each is validated once."""
    text = json.dumps(one, sort_keys=True)
    is_new = text not in _validated
    _validated.add(text)
    return is_new


@pytest.mark.parametrize("way", WAYS)
def test_names_are_short_single_and_of_one_namespace(way: str) -> None:
    for release in ("bus", "a-release-of-29-characters-xx"):
        made = objects(values_of(way), release)
        names = Counter((one["kind"], one["metadata"]["name"]) for one in made)
        assert max(names.values()) == 1
        assert all(len(name) <= NAME_CHARACTERS_MAX for _, name in names)
        assert {kind for kind, _ in names} <= NAMESPACED
        assert {one["metadata"].get("namespace", NAMESPACE) for one in made} == {NAMESPACE}


def test_selectors_meet_the_pods_of_one_workload_of_one_release() -> None:
    """Seen to fail with a selector that leaves the release out."""
    made = {release: objects(values_of("operators"), release) for release in ("one", "two")}
    both = [*made["one"], *made["two"]]
    assert max(Counter((o["kind"], o["metadata"]["name"]) for o in both).values()) == 1
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(both)}
    for kind in ("Deployment", "PodDisruptionBudget", "Service"):
        for one in of_kind(both, kind):
            spec = one["spec"]["selector"]
            wanted = spec if kind == "Service" else spec["matchLabels"]
            met = [name for name, its in labels.items() if wanted.items() <= its.items()]
            assert len(met) == 1, one["metadata"]["name"]


@pytest.mark.parametrize("way", ["minimal", "operators", "cloudnativepg-pooler"])
def test_only_data_outlives_the_release(way: str) -> None:
    kept = {
        one["kind"]
        for one in objects(values_of(way))
        if _annotations(one).get("helm.sh/resource-policy") == "keep"
    }
    assert kept == KEPT & {one["kind"] for one in objects(values_of(way))}


@pytest.mark.parametrize("upgrade", [False, True])
def test_what_helm_does_not_count_to_the_release_is_gone_when_it_went_well(upgrade: bool) -> None:
    """Hooks outlive an uninstall. Seen to fail on a real one, with the account of a migration."""
    hooks = [
        (one["kind"], annotations["helm.sh/hook-delete-policy"])
        for one in objects(values_of("minimal"), upgrade=upgrade)
        if "helm.sh/hook" in (annotations := _annotations(one))
    ]
    assert len(hooks) == (5 if upgrade else 3)
    assert [kind for kind, policy in hooks if "hook-succeeded" not in policy.split(",")] == []


def test_helm_finds_nothing_to_complain_of() -> None:
    assert lint(values_of("operators")) == []


def test_a_misfit_is_found() -> None:
    """What validates must be able to refuse, for each of the versions and for the operators."""
    made = objects(values_of("operators"))
    (service, *_) = of_kind(made, "Service")
    misspelt = {**service, "spec": {**service["spec"], "prots": []}}
    assert len(list(misfits(misspelt))) == 3
    (topic, *_) = of_kind(made, "KafkaTopic")
    assert len(list(misfits({**topic, "spec": {**topic["spec"], "partition": 3}}))) == 1


def _annotations(one: Object) -> dict[str, Any]:
    annotations: dict[str, Any] = one["metadata"].get("annotations", {})
    return annotations
