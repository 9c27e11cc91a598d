"""The settings every service reads from its environment; a service adds its own in a subclass."""

from base64 import b64decode
from functools import cached_property

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.connecting import check_url, with_database


class ServiceSettings(BaseSettings):
    """Environment variables by the fields' names, upper case; nothing is read at import.

    A variable that is there but empty counts as one that is not.
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    database_url: SecretStr = Field(
        description="postgresql://user:password@host:port,host:port?sslmode=verify-full&…"
    )
    database_prefix: str = "channelbus_"
    database_pool_size: int = 8
    database_pool_overflow: int = 10
    database_bus_pool_size: int = Field(default=8, description="for events and schedules, apart")
    database_readers_max: int = Field(default=8, description="connections for the hottest reads")
    statement_timeout_seconds: int = 30
    # A process frozen inside a transaction holds its locks that long; a handler may compute for it.
    transaction_idle_seconds: int = 30

    kafka_bootstrap_servers: str
    kafka_security_protocol: str = "PLAINTEXT"
    kafka_sasl_mechanism: str = "PLAIN"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ca_file: str | None = None
    topic_prefix: str = ""
    bus_enabled: bool = Field(default=True, description="off: no relay, no consumers, no schedules")

    host: str = "127.0.0.1"
    port: int = 0
    ops_port: int = Field(
        default=0, description="health and metrics; of the gateway also what it is asked internally"
    )
    internal_keys: SecretStr = Field(description="id:base64,…: the first signs, all verify")
    log_level: str = "INFO"
    request_log_share: float = Field(
        default=1.0, ge=0, le=1, description="of the requests that succeeded; others are all logged"
    )
    upstream_url: str | None = Field(default=None, description="set: connected mode")

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

    crash_at: str | None = Field(default=None, description="a named crash point, for proofs only")

    def database_of(self, service: str) -> str:
        """The URL of a service's own database, for `chassis.connecting`."""
        return with_database(self.database_url.get_secret_value(), self.database_prefix + service)

    @field_validator("database_url")
    @classmethod
    def _can_be_connected_to(cls, url: SecretStr) -> SecretStr:
        check_url(url.get_secret_value())
        return url

    @cached_property
    def keys(self) -> dict[str, bytes]:
        """The keys of the internal header, id → secret, in order."""
        return read_keys(self.internal_keys.get_secret_value())

    @property
    def connected(self) -> bool:
        """Whether another Partner Center is the authority."""
        return self.upstream_url is not None


def read_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64` as a mapping; the first is the one that signs or encrypts."""
    pairs = (entry.strip().partition(":") for entry in text.split(",") if entry.strip())
    keys = {key_id: b64decode(secret, validate=True) for key_id, _, secret in pairs}
    if not keys:
        raise ValueError("no key given: expected id:base64")
    return keys
