"""A month settled whole, then killed at each of its steps by SIGKILL: `make prove-settlement`.

After each kill two processes go on with it at once. The settled lines, the sums and the digest must
be the same bytes as those of the settlement that nobody killed.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time

from sqlalchemy import text

from benchmarks.billing_settlement import NOW, ask, fill
from benchmarks.wire import postgres
from billing.prices.catalogue import load_catalogue
from billing.settings import BillingSettings
from billing.settlement.run_settlements import Settlements
from billing.settlement.settlement_prices import load_settlement_prices
from chassis.crash import arm
from chassis.database import Database
from testkit.databases import ServiceDatabase, Templates

POINTS = (
    "billing.settlement_reading",
    "billing.settlement_read",
    "billing.settlement_matching",
    "billing.settlement_portion",
    "billing.settlement_portion:7",
    "billing.settlement_totalled",
)
_BYTES = text("""
    SELECT (SELECT digest || ' ' || state FROM settlements),
           (SELECT md5(string_agg(md5((to_jsonb(l) - 'settlement_id')::text), '' ORDER BY position))
            FROM settled_lines l),
           (SELECT md5(string_agg((to_jsonb(s) - 'settlement_id')::text, '' ORDER BY number))
            FROM settlement_sums s)
""")
_FORGET = "TRUNCATE settled_lines, settlement_sums, settlement_vouchers, settlements, outbox"


async def prove(copy: ServiceDatabase, lines: int) -> bool:
    """Whether every kill comes to the same bytes."""
    database = Database(copy.settings(BillingSettings), "billing")
    await fill(database, lines)
    same, expected = True, None
    for point in ("", *POINTS):
        await ask(database, "real", 1, "requested")
        begun = time.perf_counter()
        if point:
            killed = await asyncio.to_thread(_settle, copy, point)
            assert killed == -signal.SIGKILL, f"{point} was not reached: {killed}"
        both = [asyncio.to_thread(_settle, copy, "") for _ in range(2)]
        assert await asyncio.gather(*both) == [0, 0]
        assert await asyncio.to_thread(_settle, copy, "") == 0
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            found = tuple((await session.execute(_BYTES)).one())
            await session.execute(text(_FORGET))
        expected = expected or found
        same &= found == expected
        seconds = time.perf_counter() - begun
        said = "the same bytes" if found == expected else f"OTHER BYTES: {found}"
        print(f"{point or 'nobody killed it':34} {seconds:6.1f} s  {said}", flush=True)
    await database.close()
    return same


def _settle(copy: ServiceDatabase, point: str) -> int:
    told = {"CHB_PROVE": f"{copy.server_url}|{copy.prefix}|{point}"}
    command = [sys.executable, "-m", "benchmarks.billing_kills"]
    return subprocess.run(command, env=os.environ | told).returncode


async def _go_on(server_url: str, prefix: str, point: str) -> None:
    copy = ServiceDatabase("billing", server_url, prefix)
    database = Database(copy.settings(BillingSettings), "billing")
    arm(point or None)
    await Settlements(load_settlement_prices(), load_catalogue()).work(database, NOW)
    await database.close()


def main() -> None:
    """Command line; or one process of the proof."""
    if told := os.environ.get("CHB_PROVE"):
        asyncio.run(_go_on(*told.split("|")))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with postgres() as server:
        templates = Templates(server)
        same = asyncio.run(prove(templates.copy("billing", "prove_"), arguments.lines))
        templates.close()
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
