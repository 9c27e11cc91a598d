"""Secrets from files, and what is said beside the URL: read at the start, or refused in words."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from chassis.secret_files import SecretFileError
from chassis.settings import ServiceSettings
from gateway.settings import GatewaySettings
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS, INTERNAL_KEYS

GIVEN = {
    "DATABASE_URL": "postgresql://u:p@db:5432/app?target_session_attrs=any",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "INTERNAL_KEYS": INTERNAL_KEYS,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing but what a test says."""
    for name in GatewaySettings.model_fields:
        for variable in (name.upper(), f"{name.upper()}_FILE"):
            monkeypatch.delenv(variable, raising=False)
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_each_secret_may_stand_in_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Seen to fail when the line's end is part of the secret."""
    told = {
        **GIVEN,
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "ENCRYPTION_KEYS": ENCRYPTION_KEYS,
        "KAFKA_SASL_USERNAME": "bus",
        "KAFKA_SASL_PASSWORD": "spaces  stay ",
    }
    del told["KAFKA_BOOTSTRAP_SERVERS"]  # no secret
    for name, value in told.items():
        (tmp_path / name).write_text(value + "\n")
        environment.delenv(name, raising=False)
        environment.setenv(f"{name}_FILE", str(tmp_path / name))
    settings = GatewaySettings()
    assert settings.database_url.get_secret_value() == GIVEN["DATABASE_URL"]
    assert settings.admin_token.get_secret_value() == ADMIN_TOKEN
    assert settings.kafka_sasl_username == "bus"
    assert settings.kafka_sasl_password is not None
    assert settings.kafka_sasl_password.get_secret_value() == "spaces  stay "
    assert ADMIN_TOKEN not in repr(settings)


def test_a_file_that_says_nothing_is_named_and_not_what_is_in_it(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty, missing = tmp_path / "empty", tmp_path / "missing"
    empty.write_text("\n")
    environment.delenv("INTERNAL_KEYS")
    for path, why in ((empty, "is empty"), (missing, "cannot be read")):
        environment.setenv("INTERNAL_KEYS_FILE", str(path))
        with pytest.raises(SecretFileError, match=f"INTERNAL_KEYS_FILE={path} {why}"):
            ServiceSettings()


def test_a_secret_that_is_said_twice_is_refused(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("INTERNAL_KEYS_FILE", str(tmp_path / "keys"))
    with pytest.raises(SecretFileError, match="INTERNAL_KEYS and INTERNAL_KEYS_FILE are both set"):
        ServiceSettings()


def test_what_is_no_secret_is_not_looked_for_in_a_file(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("TOPIC_PREFIX_FILE", str(tmp_path / "missing"))
    assert ServiceSettings().topic_prefix == ""


def test_tls_and_other_hosts_are_said_beside_the_url(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_SSL_MODE", "verify-full")
    environment.setenv("DATABASE_CA_FILE", "/run/a ca.crt")
    environment.setenv("DATABASE_HOSTS", "pooler:6432,other:6432")
    assert ServiceSettings().database_of("order") == (
        "postgresql://u:p@pooler:6432,other:6432/channelbus_order"
        "?target_session_attrs=any&sslmode=verify-full&sslrootcert=%2Frun%2Fa+ca.crt"
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {
                "DATABASE_URL": "postgresql://u:p@db/app?sslmode=require",
                "DATABASE_SSL_MODE": "verify-full",
            },
            "DATABASE_URL says another sslmode",
        ),
        ({"DATABASE_SSL_MODE": "prefer"}, "Input should be 'disable', 'require'"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERT_FILE": "/c"},
            "KAFKA_CERT_FILE and KAFKA_KEY_FILE belong together",
        ),
        (
            {"KAFKA_CERT_FILE": "/c", "KAFKA_KEY_FILE": "/k"},
            "KAFKA_CERT_FILE needs KAFKA_SECURITY_PROTOCOL SSL or SASL_SSL",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "bus"},
            "needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
        ),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "Input should be 'PLAINTEXT', 'SSL'"),
    ],
)
def test_what_contradicts_itself_is_refused(
    environment: pytest.MonkeyPatch, change: dict[str, str], why: str
) -> None:
    for name, value in change.items():
        environment.setenv(name, value)
    with pytest.raises(ValidationError, match=why):
        ServiceSettings()
