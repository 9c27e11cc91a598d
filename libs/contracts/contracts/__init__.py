"""The events that Channelbus states: pure data, written once, published as JSON Schemas."""

from contracts import billing, customer, order, partner, voucher
from contracts.event import Event, Money, contracts, contracts_of

STREAMS = ("customer", "order", "voucher", "billing", "partner")

__all__ = [
    "STREAMS",
    "Event",
    "Money",
    "billing",
    "contracts",
    "contracts_of",
    "customer",
    "order",
    "partner",
    "voucher",
]
