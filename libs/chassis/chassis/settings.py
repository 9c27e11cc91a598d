"""The settings every service reads from its environment; a service adds its own in a subclass."""

from base64 import b64decode
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from chassis.connecting import check_url, with_database, with_hosts, with_tls
from chassis.secret_files import SecretFileError, file_of, is_secret, read_secret, with_files

ANSWER_SECONDS_MIN = 1.0
BUS_ENDS_SECONDS = 4.0  # of an ending process: batches in hand, leases, partitions


class ServiceSettings(BaseSettings):
    """Environment variables by the fields' names, upper case; nothing is read at import.

    A variable that is there but empty counts as one that is not.
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    database_url: SecretStr = Field(
        description="postgresql://user:password@host:port,host:port?sslmode=verify-full&…"
    )
    database_hosts: str | None = Field(
        default=None,
        description="host:port,… in place of the URL's, as of a pooler before it",
    )
    database_ssl_mode: Literal["disable", "require", "verify-ca", "verify-full"] | None = None
    database_ca_file: str | None = None
    database_prefix: str = "channelbus_"
    database_pool_size: int = 8
    database_pool_overflow: int = 10
    database_bus_pool_size: int = Field(default=8, description="for events and schedules, apart")
    database_readers_max: int = Field(default=8, description="connections for the hottest reads")
    statement_timeout_seconds: int = 30
    # A process frozen inside a transaction holds its locks that long; a handler may compute for it.
    transaction_idle_seconds: int = 30

    kafka_bootstrap_servers: str
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_sasl_username: str | None = Field(default=None, json_schema_extra={"with_secret": True})
    kafka_sasl_password: SecretStr | None = None
    kafka_ca_file: str | None = None
    kafka_cert_file: str | None = Field(default=None, description="of this client, with its chain")
    kafka_key_file: str | None = None
    kafka_partitions: int | None = Field(
        default=None, gt=0, description="how many each topic is to have; told where it has others"
    )
    topic_prefix: str = ""
    bus_enabled: bool = Field(default=True, description="off: no relay, no consumers, no schedules")
    role: Literal["all", "api", "worker"] = Field(
        default="all", description="api: requests alone; worker: events and schedules alone"
    )

    host: str = "127.0.0.1"
    port: int = 0
    ops_port: int = Field(
        default=0, description="health and metrics; of the gateway also what it is asked internally"
    )
    drain_seconds: float = Field(
        default=0,
        ge=0,
        le=120,
        description="after SIGTERM: not ready, but still answering whoever has not heard of it",
    )
    shutdown_seconds: float = Field(
        default=20,
        ge=5,
        le=600,
        description="from SIGTERM to the process's end, draining included; then it is ended",
    )
    http_cert_file: str | None = Field(
        default=None, description="set: both listeners speak TLS, and show this, with its chain"
    )
    http_key_file: str | None = None
    http_ca_file: str | None = Field(
        default=None, description="who vouches for the other services' certificates"
    )
    internal_keys: SecretStr = Field(description="id:base64,…: the first signs, all verify")
    log_level: str = "INFO"
    request_log_share: float = Field(
        default=1.0, ge=0, le=1, description="of the requests that succeeded; others are all logged"
    )
    upstream_url: str | None = Field(default=None, description="set: connected mode")
    sandbox: bool = False

    customer_sync_url: str = "http://127.0.0.1:8081"
    order_url: str = "http://127.0.0.1:8082"
    voucher_url: str = "http://127.0.0.1:8083"
    billing_url: str = "http://127.0.0.1:8084"
    partner_url: str = "http://127.0.0.1:8085"

    relay_batch_events: int = 2000
    relay_poll_seconds: float = 2.0
    # A replica that was killed holds its slots that long; the next one looks every two seconds.
    relay_lease_seconds: float = 5.0
    consumer_batch_events: int = 500
    consumer_poll_seconds: float = 0.04
    consumer_retries: int = 5
    consumer_instance_id: str | None = Field(
        default=None,
        description="a name that no other replica has: restarted, it has its partitions at once",
    )
    consumer_session_seconds: float = 45.0  # a loop blocked for less keeps its partitions
    consumer_watch_seconds: float = 10.0
    stalled_after_seconds: float = 60.0
    group_lag_seconds: float = Field(
        default=10.0, description="how often each process measures the lag of every group"
    )
    inbox_keep_days: int = 35

    credentials_grace_seconds: float = Field(
        default=60,
        ge=1,
        le=3600,
        description="how long a connection lives on that was made by what its file said before",
    )
    crash_at: str | None = Field(default=None, description="a named crash point, for proofs only")

    _in_files: dict[str, Path] = PrivateAttr(default_factory=dict)

    def database_of(self, service: str) -> str:
        """The URL of a service's own database, for `chassis.connecting`."""
        url = with_database(self.current("database_url") or "", self.database_prefix + service)
        url = with_hosts(url, self.database_hosts) if self.database_hosts else url
        return with_tls(url, self.database_ssl_mode, self.database_ca_file)

    def files_of(self, *names: str) -> list[Path]:
        """Where these settings stand, as far as in files."""
        return [self._in_files[name] for name in names if name in self._in_files]

    def current(self, name: str) -> str | None:
        """A secret as its file says it now; what it said at the start, where that cannot be read.

        The same as the setting where it stands in no file.
        """
        value = _plain(getattr(self, name))
        if (path := self._in_files.get(name)) is None:
            return value
        with suppress(SecretFileError):
            return read_secret(path, name)
        return value

    def model_post_init(self, _context: Any) -> None:
        """Remember which secrets came from files: given by name, none did."""
        for name, field in type(self).model_fields.items():
            path = file_of(name) if is_secret(field) else None
            if path is not None:
                with suppress(SecretFileError):
                    if read_secret(path, name) == _plain(getattr(self, name)):
                        self._in_files[name] = path

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names them
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Given by name, else the environment, else a file that the environment names."""
        return with_files(settings_cls, init_settings, env_settings)

    @property
    def serves(self) -> bool:
        """Whether this process listens for requests."""
        return self.role != "worker"

    @property
    def works(self) -> bool:
        """Whether this process sends and hears events, and does what comes with time."""
        return self.bus_enabled and self.role != "api"

    @property
    def answer_seconds(self) -> float:
        """How long requests under way may take, once the process is ending and has drained."""
        return self.shutdown_seconds - self.drain_seconds - BUS_ENDS_SECONDS

    @model_validator(mode="after")
    def _leaves_time_for_answers(self) -> Self:
        if self.answer_seconds < ANSWER_SECONDS_MIN:
            at_least = self.drain_seconds + ANSWER_SECONDS_MIN + BUS_ENDS_SECONDS
            raise ValueError(
                f"SHUTDOWN_SECONDS must be at least {at_least:g} with this DRAIN_SECONDS"
            )
        return self

    @field_validator("database_url")
    @classmethod
    def _can_be_connected_to(cls, url: SecretStr) -> SecretStr:
        check_url(url.get_secret_value())
        return url

    @model_validator(mode="after")
    def _can_show_who_it_is(self) -> Self:
        self.database_of("any")  # what is said beside the URL must not contradict it
        if (self.kafka_cert_file is None) != (self.kafka_key_file is None):
            raise ValueError("KAFKA_CERT_FILE and KAFKA_KEY_FILE belong together")
        if (self.http_cert_file is None) != (self.http_key_file is None):
            raise ValueError("HTTP_CERT_FILE and HTTP_KEY_FILE belong together")
        if self.kafka_cert_file and not self.kafka_security_protocol.endswith("SSL"):
            raise ValueError("KAFKA_CERT_FILE needs KAFKA_SECURITY_PROTOCOL SSL or SASL_SSL")
        named = self.kafka_sasl_username and self.kafka_sasl_password
        if self.kafka_security_protocol.startswith("SASL") and not named:
            raise ValueError(
                "KAFKA_SECURITY_PROTOCOL SASL_… needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        return self

    @model_validator(mode="after")
    def _no_sandbox_of_an_upstream(self) -> Self:
        if self.sandbox and self.connected:
            raise ValueError("SANDBOX is for a standalone system: an upstream has its own clock")
        return self

    @cached_property
    def keys(self) -> dict[str, bytes]:
        """The keys of the internal header, id → secret, in order."""
        return read_keys(self.internal_keys.get_secret_value())

    @property
    def connected(self) -> bool:
        """Whether another Partner Center is the authority."""
        return self.upstream_url is not None


def _plain(value: SecretStr | str | None) -> str | None:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def read_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64` as a mapping; the first is the one that signs or encrypts."""
    pairs = (entry.strip().partition(":") for entry in text.split(",") if entry.strip())
    keys = {key_id: b64decode(secret, validate=True) for key_id, _, secret in pairs}
    if not keys:
        raise ValueError("no key given: expected id:base64")
    return keys
