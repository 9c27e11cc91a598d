"""What the command that each service installs does before it serves, and when it migrates."""

import gc
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from chassis import cli, logs, migrations
from chassis.app import basic_parts, service_app
from chassis.kafka import connection_arguments
from chassis.parts import Parts, ServiceApp
from chassis.settings import ServiceSettings
from tests.chassis.tally import settings_for


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """A process that serves listens to signals until it ends; this one goes on."""
    told = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, told)


def test_a_serving_process_sets_what_it_built_apart_from_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[tuple[object, int]] = []

    def serve(server: uvicorn.Server, sockets: object) -> None:
        assert sockets is None, "it listens where its settings say"
        served.append((server.config.app, gc.get_freeze_count()))

    monkeypatch.setattr(uvicorn.Server, "run", serve)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    settings = settings_for("postgresql://unused", "unused", "cli_")
    app = service_app(basic_parts("tally", settings), routers=[])
    before = gc.get_freeze_count()
    try:
        cli.serve("order", settings, lambda _: app)
    finally:
        gc.unfreeze()
    [(found, frozen)] = served
    assert found is app
    assert frozen > before + 1000


class KeepingSettings(ServiceSettings):
    """A service that cannot serve without a secret of its own."""

    secret: str


def test_migrating_asks_for_no_secret_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    migrated: list[tuple[str, str]] = []
    monkeypatch.setattr(migrations, "migrate", lambda *asked: migrated.append(asked))
    monkeypatch.setattr(sys, "argv", ["tally", "migrate"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@c:5432")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "unused:9092")
    monkeypatch.setenv("INTERNAL_KEYS", "k1:c2VjcmV0")
    monkeypatch.delenv("SECRET", raising=False)

    def build(settings: KeepingSettings) -> ServiceApp[Parts]:
        return service_app(basic_parts("tally", settings), routers=[])

    cli.main("tally", KeepingSettings, build)

    assert migrated == [("tally", "postgresql://a:b@c:5432/channelbus_tally")]


SECRET = "a-password-of-nobody"
TOLD = {
    "DATABASE_URL": f"postgresql://a:{SECRET}@127.0.0.1:1",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "INTERNAL_KEYS": "k:eA==",
}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, "DATABASE_URL: Field required; KAFKA_BOOTSTRAP_SERVERS: Field required"),
        (TOLD | {"DATABASE_URL": TOLD["DATABASE_URL"] + "?bogus=1"}, "DATABASE_URL: unknown param"),
        (TOLD | {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SECURITY_PROTOCOL SASL_… needs"),
        (TOLD | {"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: Input should be"),
        (TOLD | {"HTTP_CERT_FILE": "/x"}, "HTTP_CERT_FILE and HTTP_KEY_FILE belong together"),
        (TOLD | {"INTERNAL_KEYS": "", "INTERNAL_KEYS_FILE": "/x"}, "INTERNAL_KEYS_FILE=/x cannot"),
    ],
)
@pytest.mark.parametrize("verb", ["serve", "migrate"])
def test_settings_that_are_wrong_are_told_in_one_line_without_a_secret(
    told: dict[str, str],
    why: str,
    verb: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Seen to fail with the traceback of before, which had the password."""
    for name in (*ServiceSettings.model_fields, "internal_keys_file"):
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["tally", verb])
    with pytest.raises(SystemExit) as ended:
        cli.main("tally", ServiceSettings, lambda _: pytest.fail("it went on"))
    said = "".join(capfd.readouterr())
    assert ended.value.code == 1
    assert said.count("\n") == 1
    assert why in said
    assert SECRET not in said


def test_a_file_of_kafka_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A wrong path, and what is no certificate."""
    (tmp_path / "x").write_text("no certificate")
    common = {"kafka_security_protocol": "SSL"}
    for given, name in (
        ({"kafka_ca_file": str(tmp_path / "none")}, "KAFKA_CA_FILE="),
        ({"kafka_cert_file": str(tmp_path / "x"), "kafka_key_file": "y"}, "KAFKA_CERT_FILE="),
    ):
        settings = settings_for("postgresql://unused", "unused", "cli_", **common, **given)
        with pytest.raises(OSError, match=name):
            connection_arguments(settings)
