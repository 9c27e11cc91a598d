"""What `make up` prints at its end."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local.demo_file import read_demo
from local.stack import Stack
from testkit.embedded.jars import CHECKOUT

VERSION = version("chassis")


def summary(stack: Stack) -> str:
    """Addresses and three commands to try; no secrets: terminals are recorded and shared."""
    demo = read_demo(stack)
    lines = [
        "",
        f"Channelbus {VERSION} runs.",
        "",
        f"  gateway    {stack.gateway_url}",
        f"  console    {stack.ops_url}",
        f"  Kafka      {stack.kafka_bootstrap}",
        f"  PostgreSQL {without_password(stack.database_url)}",
        "  secrets    make credentials",
    ]
    return "\n".join([*lines, *(_demo_lines(stack, demo) if demo else []), ""])


def without_password(url: str) -> str:
    """The same address, for a screen."""
    return re.sub(r"//([^/:@]*):[^/@]*@", r"//\1@", url)


def _demo_lines(stack: Stack, demo: dict[str, Any]) -> list[str]:
    partner, customer = demo["partner"], demo["customers"][0]["domain_id"]
    header = '-H "X-Auth-Token: $(make -s credentials PART=partner.token)"'
    return [
        f"  codes      {_relative(stack.layout.codes)}: what a customer's phone would receive",
        f"  sign in at the console: account {partner['account_name']}, operator"
        f" {partner['operator']}, password: make -s credentials PART=partner.password",
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
