"""A provider that does what the rules say, and without one whatever it is asked for."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from order.orders.models import Order
from order.resources.models import Piece
from order.resources.provider import Heard
from order.sandbox.models import FAIL, PROVISIONING, ProvisioningRule
from order.sandbox.rules_for import is_silent, rules_for


class RehearsedProvider:
    """A piece keeps the rule that it was given when it was first asked for, while there is one."""

    async def ask(
        self, session: AsyncSession, order: Order, pieces: Sequence[Piece], now: datetime
    ) -> Heard:
        """The use of a rule is counted in the caller's transaction."""
        kept = {piece.rule_id for piece in pieces if piece.rule_id is not None}
        products = {line.line_id: line.product_id for line in order.lines}
        rules = await rules_for(
            session, PROVISIONING, order.order_id, order.customer_id, {*products.values()}, kept
        )
        done, failed = set(), {}
        for piece in pieces:
            rule = _rule_of(piece, rules, products[piece.line_id], now)
            if rule is None:
                done.add(piece.resource_id)
            elif is_silent(rule, piece.ruled_at or now, now):
                continue
            elif rule.outcome == FAIL and rule.code is not None:
                failed[piece.resource_id] = rule.code
            else:
                done.add(piece.resource_id)
        return Heard(done, failed)


def _rule_of(
    piece: Piece, rules: Sequence[ProvisioningRule], product_id: str, now: datetime
) -> ProvisioningRule | None:
    own = next((rule for rule in rules if rule.rule_id == piece.rule_id), None)
    if own is not None:
        return own
    found = next((rule for rule in rules if rule.is_left and rule.is_about(product_id)), None)
    if found is not None:
        found.use()
        piece.rule_id, piece.ruled_at = found.rule_id, now
    return found
