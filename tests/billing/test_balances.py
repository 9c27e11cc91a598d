"""What partners and customers see of their accounts, and how money first comes in."""

from billing.settings import BillingSettings
from chassis.database import Database
from chassis.identity import HEADER
from contracts.customer import CustomerRegistered, CustomerUnlinked
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    DISTRIBUTOR,
    OTHER_CUSTOMER,
    PARTNER,
    REFERRAL,
    RESELLER,
    RESELLERS_CUSTOMER,
    BillingDoor,
    as_customer,
    as_partner,
    balance_of,
    customer,
    hear,
    money,
    partner_joined,
    running,
    untouched,
)

PARTNERS = "/v2/accounts/partner-accounts/balances"
OWN = "/v2/accounts/customer-accounts/balances"
BATCH = "/v2/accounts/customer-accounts/balances/batch-query"


async def test_a_partner_sees_its_balance_and_what_it_may_transfer(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "1000.00", designated="300.00")
    answer = await door.get(PARTNERS, as_partner())
    account_id = (await balance_of(database, PARTNER)).account_id
    common = {
        "account_id": account_id, "currency": "CNY", "designated_amount": 300.0, "measure_id": 1
    }  # fmt: skip
    assert answer.json()["account_balances"] == [
        {**common, "account_type": 1, "amount": 1000.0},
        {**common, "account_type": 8, "amount": 700.0},
    ]


async def test_a_credit_line_shows_once_there_is_one(door: BillingDoor) -> None:
    body = {"amount": "500.00"}
    path = f"/api/accounts/{PARTNER}/credit-line"
    assert (await door.put(path, body, ADMINISTRATOR)).status_code == 200
    types = (await door.get(PARTNERS, as_partner())).json()["account_balances"]
    (credit,) = [row for row in types if row["account_type"] == 2]
    assert (credit["amount"], credit["credit_amount"]) == (500.0, 500.0)
    again = await door.put(path, body, ADMINISTRATOR)
    assert again.json()["balance"] == "500.00"


async def test_a_distributor_reads_its_resellers_balance(door: BillingDoor) -> None:
    await door.top_up(RESELLER, "7.00")
    distributor = as_partner(DISTRIBUTOR, "distributor")
    named = await door.get(f"{PARTNERS}?indirect_partner_id={RESELLER}", distributor)
    assert named.json()["account_balances"][0]["amount"] == 7.0
    stranger = await door.get(f"{PARTNERS}?indirect_partner_id={PARTNER}", distributor)
    assert code_of(stranger) == (400, "CBC.99000037")


async def test_a_customer_sees_its_own_accounts_without_what_is_held(door: BillingDoor) -> None:
    await door.top_up(CUSTOMER, "10.00")
    await door.hold("a1", "4.00")
    body = (await door.get(OWN, as_customer())).json()
    (balance,) = body["account_balances"]
    assert (balance["account_type"], balance["amount"]) == (1, 6.0)
    assert (body["debt_amount"], body["measure_id"], body["currency"]) == (0.0, 1, "CNY")
    assert code_of(await door.get(OWN, as_partner())) == (403, "CBC.0151")
    assert code_of(await door.get(PARTNERS, as_customer())) == (403, "CBC.0151")


async def test_a_batch_silently_drops_customers_that_are_not_resale(
    door: BillingDoor, database: Database
) -> None:
    """Referral customers are never in balances (docs/domain/worked-examples.md F.14)."""
    await door.top_up(PARTNER, "10.00")
    await door.transfer("2.50", OTHER_CUSTOMER)
    gone = customer(CustomerUnlinked, version=2, association_status="unlinked")
    await hear(database, gone)
    asked = [CUSTOMER, OTHER_CUSTOMER, REFERRAL, RESELLERS_CUSTOMER, "nobody", OTHER_CUSTOMER]
    body = {"customer_infos": [{"customer_id": each} for each in asked]}
    answer = await door.post(BATCH, body, as_partner())
    assert answer.json()["customer_balances"] == [
        {
            "customer_id": OTHER_CUSTOMER,
            "amount": 2.5,
            "debt_amount": 0.0,
            "currency": "CNY",
            "measure_id": 1,
        }
    ]
    assert code_of(await door.post(BATCH, {}, as_partner())) == (400, "CBC.0100")
    assert code_of(await door.post(BATCH, body, as_customer())) == (403, "CBC.0151")


async def test_a_top_up_is_stated_and_counts_once_per_key(
    door: BillingDoor, database: Database
) -> None:
    path, key = f"/api/accounts/{PARTNER}/top-ups", {"Idempotency-Key": "k1"}
    first = await door.post(path, {"amount": 100.1}, ADMINISTRATOR, headers=key)
    second = await door.post(path, {"amount": 100.1}, ADMINISTRATOR, headers=key)
    assert (first.status_code, first.json()["balance"]) == (201, "100.10")
    assert second.json() == first.json()
    (event,) = await outbox.bodies(database, "billing.funds_moved")
    assert (event["amount"], event["balance"], event["reason"]) == (
        "100.10",
        "100.10",
        "SOURCE_OPERAIION_RECHARGE",
    )


BAD_TOP_UPS: list[tuple[str, dict[str, object], str]] = [
    ("nobody", {"amount": 1}, "CBC.99000047"),
    (PARTNER, {"amount": 0}, "CBC.0100"),
    (PARTNER, {"amount": 0.001}, "CBC.0100"),
    (PARTNER, {"amount": 1, "designated_amount": 2}, "CBC.0100"),
    (PARTNER, {"amount": "1.00", "currency": "USD"}, "CBC.0100"),
    (PARTNER, {}, "CBC.0100"),
]


async def test_a_top_up_that_is_refused_writes_nothing(
    door: BillingDoor, database: Database
) -> None:
    before = await untouched(database)
    for owner, body, code in BAD_TOP_UPS:
        answer = await door.post(f"/api/accounts/{owner}/top-ups", body, ADMINISTRATOR)
        assert code_of(answer) == (400, code), (owner, body)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await untouched(database) == before


async def test_an_amount_may_name_its_currency_and_is_not_taken_in_another(
    door: BillingDoor, database: Database
) -> None:
    amount = {"amount": "10.00", "currency": "CNY"}
    for method, path in (("POST", "top-ups"), ("PUT", "credit-line")):
        target = f"/api/accounts/{PARTNER}/{path}"
        shown = (await door.send(method, target, amount, ADMINISTRATOR)).json()
        assert (shown["currency"], shown["balance"]) == ("CNY", "10.00")
        before = await untouched(database)
        wrong = await door.send(method, target, amount | {"currency": "USD"}, ADMINISTRATOR)
        assert code_of(wrong) == (400, "CBC.0100")
        assert await untouched(database) == before


async def test_only_the_administrator_makes_money(door: BillingDoor) -> None:
    for who in (as_partner(), as_customer()):
        for method, path in (("POST", "top-ups"), ("PUT", "credit-line")):
            target = f"/api/accounts/{PARTNER}/{path}"
            assert code_of(await door.send(method, target, {"amount": 1}, who)) == (
                403,
                "CBC.0151",
            )


async def test_a_partner_that_joins_twice_keeps_its_accounts(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "5.00")
    await hear(database, partner_joined(), partner_joined(version=2))
    assert (await balance_of(database, PARTNER)).balance == money("5.00")


async def test_the_international_site_pays_in_dollars(
    door: BillingDoor, database: Database
) -> None:
    site = {"site": "international", "currency": "USD"}
    own = {"partner_id": "partner-abroad", "association_type": "3"}
    await hear(
        database,
        partner_joined("partner-abroad", **site),
        customer(CustomerRegistered, "abroad", **site, **own),
    )
    await door.top_up("partner-abroad", "9.00")
    assert (await door.transfer(9, "abroad", as_partner("partner-abroad"))).status_code == 200
    events = await outbox.bodies(database, "billing.funds_moved")
    assert {event["currency"] for event in events} == {"USD"}


async def test_nothing_is_answered_without_the_gateways_identity(
    settings: BillingSettings,
) -> None:
    async with running(settings) as door:
        assert code_of(await door.send_unsigned("GET", PARTNERS)) == (401, "CBC.0154")
        forged = await door.send_unsigned("GET", PARTNERS, headers={HEADER: "test.e30.00"})
        assert code_of(forged) == (500, "CBC.0999")
