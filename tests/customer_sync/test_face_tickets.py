"""show_real_name_auth_qr_code: one visit to a page that is not ours, within ten minutes."""

from collections.abc import AsyncIterator

import pytest

from customer_sync.settings import CustomerSyncSettings
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    SELLER,
    CustomerDoor,
    customer_itself,
    running,
)

SHOW, REDEEM = "/v2/customers/real-name-auth-qrcode", "/api/face-tickets"
PAGE = "https://faces.example.com/verify"
GONE = (404, "CHB.0404")


@pytest.fixture
async def page_door(
    settings: CustomerSyncSettings, clock: StandingClock
) -> AsyncIterator[CustomerDoor]:
    """The door of a service that knows the page."""
    with_page = settings.model_copy(update={"face_verification_page": PAGE})
    async with running(with_page, clock) as door:
        yield door


async def _ticket(door: CustomerDoor, customer: str) -> str:
    answer = await door.get(SHOW, customer_itself(customer))
    assert answer.status_code == 200, answer.text
    address: str = answer.json()["qr_code_url"]
    page, _, ticket = address.partition("?ticket=")
    assert page == PAGE
    return ticket


async def test_the_page_redeems_the_ticket_once_and_hears_whom_to_verify(
    page_door: CustomerDoor,
) -> None:
    customer = await page_door.create()
    ticket = {"ticket": await _ticket(page_door, customer)}
    redeemed = await page_door.post(REDEEM, ticket, ADMINISTRATOR)
    assert (redeemed.status_code, redeemed.json()) == (200, {"customer_id": customer})
    before = await page_door.written()
    assert code_of(await page_door.post(REDEEM, ticket, ADMINISTRATOR)) == GONE
    assert await page_door.written() == before
    named = {"customer_name": "李雷", "customer_type": 0}
    path = f"/api/customers/{customer}/verification"
    assert (await page_door.post(path, named, ADMINISTRATOR)).is_success
    again = await page_door.get(SHOW, customer_itself(customer))
    assert code_of(again) == (400, "CBC.99007188")


async def test_ten_minutes_later_or_after_a_newer_one_a_ticket_is_gone(
    page_door: CustomerDoor, clock: StandingClock
) -> None:
    customer = await page_door.create()
    older = await _ticket(page_door, customer)
    ticket = await _ticket(page_door, customer)
    assert code_of(await page_door.post(REDEEM, {"ticket": older}, ADMINISTRATOR)) == GONE
    clock.forward(minutes=10)
    assert code_of(await page_door.post(REDEEM, {"ticket": ticket}, ADMINISTRATOR)) == GONE


async def test_only_customers_get_tickets_and_only_the_administrator_redeems(
    page_door: CustomerDoor,
) -> None:
    customer = await page_door.create()
    assert code_of(await page_door.get(SHOW, SELLER)) == (403, "CBC.0151")
    assert code_of(await page_door.get(SHOW, customer_itself("nobody"))) == GONE
    ticket = {"ticket": await _ticket(page_door, customer)}
    for by in (SELLER, customer_itself(customer)):
        assert code_of(await page_door.post(REDEEM, ticket, by)) == (403, "CBC.0151")
    assert (await page_door.post(REDEEM, ticket, ADMINISTRATOR)).status_code == 200


async def test_without_a_page_the_feature_is_off(door: CustomerDoor) -> None:
    customer = await door.create()
    assert code_of(await door.get(SHOW, customer_itself(customer))) == (400, "CBC.99005030")
