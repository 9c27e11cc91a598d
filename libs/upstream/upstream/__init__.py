"""The vendor's API as a client (connected mode)."""

from upstream.client import Upstream
from upstream.customers import CustomerPage, UnreadableCustomer, UpstreamCustomer
from upstream.errors import UpstreamError, UpstreamRefusedError, UpstreamUnavailableError
from upstream.pace import Pace, unlimited

__all__ = [
    "CustomerPage",
    "Pace",
    "UnreadableCustomer",
    "Upstream",
    "UpstreamCustomer",
    "UpstreamError",
    "UpstreamRefusedError",
    "UpstreamUnavailableError",
    "unlimited",
]
