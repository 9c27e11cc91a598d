"""Which of the two clocks a file may ask (decision 0093)."""

import re
from collections.abc import Iterator

from tests.house.checkout import Checkout


def the_wall_is_asked_where_it_is_meant(checkout: Checkout) -> Iterator[str]:
    """Business time may be moved ahead: whoever compares it with the wall's is wrong."""
    for path in checkout.python("services"):
        line = _asks_the_wall(checkout, path)
        if line and path not in THE_WALL and "/migrations/" not in path and not _is_app(path):
            yield (
                f"{path}:{line} asks the wall; what a rule of business compares or keeps is"
                " chassis.clock.Now, in SQL chassis.move_clock.business_now: take that, or say in"
                " THE_WALL why nobody may move this time"
            )


def wall_is_excused_where_asked(checkout: Checkout) -> Iterator[str]:
    """An excuse that nobody needs lets the next mistake through."""
    for path in THE_WALL:
        if path not in checkout.paths or not _asks_the_wall(checkout, path):
            yield f"{path} does not ask the wall any more; take it out of THE_WALL"


def _asks_the_wall(checkout: Checkout, path: str) -> int:
    """The first line that does; 0 for none."""
    lines = checkout.text(path).splitlines()
    return next((number for number, line in enumerate(lines, 1) if _says_wall(line)), 0)


def _is_app(path: str) -> bool:
    """Puts a service together: it passes clocks on and looks at none."""
    return path.endswith("/app.py") and path.count("/") == APP_DEPTH


APP_DEPTH = 3  # services/order/order/app.py
_says_wall = re.compile(
    r"\bWallNow\b|\bWallClock\b|\bwall_clock\b|\bwall_now\(|\bfunc\.(now|clock_timestamp)\("
    r"|\bclock_timestamp\(|\btime\.time\(|\bfrom time import time\b|[^\w.]now\(\)"
).search
_CODES = "codes and tickets prove who somebody is: they last some minutes of the wall"
_IDENTITY = "credentials, sessions and signatures"
_OPERATORS = "what operators look at and decide is dated as the logs and Kafka are"
_SYNC, _GATE = "services/customer-sync/customer_sync", "services/gateway/gateway"
THE_WALL = {
    "services/voucher/voucher/watch/api.py": "hours of operation: ids are in the wall's order",
    f"{_SYNC}/customers/api.py": _CODES,
    f"{_SYNC}/enterprise/api.py": _CODES,
    f"{_SYNC}/realname/api.py": _CODES,
    f"{_SYNC}/sweep/api.py": "connected mode: a lease on the sweep",
    f"{_SYNC}/sweep/pace_requests.py": "the upstream's quota",
    f"{_SYNC}/sweep/run_sweep.py": "connected mode: a lease on the sweep",
    f"{_GATE}/forwarding/door.py": "signatures and rate limits",
    f"{_GATE}/forwarding/kept_answers.py": "who takes a dead replica's request over",
    f"{_GATE}/identity/api.py": _IDENTITY,
    f"{_GATE}/identity/issue_token.py": _IDENTITY,
    f"{_GATE}/identity/lineage.py": _IDENTITY,
    f"{_GATE}/identity/models.py": _IDENTITY,
    f"{_GATE}/identity/prune_credentials.py": _IDENTITY,
    f"{_GATE}/ops/admitted.py": _IDENTITY,
    f"{_GATE}/ops/api.py": _IDENTITY,
    f"{_GATE}/ops/console.py": _OPERATORS,
    f"{_GATE}/ops/follow_events.py": _OPERATORS,
    f"{_GATE}/ops/parked_api.py": _OPERATORS,
    f"{_GATE}/ops/watch_services.py": _OPERATORS,
    f"{_GATE}/portfolio/models.py": "when a row was told: rebuilds and pruning",
    f"{_GATE}/portfolio/write_rows.py": "when a row was told: rebuilds",
    f"{_GATE}/sandbox/api.py": "how far business time is ahead of it",
    f"{_GATE}/sandbox/carry_moves.py": "a lease on the move",
    "services/billing/billing/subscriptions/deliver.py": "a lease on the delivery",
    "services/billing/billing/ingest/run_files.py": "a lease on the file",
    "services/billing/billing/usage_coupons/models.py": "how long a charge is under way",
    "services/billing/billing/lines/models.py": "lines of a replica of the release before",
    "services/order/order/copies.py": "when a row was told",
    "services/order/order/orders/models.py": "how long a payment is under way",
}
