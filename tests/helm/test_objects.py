"""What the objects say: settings with which a process starts, migrations, scaling, routes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.settings import ServiceSettings
from local.services import GATEWAY, SERVICES, Service
from testkit.keys import ENCRYPTION_KEYS, INTERNAL_KEYS
from tests.helm.rendering import (
    CHART,
    NAMESPACE,
    RELEASE,
    WAYS,
    Object,
    changed,
    named,
    objects,
    of_kind,
    render,
    values_of,
)
from tests.local.test_compose import read_settings, settings_class

MINIMAL = values_of("minimal")
NAME = f"{RELEASE}-channelbus"
SECRETS = {  # what is in the files, by the ends of their paths
    "database/url": "postgresql://channelbus:secret@db:5432/app",
    "keys/internal-keys": INTERNAL_KEYS,
    "keys/encryption-keys": ENCRYPTION_KEYS,
    "keys/admin-token": "an-administrators-token",
    "kafka/username": "bus",
    "kafka/password": "secret",
    "upstream/ak": "AK",
    "upstream/sk": "SK",
}
RUN = "/run/channelbus/"


@pytest.mark.parametrize("way", WAYS)
def test_each_process_starts_with_what_it_is_told(
    way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Seen to fail with a misspelt setting, and with a key that its pod does not mount."""
    made = objects(values_of(way))
    shared = named(made, "ConfigMap", "-settings")["data"]
    for service in SERVICES:
        for deployment in of_kind(made, "Deployment"):
            pod = deployment["spec"]["template"]
            if pod["metadata"]["labels"]["channelbus/service"] != service.name:
                continue
            (container,) = pod["spec"]["containers"]
            own = {one["name"]: one["value"] for one in container["env"]}
            assert not own.keys() & shared.keys()
            told = _with_files({**shared, **own}, _mounted(pod), tmp_path)
            cls = settings_class(service)
            for name in told:
                assert {name.lower(), name.removesuffix("_FILE").lower()} & set(cls.model_fields)
            settings = read_settings(monkeypatch, cls, told)
            _check(settings, service, deployment, values_of(way))


def _check(
    settings: ServiceSettings, service: Service, deployment: Object, values: dict[str, Any]
) -> None:
    assert settings.database_of(service.package).startswith("postgresql://channelbus:secret@")
    assert settings.consumer_instance_id is None  # two pods of a Deployment share no name
    assert settings.connected == bool(values.get("upstream"))
    assert settings.host == "0.0.0.0"
    assert deployment["metadata"]["name"] == f"{NAME}-{service.name}" + (
        "-worker" if settings.role == "worker" else ""
    )
    scheme = "https" if settings.http_cert_file else "http"
    for peer in SERVICES:
        if peer != GATEWAY:
            url = getattr(settings, peer.url_variable.lower())
            assert url == f"{scheme}://{NAME}-{peer.name}:{settings.port}"
        if service == GATEWAY:
            ops = getattr(settings, peer.ops_url_variable.lower())
            assert ops == f"{scheme}://{NAME}-{peer.name}:{settings.ops_port}"


def _mounted(pod: Object) -> set[str]:
    """The files that its secrets put into a pod."""
    (container,) = pod["spec"]["containers"]
    paths = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    return {
        f"{paths[volume['name']]}/{item['path']}"
        for volume in pod["spec"]["volumes"]
        for item in volume.get("secret", {}).get("items", [])
    }


def _with_files(told: dict[str, str], mounted: set[str], folder: Path) -> dict[str, str]:
    """The same settings with files that are there; each that is named must be mounted."""
    named_files = {value for value in told.values() if value.startswith(RUN)}
    assert named_files == mounted
    for path in named_files:
        end = path.removeprefix(RUN)
        file = folder / end
        file.parent.mkdir(exist_ok=True)
        file.write_text(SECRETS.get(end, "a certificate") + "\n")
    return {name: value.replace(RUN, f"{folder}/") for name, value in told.items()}


def test_on_install_a_job_migrates_beside_pods_that_wait() -> None:
    made = objects(MINIMAL)
    job = named(made, "Job")
    assert "annotations" not in job["metadata"]  # no hook: what it waits for is of this release
    spec = job["spec"]["template"]["spec"]
    order = [one["name"] for one in [*spec["initContainers"], *spec["containers"]]]
    assert sorted(order) == sorted(service.name for service in SERVICES)
    assert named(made, "ServiceAccount", spec["serviceAccountName"])
    other = named(objects(changed(MINIMAL, image__tag="2.0")), "Job")
    assert other["metadata"]["name"] != job["metadata"]["name"]  # a Job cannot be changed


def test_on_upgrade_a_hook_migrates_first_with_an_account_made_before_it() -> None:
    made = objects(MINIMAL, upgrade=True)
    job = named(made, "Job")
    account = named(made, "ServiceAccount", job["spec"]["template"]["spec"]["serviceAccountName"])
    hooks = [one["metadata"]["annotations"] for one in (account, job)]
    assert [one["helm.sh/hook"] for one in hooks] == ["pre-upgrade", "pre-upgrade"]
    weights = [int(one["helm.sh/hook-weight"]) for one in hooks]
    assert weights == sorted(set(weights))
    assert "hook-failed" not in hooks[1]["helm.sh/hook-delete-policy"]  # its log stays
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert job["spec"]["activeDeadlineSeconds"] == 3600
    hooked = {one["metadata"]["name"] for one in made if "annotations" in one["metadata"]}
    (pull, *_) = [v for v in job["spec"]["template"]["spec"]["volumes"] if "configMap" in v] or [{}]
    assert pull.get("configMap", {}).get("name") in {None, *hooked}  # of nothing that comes later


def test_a_roll_out_takes_nothing_away_before_there_is_more() -> None:
    for one in of_kind(objects(values_of("split")), "Deployment"):
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
        assert one["spec"]["revisionHistoryLimit"] == 5


def test_a_change_of_what_is_shared_rolls_every_pod_once() -> None:
    def sums(values: dict[str, Any]) -> set[str]:
        return {
            one["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
            for one in of_kind(objects(values), "Deployment")
        }

    before, after = sums(MINIMAL), sums(changed(MINIMAL, kafka__topicPrefix="other."))
    assert (len(before), len(after)) == (1, 1)
    assert before != after


def test_split_services_are_asked_by_the_same_name_and_only_where_they_answer() -> None:
    made = objects(values_of("split"))
    service, worker = named(made, "Service", "-order"), named(made, "Service", "-order-worker")
    assert service["spec"]["selector"]["app.kubernetes.io/component"] == "order"
    assert [port["name"] for port in service["spec"]["ports"]] == ["http", "ops"]
    assert [port["name"] for port in worker["spec"]["ports"]] == ["ops"]
    for name, replicas in (("-gateway", 4), ("-gateway-worker", 2), ("-order-worker", 3)):
        assert named(made, "Deployment", name)["spec"]["replicas"] == replicas


def test_splitting_changes_who_answers_pod_by_pod() -> None:
    """Another name or selector would end the old pods before the new ones are ready.

    Break: name the workload that answers `order-api`.
    """
    split = values_of("split")
    both, apart = objects(changed(split, services__order={"split": False})), objects(split)
    for kind in ("Deployment", "Service"):
        before, after = named(both, kind, "-order"), named(apart, kind, "-order")
        assert before["spec"]["selector"] == after["spec"]["selector"]
        assert before["spec"] != after["spec"] or kind == "Service"


def test_lag_scales_by_its_value_and_never_to_nothing() -> None:
    made = objects(values_of("keda"))
    scaled = named(made, "ScaledObject", "-order")["spec"]
    (trigger,) = scaled["triggers"]
    assert trigger["metricType"] == "Value"  # as an average it would jump to the most
    assert trigger["metadata"]["query"] == (
        f'max(channelbus_group_lag_seconds{{namespace="{NAMESPACE}",service=~"{NAME}-.+",'
        'group=~"order"})'
    )
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (2, 4)
    (by_cpu,) = named(made, "ScaledObject", "-partner")["spec"]["triggers"]  # it hears nothing
    assert by_cpu["type"] == "cpu"
    assert all("replicas" not in one["spec"] for one in of_kind(made, "Deployment"))


def test_routes_leave_host_path_and_query_untouched() -> None:
    """Signatures are over them: no rewrite, no filter, everything below one path."""
    (ingress,) = of_kind(objects(values_of("ingress")), "Ingress")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == [
        "channelbus.example",
        "bus.example",
    ]
    for rule in ingress["spec"]["rules"]:
        (path,) = rule["http"]["paths"]
        assert (path["path"], path["pathType"]) == ("/", "Prefix")
    assert not any("rewrite" in name for name in ingress["metadata"]["annotations"])
    (route,) = of_kind(objects(values_of("gateway-api")), "HTTPRoute")
    (rule,) = route["spec"]["rules"]
    assert "filters" not in rule
    assert rule["backendRefs"] == [{"name": f"{NAME}-gateway", "port": 8080}]


def test_alerts_and_boards_are_those_of_the_checkout() -> None:
    made = objects(values_of("monitoring"))
    shipped = yaml.safe_load((CHART.parents[1] / "prometheus/alerts.yml").read_text())
    *common, of_pods = named(made, "PrometheusRule")["spec"]["groups"]
    assert common == shipped["groups"]
    asked = {rule["alert"]: rule["expr"] for rule in of_pods["rules"]}
    assert set(asked) == {"ReplicasBelowWanted", "PodRestarting", "MigrationRunningLong"}
    jobs = [job["metadata"]["name"] for job in of_kind(made, "Job")]
    assert all(re.fullmatch(f"{RELEASE}-.*migrate.*", job) for job in jobs)
    for expression in asked.values():
        assert f'namespace="{NAMESPACE}"' in expression
        assert f'=~"{RELEASE}-.*' in expression
    monitor = named(made, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    scraped = [
        s for s in of_kind(made, "Service") if monitor.items() <= s["metadata"]["labels"].items()
    ]
    assert len(scraped) == len(SERVICES)


def test_the_pooler_shares_no_session() -> None:
    (pooler,) = of_kind(objects(values_of("cloudnativepg-pooler")), "Pooler")
    assert pooler["spec"]["pgbouncer"]["poolMode"] == "session"


@pytest.mark.parametrize("way", WAYS)
def test_notes_tell_how_to_go_on(way: str) -> None:
    notes = render(values_of(way))["channelbus/templates/NOTES.txt"]
    assert f"helm test --namespace {NAMESPACE} {RELEASE}" in notes
    assert "<no value>" not in "".join(render(values_of(way)).values())


def test_with_a_certificate_nothing_is_asked_in_the_open() -> None:
    """Seen to fail with a probe, an address and a scrape that stayed as they were."""
    made = objects(values_of("tls"))
    text = yaml.safe_dump(made)
    assert "http://" not in text
    assert "scheme: HTTP\n" not in text
    (endpoint,) = named(made, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["scheme"] == "https"
    assert endpoint["tlsConfig"]["serverName"] == f"{NAME}-gateway"
    ports = [port for one in of_kind(made, "Service") for port in one["spec"]["ports"]]
    assert {port["appProtocol"] for port in ports} == {"https"}
