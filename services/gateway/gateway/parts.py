"""What the gateway is made of."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from chassis.parts import Parts, application_of, current_parts
from gateway.feed.watch_head import FeedWatch
from gateway.forwarding.forward import Forwarder
from gateway.forwarding.replace_password import PasswordDesk
from gateway.identity.authenticate import Authenticator
from gateway.identity.keyring import Keyring
from gateway.ops.console import Console
from gateway.published.describe_api import PublishedApi
from gateway.rate_limit import RateLimit
from gateway.sandbox.carry_moves import ClockMover
from gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParts(Parts):
    """What the gateway has beside the parts of every service; one of each for the process."""

    settings: GatewaySettings
    keyring: Keyring
    authenticator: Authenticator
    rate_limit: RateLimit
    forwarder: Forwarder
    password_desk: PasswordDesk
    feed_watch: FeedWatch
    console: Console
    published_api: PublishedApi
    clock_mover: ClockMover


CurrentParts = Annotated[GatewayParts, Depends(current_parts)]


def parts_of(request: Request) -> GatewayParts:
    """The same, where no dependency reaches: pages that refuse, and forms."""
    parts = application_of(request.scope).parts
    assert isinstance(parts, GatewayParts)
    return parts
