"""What the gateway reads from its environment beside the settings of every service."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

from pydantic import Field, SecretStr, field_validator

from chassis.settings import ServiceSettings, read_keys

ADMIN_TOKEN_CHARACTERS_MIN = 16


class GatewaySettings(ServiceSettings):
    """Secrets come from the environment; `repr` never shows them."""

    admin_token: SecretStr = Field(description="the platform administrator's X-Auth-Token")
    encryption_keys: SecretStr = Field(
        description="id:base64,… of 32 bytes: the first encrypts, all decrypt"
    )
    trusted_proxies: str = Field(
        default="", description="networks whose X-Forwarded-For is believed, by comma"
    )

    customer_sync_ops_url: str = "http://127.0.0.1:9081"
    order_ops_url: str = "http://127.0.0.1:9082"
    voucher_ops_url: str = "http://127.0.0.1:9083"
    billing_ops_url: str = "http://127.0.0.1:9084"
    partner_ops_url: str = "http://127.0.0.1:9085"
    gateway_ops_url: str = "http://127.0.0.1:9080"  # of any replica: the console asks it, too

    credential_cache_seconds: float = Field(
        default=3.0, ge=0, le=5, description="how long a revocation elsewhere may go unnoticed"
    )
    credential_cache_entries: int = 10_000

    forward_connections_max: int = 400
    forward_connect_seconds: float = 2.0
    forward_timeout_seconds: float = 30.0

    argon2_time_cost: int = 2
    argon2_memory_kib: int = 19_456
    argon2_parallelism: int = 1
    password_hashes_at_once: int = Field(default=2, description="each takes a core and its memory")
    passwords_waiting_max: int = Field(
        default=40, ge=1, description="sign-ins that wait for a turn; more are refused, 503"
    )
    passwords_of_an_address_max: int = Field(
        default=8, ge=1, description="sign-ins of one address at once; more are refused, 429"
    )
    sign_ins_per_minute: int = Field(default=20, ge=1, description="for one name and address")
    sign_ins_per_minute_of_account: int = Field(
        default=100, ge=1, description="of addresses that never signed in to the account"
    )

    @field_validator("admin_token")
    @classmethod
    def _not_guessable(cls, token: SecretStr) -> SecretStr:
        if len(token.get_secret_value()) < ADMIN_TOKEN_CHARACTERS_MIN:
            raise ValueError(f"at least {ADMIN_TOKEN_CHARACTERS_MIN} characters")
        return token

    @cached_property
    def keys_at_rest(self) -> dict[str, bytes]:
        """The keys that encrypt secret keys, id → key, in order."""
        return read_keys(self.encryption_keys.get_secret_value())

    @cached_property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of the trusted proxies."""
        names = (name.strip() for name in self.trusted_proxies.split(","))
        return tuple(ip_network(name, strict=False) for name in names if name)
