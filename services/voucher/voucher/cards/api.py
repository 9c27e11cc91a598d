"""The door to stored value cards."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from voucher.cards.give_card import GiveCard, give_card
from voucher.cards.list_stored_value_cards import (
    ListStoredValueCards,
    list_stored_value_cards,
)
from voucher.cards.native_answers import CardAnswer, native_card

router = Router()


@router.get("/v2/promotions/benefits/stored-value-cards")
async def own_cards(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListStoredValueCards, Query()],
) -> Response:
    """list_stored_value_cards."""
    return JsonAnswer(await list_stored_value_cards(session, principal, wanted, now))


@router.post("/api/stored-value-cards", response_model=CardAnswer)
async def give(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: GiveCard,
) -> Response:
    """A card for a customer; the administrator."""
    return await idempotency.answer(native_card(await give_card(session, principal, wanted, now)))
