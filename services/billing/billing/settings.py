"""What billing reads from its environment beside the settings of every service."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings, read_keys


class BillingSettings(ServiceSettings):
    """The catalogue and what partners owe may come from files of the installation's own."""

    # A batch takes some seconds, and voucher's answer five at most.
    usage_abandoned_seconds: float = Field(
        default=30.0, gt=0, description="a charge of usage open for longer is closed as failed"
    )
    catalogue_file: Path | None = Field(default=None, description="absent: the committed catalogue")
    settlement_prices_file: Path | None = Field(
        default=None, description="what partners owe; absent: the committed table"
    )
    encryption_keys: SecretStr | None = Field(
        default=None,
        description="id:base64,… of 32 bytes for buckets' secrets; absent: no bucket is taken",
    )
    delivery_folder: Path | None = Field(
        default=None, description="below it subscriptions may name folders; absent: none"
    )
    delivery_networks: str = Field(
        default="", description="private networks where buckets may stand, by comma"
    )

    @cached_property
    def keys_at_rest(self) -> dict[str, bytes]:
        """The keys that encrypt buckets' secrets, id → key, in order; may be empty."""
        given = self.encryption_keys
        return {} if given is None else read_keys(given.get_secret_value())

    @cached_property
    def private_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where buckets may stand beside the public addresses."""
        names = (name.strip() for name in self.delivery_networks.split(","))
        return tuple(ip_network(name, strict=False) for name in names if name)
