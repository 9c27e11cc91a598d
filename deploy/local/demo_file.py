"""`.run/demo.json`: where the system is and how to sign in to its demo portfolio."""

from typing import Any

from local.private_files import read_json, write_private
from local.stack import Stack

_NEEDED = ("partner", "distributor", "reseller", "customers", "admin")


def addresses(stack: Stack) -> dict[str, str]:
    """The part that follows from where the system runs."""
    return {
        "gateway": stack.gateway_url,
        "kafka": stack.kafka_bootstrap,
        "database": stack.database_url,
        "ops": stack.ops_url,
    }


def read_demo(stack: Stack) -> dict[str, Any] | None:
    """The loaded portfolio, or None while it is not loaded to its end."""
    content = read_json(stack.layout.demo)
    return content if all(content.get(part) for part in _NEEDED) else None


def write_demo(stack: Stack, portfolio: dict[str, Any]) -> None:
    """State that the portfolio is loaded; the loader's last act.

    `portfolio` has partner, distributor, reseller, customers and admin; the addresses are added.
    """
    missing = [part for part in _NEEDED if not portfolio.get(part)]
    if missing:
        raise ValueError(f"the demo portfolio lacks {', '.join(missing)}")
    write_private(stack.layout.demo, {**portfolio, **addresses(stack)})


def refresh_addresses(stack: Stack) -> None:
    """Keep the file true after ports have moved."""
    content = read_demo(stack)
    if content is not None and {**content, **addresses(stack)} != content:
        write_demo(stack, content)
