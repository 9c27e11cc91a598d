"""The events that Channelbus states: pure data, written once, published as JSON Schemas."""

from contracts import billing, customer, order, partner, voucher
from contracts.audience import Audience
from contracts.event import Event, Money, contracts, contracts_of, is_told_to, told_to

STREAMS = ("customer", "order", "voucher", "billing", "partner")

__all__ = [
    "STREAMS",
    "Audience",
    "Event",
    "Money",
    "billing",
    "contracts",
    "contracts_of",
    "customer",
    "is_told_to",
    "order",
    "partner",
    "told_to",
    "voucher",
]
