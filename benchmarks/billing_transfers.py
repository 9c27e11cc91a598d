"""64 clients that transfer from one partner's account, beside 64 from as many partners'."""

import statistics
from typing import Any

import aiohttp

from benchmarks.billing_rig import Place, compare, partner, place
from benchmarks.serving import rate
from testkit.databases import Templates
from wire.json import dumps

CLIENTS = 64
ONE_ACCOUNT_BAR = 0.5  # of the rate from 64 accounts
PATH = "/v2/accounts/partner-accounts/adjust-amount"
FUNDS = "90000000.00"


async def transfers_from_one_partner(templates: Templates, arguments: Any) -> bool:
    """The same transfers to 64 customers, in turn from one account and from 64."""
    found: dict[str, list[float]] = {"one": [], "many": []}
    async with place(templates, "transfers") as here:
        pairs = {
            "one": await here.parties("one", 1, CLIENTS),
            "many": await here.parties("many", CLIENTS, CLIENTS),
        }
        for owners in pairs.values():
            await here.top_up(list(dict.fromkeys(giver for giver, _ in owners)), FUNDS)
        # A connection for each client: on a busy machine some would wait in vain for one of 18.
        await here.serve(DATABASE_POOL_SIZE=str(CLIENTS))
        connector = aiohttp.TCPConnector(limit=CLIENTS)
        async with aiohttp.ClientSession(connector=connector) as client:
            for number in range(arguments.rounds + 1):  # the first one fills caches
                for which, owners in pairs.items():
                    count = arguments.transfers if number else CLIENTS * 2
                    things = (owners * (count // CLIENTS + 1))[:count]
                    deed = lambda one: _transfer(client, here, one)  # noqa: E731
                    found[which].append(await rate(things, deed, CLIENTS))
    one, many = (statistics.median(found[which][1:]) for which in ("one", "many"))
    return compare(f"{CLIENTS} clients transfer from one partner", one, many, ONE_ACCOUNT_BAR)


async def _transfer(client: aiohttp.ClientSession, here: Place, pair: tuple[str, str]) -> None:
    giver, taker = pair
    body = dumps({"customer_id": taker, "amount": "0.01"})
    await here.ask(client, PATH, body, partner(giver))
