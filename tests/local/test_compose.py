"""docker-compose.yml says of the system what its settings and `make up` say of it.

It was run with Docker by hand; these tests need none.
"""

import base64
import re
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.settings import ServiceSettings
from compose.certificates import make
from customer_sync.settings import CustomerSyncSettings
from local.services import GATEWAY, SERVICES, TOPICS, Service
from testkit.embedded.jars import CHECKOUT

KEY = "k1:" + base64.b64encode(bytes(32)).decode()
SECRETS = {
    "DATABASE_PASSWORD": "compose-password",
    "INTERNAL_KEYS": KEY,
    "ENCRYPTION_KEYS": KEY,
    "ADMIN_TOKEN": "compose-admin-token",
}
CONFINED = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}
# Who is nobody's root, by image; a server of others runs as the user that its image made.
USERS = {
    "postgres": "postgres", "apache/kafka": "appuser",
    "prom/prometheus": "nobody", "grafana/grafana": "472",
}  # fmt: skip
NOBODY = "65534:65534"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([?+-])([^}]*))?\}")

OPTIONAL = {"certificates": "tls", "prometheus": "watch", "grafana": "watch"}
CERTIFICATES = "/run/certificates/"

TEXT = (CHECKOUT / "docker-compose.yml").read_text()
CONTAINERS: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]


def environment(container: str, given: dict[str, str]) -> dict[str, str]:
    """What a container is told when these variables are set where Compose is called."""

    def filled(found: re.Match[str]) -> str:
        name, rule, default = found.groups()
        if rule == "+":
            return str(default) if given.get(name) else ""
        return given[name] if rule == "?" else given.get(name) or default or ""

    told = CONTAINERS[container]["environment"]
    written = {n: _VARIABLE.sub(filled, v) for n, v in told.items() if v is not None}
    passed_on = {n: given[n] for n, v in told.items() if v is None and n in given}
    return written | passed_on


def settings_class(service: Service) -> type[ServiceSettings]:
    """The service's own, where it has one."""
    try:
        module = import_module(f"{service.package}.settings")
    except ModuleNotFoundError:
        return ServiceSettings
    name = service.package.title().replace("_", "") + "Settings"
    found: type[ServiceSettings] = getattr(module, name)
    return found


def read_settings(
    monkeypatch: pytest.MonkeyPatch, cls: type[ServiceSettings], told: dict[str, str]
) -> ServiceSettings:
    """The settings of a process that has this environment and nothing else."""
    with monkeypatch.context() as patch:
        for name in cls.model_fields:
            patch.delenv(name.upper(), raising=False)
        for name, value in told.items():
            patch.setenv(name, value)
        return cls()


def test_each_service_has_a_container_and_a_migration_before_it() -> None:
    migrations = {f"migrate-{service.name}" for service in SERVICES}
    names = {service.name for service in SERVICES}
    assert set(CONTAINERS) == names | migrations | {"postgres", "kafka", "topics"} | {*OPTIONAL}
    for service in SERVICES:
        serving, migrating = CONTAINERS[service.name], CONTAINERS[f"migrate-{service.name}"]
        assert serving["image"] == migrating["image"] == f"channelbus/{service.name}"
        assert serving["build"]["args"] == {"SERVICE": service.name}
        assert migrating["command"] == ["migrate"]
        assert migrating["healthcheck"] == {"disable": True}  # the image's asks whoever serves
        assert serving["depends_on"] == {
            f"migrate-{service.name}": {"condition": "service_completed_successfully"},
            "topics": {"condition": "service_completed_successfully"},
            "certificates": {"condition": "service_completed_successfully", "required": False},
        }


def test_no_image_of_ours_is_looked_for_in_a_registry() -> None:
    for service in SERVICES:
        assert CONTAINERS[service.name]["pull_policy"] == "build"
        assert CONTAINERS[f"migrate-{service.name}"]["pull_policy"] == "never"


@pytest.mark.parametrize("tls", [{}, {"TLS": "on"}], ids=["open", "tls"])
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_starts_with_what_it_is_told(
    monkeypatch: pytest.MonkeyPatch, service: Service, tls: dict[str, str]
) -> None:
    cls, told = settings_class(service), environment(service.name, SECRETS | tls)
    scheme = "https" if tls else "http"
    assert {name.lower() for name in told} <= set(cls.model_fields)
    settings = read_settings(monkeypatch, cls, told)
    assert settings.database_of(service.package) == (
        f"postgresql://channelbus:compose-password@postgres:5432/channelbus_{service.package}"
    )
    replicas = CONTAINERS[service.name]["deploy"]["replicas"]
    assert replicas == (1 if "ports" in CONTAINERS[service.name] else 2)
    assert (settings.consumer_instance_id is None) == (replicas > 1)  # two share no name
    shown = [settings.http_cert_file, settings.http_key_file, settings.http_ca_file]
    names = ("tls.crt", "tls.key", "ca.crt") if tls else ()
    assert [one for one in shown if one] == [CERTIFICATES + name for name in names]
    assert not settings.connected
    for peer in SERVICES:
        if peer != GATEWAY:  # nobody asks it where it is public
            reached = getattr(settings, peer.url_variable.lower())
            assert reached == f"{scheme}://{peer.name}:{settings.port}"
        if service == GATEWAY:
            health = getattr(settings, peer.ops_url_variable.lower())
            assert health == f"{scheme}://{peer.name}:{settings.ops_port}"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_migration_needs_no_more_than_it_is_told(
    monkeypatch: pytest.MonkeyPatch, service: Service
) -> None:
    told = environment(f"migrate-{service.name}", SECRETS)
    assert {name.lower() for name in told} <= set(ServiceSettings.model_fields)
    migrating = read_settings(monkeypatch, ServiceSettings, told)
    serving = read_settings(
        monkeypatch, settings_class(service), environment(service.name, SECRETS)
    )
    assert migrating.database_of(service.package) == serving.database_of(service.package)


def test_an_upstream_makes_every_service_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = {
        "UPSTREAM_URL": "https://upstream.example",
        "UPSTREAM_AK": "ak",
        "UPSTREAM_SK": "sk",
        "UPSTREAM_DOMAIN_ID": "domain",
        "UPSTREAM_PARTNER_ID": "partner",
        "UPSTREAM_SITE": "international",
        "UPSTREAM_REQUESTS_PER_SECOND": "3",
        "UPSTREAM_TIMEOUT_SECONDS": "7",
    }
    known = {name.upper() for name in CustomerSyncSettings.model_fields if "upstream_" in name}
    assert known == set(upstream)
    for service in SERVICES:
        told = environment(service.name, SECRETS | upstream)
        assert read_settings(monkeypatch, settings_class(service), told).connected, service.name
    assert upstream.items() <= environment("customer-sync", SECRETS | upstream).items()


def test_secrets_are_demanded_and_reach_only_whom_they_concern() -> None:
    demanded = {name for name, rule, _ in _VARIABLE.findall(TEXT) if rule == "?"}
    assert demanded == set(SECRETS)
    assert set(SECRETS.values()).isdisjoint(TEXT.split())
    for container in CONTAINERS.values():
        told = set(container.get("environment", {}))
        if container["image"] != "channelbus/gateway":
            assert "ADMIN_TOKEN" not in told
        if container["image"] not in {"channelbus/gateway", "channelbus/billing"}:
            assert "ENCRYPTION_KEYS" not in told  # keys of callers, secrets of buckets


def test_only_the_gateway_is_reached_from_outside_and_only_from_this_machine() -> None:
    published = {n: c["ports"] for n, c in CONTAINERS.items() if "ports" in c}
    assert published == {
        "gateway": ["127.0.0.1:${GATEWAY_PORT:-8080}:8080"],
        "prometheus": ["127.0.0.1:${PROMETHEUS_PORT:-9090}:9090"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


def test_every_container_runs_without_rights_on_a_file_system_that_stays_as_it_is() -> None:
    for name, container in CONTAINERS.items():
        assert {key: container.get(key) for key in CONFINED} == CONFINED, name
        assert container["user"] == USERS.get(container["image"].split(":")[0], NOBODY), name
        assert "/tmp" in container["tmpfs"], name


def test_no_container_takes_the_memory_of_the_others() -> None:
    limits = {name: container["mem_limit"] for name, container in CONTAINERS.items()}
    assert limits["postgres"] == limits["kafka"] == "1g"
    assert {limits[service.name] for service in SERVICES} == {"512m"}
    heap = CONTAINERS["kafka"]["environment"]["KAFKA_HEAP_OPTS"]
    assert "-Xmx512m" in heap  # half: the rest is for what is not heap


def test_all_processes_together_leave_the_database_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Break: a third replica; the pools as they are without Compose."""
    needed = 0
    for service in SERVICES:
        told = environment(service.name, SECRETS)
        settings = read_settings(monkeypatch, settings_class(service), told)
        pools = settings.database_pool_size + settings.database_pool_overflow
        pools += settings.database_bus_pool_size + settings.database_readers_max
        needed += CONTAINERS[service.name]["deploy"]["replicas"] * (pools + 1)
    (told_server,) = re.findall(r"max_connections=(\d+)", str(CONTAINERS["postgres"]["command"]))
    assert needed + 20 <= int(told_server)


def test_what_is_optional_stands_in_its_profile_and_mounts_what_is_there() -> None:
    """Break: misspell a folder of what Grafana is provisioned from."""
    for name, container in CONTAINERS.items():
        assert container.get("profiles", []) == ([OPTIONAL[name]] if name in OPTIONAL else [])
        for mounted in container.get("volumes", []):
            source = mounted.split(":")[0]
            if source.startswith("./"):
                assert (CHECKOUT / source).exists(), source
            else:
                assert source in yaml.safe_load(TEXT)["volumes"]
    for name in ("http.yml", "https.yml"):
        told = yaml.safe_load((CHECKOUT / "deploy/prometheus" / name).read_text())
        (job,) = told["scrape_configs"]
        (found,) = job["dns_sd_configs"]
        assert sorted(found["names"]) == sorted(service.name for service in SERVICES)
        assert job.get("scheme", "http") == name.removesuffix(".yml")
        assert all((CHECKOUT / "deploy/prometheus" / one).exists() for one in told["rule_files"])


def test_certificates_have_the_names_of_all_and_are_made_anew_before_they_end(
    tmp_path: Path,
) -> None:
    """By the client that the services use. Break: leave a name out of the command."""
    now = datetime.now(UTC)
    names = CONTAINERS["certificates"]["command"]
    assert {service.name for service in SERVICES} < {*names}
    assert make(tmp_path, names, now)
    assert not make(tmp_path, names, now + timedelta(days=360))
    believed = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    for name in names:
        shake_hands(believed, served, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(believed, served, "elsewhere")
    assert (tmp_path / "tls.key").stat().st_mode & 0o077 == 0
    before = (tmp_path / "tls.crt").read_bytes()
    assert make(tmp_path, names, now + timedelta(days=370))
    assert (tmp_path / "tls.crt").read_bytes() != before


def shake_hands(believed: ssl.SSLContext, served: ssl.SSLContext, name: str) -> None:
    """A whole handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = believed.wrap_bio(to_client, to_server, server_hostname=name)
    server = served.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert client.version() == "TLSv1.3"


def test_what_runs_for_long_keeps_no_more_of_its_log_than_fits() -> None:
    for name, container in CONTAINERS.items():
        if container["restart"] != "no":
            assert container["logging"] == {"driver": "local"}, name


def test_topics_are_those_that_the_services_state_into() -> None:
    [script] = CONTAINERS["topics"]["command"]
    [listed] = re.findall(r"for topic in ([\w ]+);", script)
    assert tuple(listed.split()) == TOPICS


def test_the_server_that_fills_a_new_folder_does_not_pass_for_the_server() -> None:
    test = CONTAINERS["postgres"]["healthcheck"]["test"]
    assert test[test.index("-h") + 1] == "127.0.0.1"


def test_a_build_sees_no_secret_of_the_checkout() -> None:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert let_in == {"libs", "services", "pyproject.toml", "requirements.lock"}
    assert ".env" in (CHECKOUT / ".gitignore").read_text().splitlines()
