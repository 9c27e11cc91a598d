"""Values that are missing, misspelt or contradict each other: refused, in a sentence."""

from typing import Any

import pytest
import yaml

from helm.generate import generated
from tests.helm.rendering import (
    CHART,
    WAYS,
    NotRenderedError,
    changed,
    named,
    objects,
    of_kind,
    render,
    values_of,
)

MINIMAL = values_of("minimal")
SCALED = {"autoscaling__mode": "hpa", "database__maxConnections": 1000}

CONTRADICTIONS: list[tuple[str, dict[str, Any]]] = [
    ("Set kafka.bootstrapServers", {"kafka__bootstrapServers": ""}),
    ("Set database.existingSecret", {"database__existingSecret": ""}),
    ("Set secrets.existingSecret", {"secrets__existingSecret": ""}),
    ("Set kafka.existingSecret", {"kafka__securityProtocol": "SASL_SSL"}),
    ("kafka.existingSecret is of no use", {"kafka__existingSecret": "kafka"}),
    ("kafka.caSecret and kafka.certSecret are of no use", {"kafka__certSecret": "certificate"}),
    ("Set strimzi.clusterName", {"strimzi__enabled": True}),
    (
        "Leave kafka.existingSecret out",
        {
            "strimzi": {"enabled": True, "clusterName": "events"},
            "kafka__securityProtocol": "SASL_SSL",
            "kafka__existingSecret": "kafka",
        },
    ),
    (
        "Set kafka.saslMechanism to SCRAM-SHA-512",
        {
            "strimzi": {"enabled": True, "clusterName": "events"},
            "kafka__securityProtocol": "SASL_SSL",
            "kafka__saslMechanism": "PLAIN",
        },
    ),
    ("nothing could be written", {"strimzi__minInsyncReplicas": 4}),
    ("name two databases", {"cloudnativepg__enabled": True}),
    ("the pooler is that cluster's", {"cloudnativepg__pooler__enabled": True}),
    ("Set database.caSecret", {"database__sslMode": "verify-full"}),
    ("database.caSecret is of no use", {"database__caSecret": "ca"}),
    ("Set upstream.domainId", {"upstream__url": "https://partner-center.example"}),
    ("Set upstream.url", {"upstream__existingSecret": "upstream"}),
    (
        "sandbox is for a standalone system",
        {
            "sandbox": True,
            "upstream": {"url": "https://p.example", "domainId": "1", "existingSecret": "u"},
        },
    ),
    ("without services.order.split", {"services__order__worker__replicas": 3}),
    (
        "services.order has 3 replicas that work, and kafka.partitions is 2",
        {"services__order__replicas": 3, "kafka__partitions": 2, "database__maxConnections": 300},
    ),
    ("Set autoscaling.keda.prometheusAddress", {**SCALED, "autoscaling__mode": "keda"}),
    ("larger than kafka.partitions 3", {**SCALED, "kafka__partitions": 3}),
    ("smaller than the 6 replicas of order", {**SCALED, "services__order__replicas": 6}),
    ("extraEnv says ROLE", {"services__order__extraEnv": {"ROLE": "api"}}),
    ("extraEnv says DATABASE_URL", {"services__order__extraEnv": {"DATABASE_URL": "x"}}),
    ("must be at least 50", {"lifecycle__drainSeconds": 20}),
    ("Set ingress.hosts", {"ingress__enabled": True}),
    ("ingress.enabled is false", {"ingress__tls__secretName": "certificate"}),
    ("Set gatewayApi.parentRefs", {"gatewayApi__enabled": True}),
]


@pytest.mark.parametrize(("sentence", "change"), CONTRADICTIONS)
def test_a_contradiction_is_refused_in_a_sentence(sentence: str, change: dict[str, Any]) -> None:
    with pytest.raises(NotRenderedError) as refusal:
        render(changed(MINIMAL, **change))
    lines = [line for line in str(refusal.value).splitlines()[1:] if line]
    assert len(lines) == 1, lines
    assert sentence in lines[0]


def test_everything_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(NotRenderedError) as refusal:
        render({})
    for name in ("kafka.bootstrapServers", "database.existingSecret", "secrets.existingSecret"):
        assert f"Set {name}" in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        {"kafkaa": {}},
        {"kafka__bootstrapServer": "kafka:9092"},
        {"kafka__bootstrapServers": "kafka"},
        {"kafka__securityProtocol": "TLS"},
        {"services__orders": {"replicas": 1}},
        {"services__order__replica": 1},
        {"services__order__replicas": 0},
        {"services__order__replicas": 13},
        {"services__order__extraEnv": {"SHARE": 0.5}},
        {"services__order__resources__limits": {"memory": None}},
        {"image__digests": {"order": "0123"}},
        {"image__digests": {"orders": "sha256:" + 64 * "0"}},
        {"autoscaling__mode": "vpa"},
        {"global__imageRegistry": 5},
        {"webhooks__allowedNetworks": ["inside.example"]},
        {"ingress__hosts": ["https://channelbus.example"]},
    ],
)
def test_what_is_misspelt_is_refused_by_the_schema(change: dict[str, Any]) -> None:
    with pytest.raises(NotRenderedError, match="schema"):
        render(changed(MINIMAL, **change))


def test_as_a_part_of_another_chart_it_is_given_what_is_global_there() -> None:
    shared = {"storageClass": "fast", "postgresql": {"auth": {}}, "imageRegistry": "images.example"}
    made = objects(changed(MINIMAL, **{"global": shared}))
    for one in of_kind(made, "Deployment"):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        assert container["image"].startswith("images.example/channelbus/")


def test_connections_are_counted_as_they_may_be_at_most() -> None:
    """Replicas, roles and the most that scaling makes, each with all of its pools."""
    each = sum(yaml.safe_load((CHART / "values.yaml").read_text())["database"]["pool"].values()) + 1
    cases: list[tuple[int, dict[str, Any]]] = [
        (12, {}),
        (14, {"services__order__split": True}),
        (13, {"services__order__replicas": 3}),
        (18, {"autoscaling": {"mode": "hpa", "maxReplicas": 3}}),
    ]
    for processes, change in cases:
        enough = processes * each + 20
        render(changed(MINIMAL, **change, database__maxConnections=enough))
        with pytest.raises(NotRenderedError, match=f"may open {processes * each} connections"):
            render(changed(MINIMAL, **change, database__maxConnections=enough - 1))


def test_a_name_that_is_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(NotRenderedError, match="40 characters"):
        render(MINIMAL, "a-release-of-30-characters-xxx")
    assert named(objects(MINIMAL, "channelbus"), "Service", "-order")["metadata"]["name"] == (
        "channelbus-order"
    )


def test_what_is_generated_is_what_is_committed() -> None:
    """After a change of the schema, the values or the alerts: `make chart`."""
    for path, text in generated().items():
        assert path.read_text() == text, f"{path.name} is out of date: run 'make chart'"


@pytest.mark.parametrize("way", WAYS)
def test_each_way_says_what_it_is_for(way: str) -> None:
    assert (CHART / f"ci/{way}-values.yaml").read_text().startswith("# ")
