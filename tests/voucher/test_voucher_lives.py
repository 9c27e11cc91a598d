"""Random lives of vouchers beside a plain model: any steps, in any order, the clock between them.

After each step the answer is the model's, the proof is empty, no balance is negative, and what
became of the thing that was touched adds up to what it has. `make prove-vouchers` lives longer.
"""

import asyncio
import os
import random
from collections import Counter
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase
from tests.voucher.builders import NOW, PARTNER, VoucherDoor
from tests.voucher.voucher_world import World
from voucher.app import build
from voucher.ledger.prove_ledger import look_at_ledger
from voucher.settings import VoucherSettings

pytestmark = pytest.mark.postgres

LIVES = int(os.environ.get("VOUCHER_LIVES", "2"))
SEED = os.environ.get("VOUCHER_SEED")  # none: the same lives each time
STEPS = 120
AMOUNTS = ("0.01", "5.00", "10.00", "33.33")
# Step → how often, of those that can do something now (`Model.can`).
OFTEN = {
    "issue": 5, "give": 5, "reserve": 9, "capture": 7, "release": 4, "restore": 7, "hand_over": 6,
    "take_back": 7, "hand_out": 2, "quota_back": 2, "adjust": 2, "set_status": 3, "grant": 1,
    "reclaim": 2, "campaign": 2, "activate": 3, "freeze": 2, "unfreeze": 2,
    "clock_moves": 2, "expire": 2, "unlink": 1,
    "switch": 1, "move": 2, "come_back": 9,
}  # fmt: skip


async def live(world: World, chance: random.Random) -> list[str]:
    """The kinds of the steps, in their order."""
    await world.begin()
    await world.check()
    done: list[tuple[str, int, str]] = []
    for _ in range(STEPS):
        able = {
            kind: often * world.model.can(kind, world.clock.now) for kind, often in OFTEN.items()
        }
        [kind] = chance.choices(list(able), list(able.values()))
        done.append((kind, chance.randrange(60), chance.choice(AMOUNTS)))
        try:
            await getattr(world, kind)(*done[-1][1:])
            await world.check()
        except AssertionError as error:
            error.add_note(f"after {done}")
            raise
    for paper in world.model.papers:
        await world.check_history(paper)
    async with world.door.database.transaction() as session:
        doubts = [row.doubt for row in await look_at_ledger(session) if row.doubt]
    assert doubts == []  # else each proof of a ledger that balances takes the long way
    return [kind for kind, *_ in done]


def test_vouchers_live_as_a_plain_model_does(service_store: ServiceDatabase) -> None:
    """Break: let a restored coupon keep its status, a recall forget what is held, a reclaimed
    quota keep what comes back, or an end take what an order holds; or take what is transferred for
    a plain movement in the look at the ledger."""
    with asyncio.Runner() as runner:
        clock = StandingClock(NOW)
        app = build(service_store.settings(VoucherSettings), clock)
        entered = VoucherDoor.of(app, PARTNER)
        door: Any = runner.run(entered.__aenter__())
        lived: Counter[str] = Counter()
        numbers = count(1)

        @settings(
            max_examples=LIVES, deadline=None, database=None, derandomize=SEED is None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # a shorter example would take minutes
        )  # fmt: skip
        @given(st.integers(0, 2**32 - 1))
        def play(number: int) -> None:
            world = World(door, clock, f"d{next(numbers)}x")
            lived.update(runner.run(live(world, random.Random(number))))

        try:
            play() if SEED is None else seed(int(SEED))(play)()
        finally:
            runner.run(entered.__aexit__(None, None, None))
            runner.run(app.parts.database.close())
        assert set(lived) == set(OFTEN)
