"""What partners and customers see of their accounts, and how money first comes in."""

from billing.settings import BillingSettings
from chassis.database import Database
from chassis.identity import HEADER
from contracts.customer import CustomerRegistered, CustomerUnlinked
from tests.billing.builders import (
    ADMIN,
    CUSTOMER,
    DISTRIBUTOR,
    OTHER_CUSTOMER,
    PARTNER,
    REFERRAL,
    RESELLER,
    RESELLERS_CUSTOMER,
    Caller,
    as_customer,
    as_partner,
    balance_of,
    customer,
    deliver,
    money,
    partner_joined,
    refused,
    running,
    stated,
    untouched,
)

PARTNERS = "/v2/accounts/partner-accounts/balances"
OWN = "/v2/accounts/customer-accounts/balances"
BATCH = "/v2/accounts/customer-accounts/balances/batch-query"


async def test_a_partner_sees_its_balance_and_what_it_may_transfer(
    caller: Caller, database: Database
) -> None:
    await caller.top_up(PARTNER, "1000.00", designated="300.00")
    answer = await caller.get(as_partner(), PARTNERS)
    account_id = (await balance_of(database, PARTNER)).account_id
    common = {
        "account_id": account_id, "currency": "CNY", "designated_amount": 300.0, "measure_id": 1
    }  # fmt: skip
    assert answer.json()["account_balances"] == [
        {**common, "account_type": 1, "amount": 1000.0},
        {**common, "account_type": 8, "amount": 700.0},
    ]


async def test_a_credit_line_shows_once_there_is_one(caller: Caller) -> None:
    body = {"amount": "500.00"}
    path = f"/api/accounts/{PARTNER}/credit-line"
    assert (await caller.send(ADMIN, "PUT", path, body)).status_code == 200
    types = (await caller.get(as_partner(), PARTNERS)).json()["account_balances"]
    (credit,) = [row for row in types if row["account_type"] == 2]
    assert (credit["amount"], credit["credit_amount"]) == (500.0, 500.0)
    again = await caller.send(ADMIN, "PUT", path, body)
    assert again.json()["balance"] == "500.00"


async def test_a_distributor_reads_its_resellers_balance(caller: Caller) -> None:
    await caller.top_up(RESELLER, "7.00")
    distributor = as_partner(DISTRIBUTOR, "distributor")
    named = await caller.get(distributor, f"{PARTNERS}?indirect_partner_id={RESELLER}")
    assert named.json()["account_balances"][0]["amount"] == 7.0
    stranger = await caller.get(distributor, f"{PARTNERS}?indirect_partner_id={PARTNER}")
    assert refused(stranger) == (400, "CBC.99000037")


async def test_a_customer_sees_its_own_accounts_without_what_is_held(caller: Caller) -> None:
    await caller.top_up(CUSTOMER, "10.00")
    await caller.hold("a1", "4.00")
    body = (await caller.get(as_customer(), OWN)).json()
    (balance,) = body["account_balances"]
    assert (balance["account_type"], balance["amount"]) == (1, 6.0)
    assert (body["debt_amount"], body["measure_id"], body["currency"]) == (0.0, 1, "CNY")
    assert refused(await caller.get(as_partner(), OWN)) == (403, "CBC.0151")
    assert refused(await caller.get(as_customer(), PARTNERS)) == (403, "CBC.0151")


async def test_a_batch_silently_drops_customers_that_are_not_resale(
    caller: Caller, database: Database
) -> None:
    await caller.top_up(PARTNER, "10.00")
    await caller.transfer("2.50", OTHER_CUSTOMER)
    gone = customer(CustomerUnlinked, version=2, association_status="unlinked")
    await deliver(database, gone)
    asked = [CUSTOMER, OTHER_CUSTOMER, REFERRAL, RESELLERS_CUSTOMER, "nobody", OTHER_CUSTOMER]
    body = {"customer_infos": [{"customer_id": each} for each in asked]}
    answer = await caller.post(as_partner(), BATCH, body)
    assert answer.json()["customer_balances"] == [
        {
            "customer_id": OTHER_CUSTOMER,
            "amount": 2.5,
            "debt_amount": 0.0,
            "currency": "CNY",
            "measure_id": 1,
        }
    ]
    assert refused(await caller.post(as_partner(), BATCH, {})) == (400, "CBC.0100")
    assert refused(await caller.post(as_customer(), BATCH, body)) == (403, "CBC.0151")


async def test_a_top_up_is_stated_and_counts_once_per_key(
    caller: Caller, database: Database
) -> None:
    path, key = f"/api/accounts/{PARTNER}/top-ups", {"Idempotency-Key": "k1"}
    first = await caller.post(ADMIN, path, {"amount": 100.1}, **key)
    second = await caller.post(ADMIN, path, {"amount": 100.1}, **key)
    assert (first.status_code, first.json()["balance"]) == (201, "100.10")
    assert second.json() == first.json()
    (event,) = await stated(database, "billing.funds_moved")
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
    (PARTNER, {}, "CBC.0100"),
]


async def test_a_top_up_that_is_refused_writes_nothing(caller: Caller, database: Database) -> None:
    before = await untouched(database)
    for owner, body, code in BAD_TOP_UPS:
        answer = await caller.post(ADMIN, f"/api/accounts/{owner}/top-ups", body)
        assert refused(answer) == (400, code), (owner, body)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await untouched(database) == before


async def test_only_the_administrator_makes_money(caller: Caller) -> None:
    for who in (as_partner(), as_customer()):
        for method, path in (("POST", "top-ups"), ("PUT", "credit-line")):
            target = f"/api/accounts/{PARTNER}/{path}"
            assert refused(await caller.send(who, method, target, {"amount": 1})) == (
                403,
                "CBC.0151",
            )


async def test_a_partner_that_joins_twice_keeps_its_accounts(
    caller: Caller, database: Database
) -> None:
    await caller.top_up(PARTNER, "5.00")
    await deliver(database, partner_joined(), partner_joined(version=2))
    assert (await balance_of(database, PARTNER)).balance == money("5.00")


async def test_the_international_site_pays_in_dollars(caller: Caller, database: Database) -> None:
    site = {"site": "international", "currency": "USD"}
    own = {"partner_id": "partner-abroad", "association_type": "3"}
    await deliver(
        database,
        partner_joined("partner-abroad", **site),
        customer(CustomerRegistered, "abroad", **site, **own),
    )
    await caller.top_up("partner-abroad", "9.00")
    assert (await caller.transfer(9, "abroad", as_partner("partner-abroad"))).status_code == 200
    events = await stated(database, "billing.funds_moved")
    assert {event["currency"] for event in events} == {"USD"}


async def test_nothing_is_answered_without_the_gateways_identity(
    settings: BillingSettings,
) -> None:
    async with running(settings) as caller:
        assert refused(await caller.raw("GET", PARTNERS, {})) == (401, "CBC.0154")
        forged = await caller.raw("GET", PARTNERS, {HEADER: "test.e30.00"})
        assert refused(forged) == (500, "CBC.0999")
