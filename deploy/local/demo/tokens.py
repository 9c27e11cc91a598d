"""The tokens in `.run/demo.json`: each an operator's, good for a day."""

import asyncio
from typing import Any

from local.demo.gateway import CommandRefusedError, Gateway
from local.demo_file import read_demo, write_demo
from local.stack import Stack

HOLDERS = ("partner", "distributor", "reseller", "abroad")


async def with_token(gateway: Gateway, told: dict[str, str]) -> dict[str, str]:
    """The same with a new token of the operator that `told` names."""
    user = {
        "name": told["operator"],
        "password": told["password"],
        "domain": {"name": told["account_name"]},
    }
    content = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    step = f"sign-in of {told['account_name']}"
    _, headers = await gateway.exchange(step, "POST", "/v3/auth/tokens", content)
    return {**told, "token": headers["x-subject-token"]}


def refresh_tokens(stack: Stack) -> None:
    """Sign in again where a token of the demo file is over."""
    demo = read_demo(stack)
    if demo is not None:
        asyncio.run(_refresh(stack, demo))


async def _refresh(stack: Stack, demo: dict[str, Any]) -> None:
    async with Gateway(stack.gateway_url, stack.admin_token) as gateway:
        held = [holder for holder in HOLDERS if holder in demo]
        over = [holder for holder in held if not await _is_good(gateway, demo[holder]["token"])]
        for holder in over:
            demo[holder] = await with_token(gateway, demo[holder])
    if over:
        write_demo(stack, demo)


async def _is_good(gateway: Gateway, token: str) -> bool:
    try:
        headers = {"X-Subject-Token": token}
        await gateway.call("token", "GET", "/v3/auth/tokens", headers=headers)
    except CommandRefusedError as refusal:
        if refusal.status in (401, 404):
            return False
        raise
    return True
