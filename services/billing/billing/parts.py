"""What billing is made of."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends

from billing.exports.make_exports import Exports
from billing.ingest.run_files import UsageFiles
from billing.prices.catalogue import Catalogue
from billing.reconciliation.run_reconciliations import Reconciliations
from billing.settlement.settlement_prices import SettlementPrices
from billing.subscriptions.deliver import Deliveries
from billing.turns import Turns
from billing.usage.reserve_coupons import UsageCoupons
from chassis.identity import CurrentPrincipal
from chassis.parts import Parts, current_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingParts(Parts):
    """What billing has beside the parts of every service."""

    catalogue: Catalogue
    exports: Exports
    reconciliations: Reconciliations
    usage_files: UsageFiles
    deliveries: Deliveries
    settlement_prices: SettlementPrices
    usage_coupons: UsageCoupons
    turns: Turns = field(default_factory=Turns)


CurrentParts = Annotated[BillingParts, Depends(current_parts)]


async def _take_turn(parts: CurrentParts, principal: CurrentPrincipal) -> AsyncIterator[None]:
    async with parts.turns.of(principal.partner_id):
        yield


# Of a route, so that it comes before the session; it ends behind the session's commit.
IN_TURN = Depends(_take_turn, scope="function")
