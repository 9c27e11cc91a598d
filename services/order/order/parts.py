"""What order is made of."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends

from chassis.parts import Parts, current_parts
from order.approvals import Approvals
from order.jobs.run_jobs import OrderJobs
from order.peers import Peers
from order.provisioning.complete_orders import Provisioning

TWO_CONNECTIONS_MAX = 4  # requests at once


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParts(Parts):
    """What order has beside the parts of every service."""

    peers: Peers
    # For requests that take a second connection beside their own.
    two_connections: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(TWO_CONNECTIONS_MAX)
    )
    provisioning: Provisioning
    jobs: OrderJobs
    approvals: Approvals


CurrentParts = Annotated[OrderParts, Depends(current_parts)]
