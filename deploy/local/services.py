"""The services, listed once: start-up, migration, ports and status all read this list."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """A service's distribution name; everything else follows from it."""

    name: str

    @property
    def package(self) -> str:
        """Its package, database suffix and consumer group."""
        return self.name.replace("-", "_")

    @property
    def url_variable(self) -> str:
        """The environment variable by which its peers learn where it is."""
        return f"{self.package.upper()}_URL"

    @property
    def ops(self) -> str:
        """The name of its second port, where it tells health and metrics."""
        return f"{self.name}-ops"

    @property
    def ops_url_variable(self) -> str:
        """The environment variable by which the console learns where that is."""
        return f"{self.package.upper()}_OPS_URL"


GATEWAY = Service("gateway")
MESSENGER = Service("customer-sync")  # it sends verification codes
SERVICES = (
    MESSENGER,
    Service("order"),
    Service("voucher"),
    Service("billing"),
    Service("partner"),
    GATEWAY,
)
COPYING = tuple(service for service in SERVICES if service.name != "partner")
TOPICS = ("customer", "order", "voucher", "billing", "partner")
PARTITIONS = 6  # a deployment has 12; never changed once a topic is there
