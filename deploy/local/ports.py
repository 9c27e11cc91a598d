"""The ports of this checkout: chosen once, kept, chosen again when somebody took them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from local.private_files import read_json, write_private
from local.services import GATEWAY, SERVICES
from testkit.embedded.ports import free_port, is_free, reserve

GATEWAY_PORT_DEFAULT = 8080
POSTGRES, KAFKA, KAFKA_CONTROLLER = "postgres", "kafka", "kafka-controller"
CHOSEN = (
    POSTGRES,
    KAFKA,
    KAFKA_CONTROLLER,
    *(service.name for service in SERVICES if service != GATEWAY),
    *(service.ops for service in SERVICES),
)


class PortTakenError(RuntimeError):
    """Another program has the gateway's port."""


class PortSettingError(ValueError):
    """GATEWAY_PORT is not a port."""


def gateway_port(environment: Mapping[str, str], kept: Path) -> int:
    """GATEWAY_PORT, else the one this checkout had before, else 8080."""
    given = environment.get("GATEWAY_PORT", "").strip()
    if not given:
        return int(read_json(kept).get(GATEWAY.name, GATEWAY_PORT_DEFAULT))
    if not given.isdecimal() or not 1 <= int(given) <= 65535:
        raise PortSettingError(f"GATEWAY_PORT must be a number from 1 to 65535, not {given!r}")
    return int(given)


def kept_ports(kept: Path) -> dict[str, int]:
    """What the file says, by the process's name."""
    return {name: int(port) for name, port in read_json(kept).items()}


def choose_ports(kept: Path, gateway: int, free: Callable[[int], bool] = is_free) -> dict[str, int]:
    """Ports for a system that does not run yet; raises PortTakenError for the gateway's."""
    if not free(gateway):
        raise PortTakenError(
            f"port {gateway} is used by another program; choose another one for the gateway: "
            f"GATEWAY_PORT={gateway + 1} make up"
        )
    ports = {GATEWAY.name: gateway}
    before = kept_ports(kept)
    for name in CHOSEN:
        port = before.get(name)
        reusable = port is not None and port not in ports.values() and free(port)
        # Reserved also when it was ours before: until its server listens, others look for one.
        ports[name] = port if port and reusable and reserve(port) else free_port(ports.values())
    write_private(kept, dict(ports))
    return ports
