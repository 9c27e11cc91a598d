"""What `make up` prints at its end."""

from pathlib import Path
from typing import Any

from local.demo_file import read_demo
from local.stack import Stack
from testkit.embedded.jars import CHECKOUT


def summary(stack: Stack) -> str:
    """Addresses, credentials and three commands to try."""
    demo = read_demo(stack)
    lines = [
        "",
        "Channelbus runs.",
        "",
        f"  gateway    {stack.gateway_url}",
        f"  ops page   {stack.ops_url}",
        f"  Kafka      {stack.kafka_bootstrap}",
        f"  PostgreSQL {stack.database_url}",
        f"  admin      {stack.admin_token}",
    ]
    return "\n".join([*lines, *(_demo_lines(stack, demo) if demo else []), ""])


def _demo_lines(stack: Stack, demo: dict[str, Any]) -> list[str]:
    lines = [
        f"  {kind:<12}access key {demo[kind]['ak']}  secret {demo[kind]['sk']}"
        for kind in ("partner", "distributor", "reseller")
    ]
    partner = demo["partner"]
    header = f"-H 'X-Auth-Token: {partner['token']}'"
    customer = demo["customers"][0]["domain_id"]
    return [
        *lines,
        f"  sign in at /ops: account {partner['account_name']}, operator {partner['operator']},"
        f" password {partner['password']}",
        f"  all of it: {stack.layout.demo}",
        "",
        "Try a search by name, a customer on one page, and the vendor's own SDK:",
        "",
        f"  curl -sG {header} '{stack.gateway_url}/api/customers' \\",
        "    --data-urlencode 'name=科技' --data-urlencode 'limit=3'",
        f"  curl -s {header} '{stack.gateway_url}/api/customers/{customer}'",
        f"  {_relative(CHECKOUT / '.venv/bin/python')}"
        f" {_relative(CHECKOUT / 'deploy/local/try_sdk.py')} {_relative(stack.layout.demo)}",
    ]


def _relative(path: Path) -> Path:
    """As somebody in the checkout would write it."""
    return path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path
