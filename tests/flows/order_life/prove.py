"""Random lives of orders for as long as is wanted: `make prove-orders SECONDS=600`."""

import argparse
import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from testkit.databases import Templates
from testkit.servers import PostgresServer
from tests.flows.order_life.changes import OrderLife
from tests.flows.order_life.world import World, world

Tell = Callable[[str], None]
STEPS = 40  # of one life
LARGE_REFUND = "60.00"  # and more waits for an approval
LIVES = 5  # of one round; each round has a seed of its own


@contextmanager
def in_world(templates: Templates) -> Iterator[None]:
    """The machine's services run, in a loop of their own."""
    with asyncio.Runner() as runner:
        found = world(templates, refund_approval_from=LARGE_REFUND)
        OrderLife.world, OrderLife.runner = runner.run(_enter(found)), runner
        try:
            yield
        finally:
            runner.run(found.__aexit__(None, None, None))


async def _enter(found: object) -> World:
    return await found.__aenter__()  # type: ignore[attr-defined, no-any-return]


def live(lives: int, steps: int, number: int, *, shrink: bool = True) -> None:
    """So many lives of at most so many steps; raises with the shortest life that went wrong."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    told = settings(
        max_examples=lives, stateful_step_count=steps, database=None, deadline=None,
        phases=phases, suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        print_blob=False,
    )  # fmt: skip
    run_state_machine_as_test(seed(number)(OrderLife), settings=told)


def prove(seconds: float, number: int, steps: int, tell: Tell, *, shrink: bool) -> None:
    """Round after round until the time is over; each says where it stands."""
    chance, began = random.Random(number), time.monotonic()
    while (left := seconds - (time.monotonic() - began)) > 0:
        round_number = chance.randrange(10**9)
        live(LIVES, steps, round_number, shrink=shrink)
        tell(f"{left:5.0f} s left, {OrderLife.lives} lives, {OrderLife.steps} steps: all holds")


def main() -> int:
    """The command line; exit 1 with the shortest life in which something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None, help="random by default; printed")
    parser.add_argument("--steps", type=int, default=STEPS, help="of one life, at most")
    parser.add_argument("--as-found", action="store_true", help="do not look for a shorter life")
    given = parser.parse_args()
    number = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    tell: Tell = lambda line: print(line, flush=True)  # noqa: E731, T201
    tell(f"seed {number}")
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    postgres = PostgresServer.for_session(in_memory=True)
    templates = Templates(postgres)
    try:
        with in_world(templates):
            prove(given.seconds, number, given.steps, tell, shrink=not given.as_found)
            tell(", ".join(f"{count} {deed}" for deed, count in sorted(OrderLife.seen.items())))
    except (AssertionError, Flaky) as error:
        tell("\n".join([f"seed {number} found: {error}", *getattr(error, "__notes__", [])]))
        return 1
    finally:
        templates.close()
        postgres.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
