"""Who reaches whom, by the policies as a cluster reads them: both ends must allow it."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.helm.rendering import CHART, Object, changed, objects, of_kind, pods, values_of

FACTS: dict[str, dict[str, Any]] = yaml.safe_load((CHART / "files/services.yaml").read_text())
HTTP, OPS = 8080, 9080
PROMETHEUS = {"kubernetes.io/metadata.name": "monitoring"}
STRANGER = {"kubernetes.io/metadata.name": "elsewhere"}

Labels = dict[str, str]


class Network:
    """The policies of one release."""

    def __init__(self, values: dict[str, Any]):
        made = objects(values)
        self._policies = [one["spec"] for one in of_kind(made, "NetworkPolicy")]
        self.pods = {
            pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod["metadata"]["labels"]
            for _, pod in pods(made)
        }

    def admits(self, to: Labels, port: int, pod: Labels | None, namespace: Labels) -> bool:
        """Whether the pod `to` is reached by one of its namespace (`pod`), or of another one."""
        rules = self._rules(to, "Ingress")
        return any(self._meets(rule.get("from"), rule, port, pod, namespace) for rule in rules)

    def lets_out(self, pod: Labels, to: Labels, port: int) -> bool:
        """Whether the pod may ask another one of its namespace."""
        rules = self._rules(pod, "Egress")
        return any(self._meets(rule.get("to"), rule, port, to, {}) for rule in rules)

    def leads(self, pod: Labels, port: int) -> list[Object]:
        """To which networks the pod may go on the port; [{}] is all of them."""
        rules = [rule for rule in self._rules(pod, "Egress") if _has(rule, port)]
        return [peer.get("ipBlock", peer) for rule in rules for peer in rule.get("to", [{}])]

    def _rules(self, pod: Labels, kind: str) -> Iterator[Object]:
        for policy in self._policies:
            if kind in policy["policyTypes"] and _selects(policy["podSelector"], pod):
                yield from policy.get(kind.lower(), [])

    def is_denied_by_default(self, pod: Labels) -> bool:
        """Whether some policy selects it for both directions."""
        kinds = [p["policyTypes"] for p in self._policies if _selects(p["podSelector"], pod)]
        return {"Ingress", "Egress"} <= {kind for listed in kinds for kind in listed}

    def _meets(
        self, peers: Any, rule: Object, port: int, pod: Labels | None, namespace: Labels
    ) -> bool:
        if not _has(rule, port):
            return False
        if peers is None:
            return True
        return any(_is_peer(peer, pod, namespace) for peer in peers)


def _has(rule: Object, port: int) -> bool:
    return port in [one["port"] for one in rule["ports"]]


def _selects(selector: Object, labels: Labels) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for one in selector.get("matchExpressions", []):
        assert one["operator"] == "NotIn"
        if labels.get(one["key"]) in one["values"]:
            return False
    return True


def _is_peer(peer: Object, pod: Labels | None, namespace: Labels) -> bool:
    if "namespaceSelector" in peer:
        return pod is None and _selects(peer["namespaceSelector"], namespace)
    return pod is not None and "podSelector" in peer and _selects(peer["podSelector"], pod)


@pytest.fixture(params=["minimal", "split"])
def network(request: pytest.FixtureRequest) -> Network:
    return Network(values_of(request.param))


def test_every_pod_is_denied_what_is_not_named(network: Network) -> None:
    assert all(network.is_denied_by_default(labels) for labels in network.pods.values())


def test_services_reach_whom_they_call_and_nobody_else(network: Network) -> None:
    """Seen to fail without a peer on either side, and with a port too many."""
    for asking in network.pods.values():
        for asked in network.pods.values():
            service = asked.get("channelbus/service", "")
            its = FACTS.get(asking.get("channelbus/service", ""), {"calls": [], "ops": []})
            answers = asked.get("channelbus/serves") == "true"
            wanted = {HTTP: service in its["calls"], OPS: service in its["ops"]}
            if service == "gateway":
                wanted[HTTP] = asking["app.kubernetes.io/component"] == "test"
            for port, may in wanted.items():
                goes = network.lets_out(asking, asked, port)
                goes = goes and network.admits(asked, port, asking, {})
                assert goes == (may and answers), (asking, asked, port)


def test_prometheus_reaches_the_operators_port_alone_and_others_the_gateway(
    network: Network,
) -> None:
    for component, labels in network.pods.items():
        works = "channelbus/service" in labels
        assert network.admits(labels, OPS, None, PROMETHEUS) == works
        assert not network.admits(labels, OPS, None, STRANGER)
        is_gateway = labels.get("channelbus/service") == "gateway"
        is_open = is_gateway and labels["channelbus/serves"] == "true"
        assert network.admits(labels, HTTP, None, STRANGER) == is_open, component


def test_the_gateway_is_reached_by_those_who_are_named_where_some_are() -> None:
    controller = {"kubernetes.io/metadata.name": "ingress-nginx"}
    network = Network(values_of("ingress"))
    gateway = network.pods["gateway"]
    assert network.admits(gateway, HTTP, None, controller)
    assert not network.admits(gateway, HTTP, None, STRANGER)
    assert network.admits(gateway, HTTP, network.pods["test"], {})


def test_database_and_kafka_are_reached_by_whoever_needs_them() -> None:
    network = Network(values_of("named-network"))
    for component, labels in network.pods.items():
        database = [{"cidr": "10.0.1.0/28"}] if component != "test" else []
        assert network.leads(labels, 6432) == database
        kafka = [{"cidr": "10.0.2.0/28"}] if component not in ("test", "migrate") else []
        assert network.leads(labels, 9094) == kafka
        assert network.leads(labels, 53) == [{"cidr": "169.254.20.10/32"}]


def test_only_workers_leave_for_the_upstream_and_for_webhooks() -> None:
    network = Network(values_of("connected"))
    assert network.leads(network.pods["customer-sync-worker"], 443) == [{"cidr": "203.0.113.0/24"}]
    hooks = network.leads(network.pods["gateway"], 443)
    assert hooks[-1] == {"cidr": "10.20.0.0/16"}
    assert {"10.0.0.0/8", "192.168.0.0/16", "169.254.0.0/16"} <= set(hooks[0]["except"])
    assert "fc00::/7" in hooks[1]["except"]
    leaving = {name for name, labels in network.pods.items() if network.leads(labels, 443)}
    assert leaving == {"customer-sync-worker", "gateway"}


def test_operators_clusters_are_found_by_their_labels() -> None:
    network = Network(values_of("operators"))
    order = network.pods["order-worker"]
    database = {"cnpg.io/cluster": "bus-channelbus-db"}
    assert network.lets_out(order, database, 5432)
    assert network.lets_out(order, {"strimzi.io/cluster": "events"}, 9093)
    assert not network.lets_out(order, {"strimzi.io/cluster": "others"}, 9093)


def test_a_network_without_policies_is_left_alone() -> None:
    assert of_kind(objects(values_of("open-network")), "NetworkPolicy") == []
    minimal = changed(values_of("minimal"), networkPolicy__enabled=True)
    assert of_kind(objects(minimal), "NetworkPolicy")
