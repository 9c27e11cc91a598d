"""The events that Channelbus states: pure data, written once, published as JSON Schemas."""

from contracts import billing, customer, order, partner, voucher
from contracts.event import Event, Money, contracts

STREAMS = ("customer", "order", "voucher", "billing", "partner")

__all__ = [
    "STREAMS",
    "Event",
    "Money",
    "billing",
    "contracts",
    "customer",
    "order",
    "partner",
    "voucher",
]
