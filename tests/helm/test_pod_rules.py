"""Each rule of the pods' security is seen to fail: on a good pod, one thing is made wrong."""

import copy
from typing import Any

import pytest

from tests.helm.pod_rules import RULES, broken
from tests.helm.rendering import Object, named, objects, values_of

LEFT_OUT = object()
CONTAINER = "spec.containers.0"
SECURITY = f"{CONTAINER}.securityContext"

FAULTS: list[tuple[str, str, Any]] = [
    ("runs_as_nobody", "spec.securityContext.runAsNonRoot", LEFT_OUT),
    ("runs_as_nobody", "spec.securityContext.runAsUser", 0),
    ("runs_as_nobody", f"{SECURITY}.runAsNonRoot", False),
    ("gains_nothing", f"{SECURITY}.allowPrivilegeEscalation", LEFT_OUT),
    ("gains_nothing", f"{SECURITY}.privileged", True),
    ("gains_nothing", f"{SECURITY}.capabilities.drop", ["NET_RAW"]),
    ("gains_nothing", f"{SECURITY}.capabilities.add", ["SYS_PTRACE"]),
    ("is_confined", "spec.securityContext.seccompProfile", {"type": "Unconfined"}),
    ("is_confined", "spec.hostNetwork", True),
    ("is_confined", "spec.volumes.2", {"name": "keys", "hostPath": {"path": "/"}}),
    ("is_confined", f"{CONTAINER}.ports.0.hostPort", 80),
    ("writes_nowhere_but_tmp", f"{SECURITY}.readOnlyRootFilesystem", LEFT_OUT),
    ("writes_nowhere_but_tmp", f"{CONTAINER}.volumeMounts.1.readOnly", False),
    ("writes_nowhere_but_tmp", "spec.volumes.0.emptyDir", {}),
    ("has_no_token", "spec.automountServiceAccountToken", LEFT_OUT),
    ("has_no_token", "spec.serviceAccountName", LEFT_OUT),
    ("has_no_token", "spec.enableServiceLinks", LEFT_OUT),
    (
        "keeps_secrets_in_files",
        f"{CONTAINER}.env.0",
        {"name": "ADMIN_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ),
    ("keeps_secrets_in_files", f"{CONTAINER}.envFrom.0", {"secretRef": {"name": "s"}}),
    ("keeps_secrets_in_files", "spec.volumes.1.secret.defaultMode", LEFT_OUT),
    ("keeps_secrets_in_files", "spec.volumes.1.secret.items", LEFT_OUT),
    ("has_bounds", f"{CONTAINER}.resources.limits.memory", LEFT_OUT),
    ("has_bounds", f"{CONTAINER}.resources.requests.cpu", LEFT_OUT),
    ("has_bounds", f"{CONTAINER}.resources.limits.cpu", "1"),
    ("is_asked_how_it_is", f"{CONTAINER}.startupProbe", LEFT_OUT),
    ("is_asked_how_it_is", f"{CONTAINER}.livenessProbe.httpGet.path", "/readyz"),
    ("is_asked_how_it_is", f"{CONTAINER}.readinessProbe.httpGet.port", "http"),
    ("is_asked_how_it_is", f"{CONTAINER}.livenessProbe.failureThreshold", 1),
    ("ends_in_time", f"{CONTAINER}.lifecycle", LEFT_OUT),
    ("ends_in_time", "spec.terminationGracePeriodSeconds", 30),
    ("ends_in_time", "spec.terminationGracePeriodSeconds", 44),
    ("is_spread", "spec.topologySpreadConstraints", LEFT_OUT),
    (
        "is_spread",
        "spec.topologySpreadConstraints.0.labelSelector.matchLabels",
        {"app.kubernetes.io/component": "another"},
    ),
    ("has_an_image_that_stays", f"{CONTAINER}.image", "images.example:5000/order"),
    ("has_an_image_that_stays", f"{CONTAINER}.image", "order:latest"),
]


@pytest.fixture
def pod() -> Object:
    """A pod that keeps all rules."""
    found = named(objects(values_of("minimal")), "Deployment", "-order")["spec"]["template"]
    assert broken(found) == []
    return copy.deepcopy(found)


@pytest.mark.parametrize(("rule", "path", "value"), FAULTS)
def test_a_fault_is_found_by_its_rule(pod: Object, rule: str, path: str, value: Any) -> None:
    _plant(pod, path, value)
    assert {said.partition(":")[0] for said in broken(pod)} == {rule}


def test_a_grace_counts_draining_and_the_batch_in_hand(pod: Object) -> None:
    for variable in pod["spec"]["containers"][0]["env"]:
        if variable["name"] == "SHUTDOWN_SECONDS":
            variable["value"] = "60"
    assert broken(pod) == ["ends_in_time: order is killed before it has ended"]


def test_each_rule_has_a_fault() -> None:
    assert {rule.__name__ for rule in RULES} == {rule for rule, _, _ in FAULTS}


def _plant(pod: Object, path: str, value: Any) -> None:
    *above, last = path.split(".")
    within: Any = pod
    for name in above:
        within = within[int(name)] if isinstance(within, list) else within.setdefault(name, {})
    if value is LEFT_OUT:
        del within[last]
    elif isinstance(within, list):
        within[int(last)] = value
    else:
        within[last] = value
