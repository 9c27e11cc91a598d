"""How vouchers are, as the voucher service tells it."""

from collections.abc import Mapping
from typing import Any

from gateway.forwarding.destinations import Service
from gateway.ops.peers import Peers
from gateway.ops.sessions import Visitor

OVERVIEW = "/api/vouchers/overview"
HOURS = 24
LOOK_SECONDS_MAX = 10.0  # a day's movements are added up


async def show_vouchers(peers: Peers, visitor: Visitor, language: str) -> Mapping[str, Any]:
    """Of the last day.

    Raises:
        OutsideError: voucher does not answer.
        RefusedByServiceError: it refused.

    """
    return await peers.ask(
        Service.VOUCHER,
        visitor.commander,
        OVERVIEW,
        {"hours": HOURS},
        language=language,
        seconds_max=LOOK_SECONDS_MAX,
    )
