"""What `make up` prints at its end."""

from typing import Any

from local.demo_file import read_demo
from local.stack import Stack


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
        f"  {kind:<11}access key {demo[kind]['ak']}  secret {demo[kind]['sk']}"
        for kind in ("partner", "distributor", "reseller")
    ]
    header = f"-H 'X-Auth-Token: {demo['partner']['token']}'"
    customer = demo["customers"][0]["domain_id"]
    return [
        *lines,
        f"  all of it  {stack.layout.demo}",
        "",
        "Try:",
        "",
        f"  curl -s {header} '{stack.gateway_url}/api/customers?limit=3'",
        f"  curl -s {header} '{stack.gateway_url}/api/customers/{customer}'",
        f"  curl -s {header} -H 'Content-Type: application/json' -d '{{\"limit\": 2}}' \\",
        f"    '{stack.gateway_url}/v2/partners/sub-customers/query'",
    ]
