"""`make credentials`: the one place where secrets are printed."""

import json
from typing import Any

from local.demo_file import addresses, read_demo
from local.layout import Layout
from local.status import running_stack


class NoCredentialsError(RuntimeError):
    """There are none yet, or none of that name."""


def show_credentials(layout: Layout, part: str | None) -> None:
    """All of them as JSON, or one text alone: `partner.token`, `customers.0.ak`."""
    stack = running_stack(layout)
    if stack is None:
        raise NoCredentialsError("there are no credentials yet; start it with: make up")
    demo = read_demo(stack) or {"admin": {"token": stack.admin_token}}
    known: Any = {**demo, **addresses(stack)}
    for name in part.split(".") if part else []:
        try:
            known = known[int(name) if isinstance(known, list) else name]
        except (KeyError, IndexError, ValueError, TypeError) as missing:
            raise NoCredentialsError(f"there is no {part}; see: make credentials") from missing
    text = known if isinstance(known, str) else json.dumps(known, indent=2, ensure_ascii=False)
    print(text)
